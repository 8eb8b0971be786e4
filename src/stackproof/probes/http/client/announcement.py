"""The headers of a request that announce a body, which is not sent (`Expect: 100-continue`)."""

import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import h11
import httpcore

from stackproof.environment.routes import Route
from stackproof.probes.http.client.exchange import HEAD_CAP, Exchange
from stackproof.probes.http.connections import endpoint

ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError)
"""The errors of `announce`."""
CONTINUE = 100
_PORTS = {"http": 80, "https": 443}
_CHUNK = 16 * 1024


def announce(
    exchange: Exchange, resolve: Mapping[str, str], trust: ssl.SSLContext, route: Route, length: int
) -> int:
    """Announce a body of this length; return the status, 100 if the server asks for the body.

    A server that follows the standard answers at once (RFC 9110, section 10.1.1), and nothing of
    the request reaches the program behind a proxy that buffers requests.

    Raises:
        httpcore.TimeoutException: there was no answer in time.
        httpcore.NetworkError: the connection failed.
        httpcore.ProtocolError: the answer is malformed or too long.
        OSError: the TLS handshake failed.
    """
    parts = urlsplit(route.url)
    host = parts.hostname or ""
    address = endpoint(resolve, host, parts.port or _PORTS[parts.scheme])
    stream = exchange.connect_tcp(*address)
    try:
        if parts.scheme == "https":
            stream = stream.start_tls(trust, host)
        peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_CAP)
        head = peer.send(_head(route, parts.netloc, f"{parts.path or '/'}", parts.query, length))
        stream.write(head or b"")
        return _status(stream, peer)
    except h11.RemoteProtocolError as error:
        raise httpcore.RemoteProtocolError(str(error)) from None
    finally:
        stream.close()


def _head(route: Route, host: str, path: str, query: str, length: int) -> h11.Request:
    headers = {
        "Host": host,
        "User-Agent": "stackproof",
        "Content-Type": "application/octet-stream",
        **route.headers,
        "Content-Length": str(int(length)),
        "Expect": "100-continue",
        "Connection": "close",
    }
    return h11.Request(
        # Proxies do not limit the body of a request that has none.
        method="POST" if route.is_repeatable else route.method,
        target=f"{path}?{query}" if query else path,
        headers=list(headers.items()),
    )


def _status(stream: httpcore.NetworkStream, peer: h11.Connection) -> int:
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            received = stream.read(_CHUNK)
            if not received:
                raise httpcore.RemoteProtocolError(
                    "the server closed the connection without an answer"
                )
            peer.receive_data(received)
        elif isinstance(event, h11.Response):
            return event.status_code
        elif isinstance(event, h11.InformationalResponse) and event.status_code == CONTINUE:
            return CONTINUE
