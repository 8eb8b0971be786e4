"""An HTTP client whose connections the environment can override, with limits on time and size."""

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpcore
import httpx

from stackproof.deadlines import ROUTE_SECONDS
from stackproof.environment.routes import Route
from stackproof.facts.response import Announced, Failure, Hop, Response, StreamState
from stackproof.probes.http.client import body_reader, event_stream, websocket
from stackproof.probes.http.client.announcement import ERRORS as ANNOUNCEMENT_ERRORS
from stackproof.probes.http.client.announcement import announce
from stackproof.probes.http.client.exchange import Exchange
from stackproof.probes.http.connections import connect, endpoint, loopback_overrides
from stackproof.probes.http.errors import classify_error, describe_error
from stackproof.unobserved import UnobservedError

if TYPE_CHECKING:
    from stackproof.engine.ssh.tunnel import Connect, Tunnel

_MAX_HOPS = 10
_PORTS = {"http": 80, "https": 443}
_COOKIE_CAP = 4096
_ERROR_CAP = 200


class Client:
    """An HTTP client with address overrides; SNI and `Host` do not change.

    It does not use the proxies of the process environment: the stack itself is observed.
    """

    def __init__(self, resolve: Mapping[str, str], trust: ssl.SSLContext) -> None:
        """Store the address overrides, and the trusted certificates in a context of its own."""
        self._resolve = resolve
        self._trust = _fixed_alpn(trust)

    def request(
        self, route: Route, through: "Connect | None" = None, seconds: float | None = None
    ) -> Response:
        """Request a route once, following its redirects if the route declares that.

        Each request has its own cookies and connections: over a connection to another host of
        the same address, the certificate of a host would not be observed.

        Args:
            route: the route.
            through: makes the connections if they do not start from this machine.
            seconds: the limit for the whole request; `ROUTE_SECONDS` if None.

        Raises:
            UnobservedError: the problem is on this side: no network, no resolver, or no connection
                in time.
        """
        with (
            _exchange(through, seconds or ROUTE_SECONDS) as exchange,
            httpx.Client(
                transport=_OverridingTransport(self._overrides(route), self._trust, exchange),
                headers={"Accept-Encoding": "gzip, deflate"},
                trust_env=False,
                timeout=None,  # noqa: S113 - the exchange has one for all
            ) as http,
        ):
            return _request(http, route, exchange)

    def announce(
        self, route: Route, length: int, seconds: float, through: "Connect | None" = None
    ) -> Announced:
        """Send only the headers of a request of a route, which announce a body, and get the answer.

        Args:
            route: the route.
            length: the length of the body that is announced.
            seconds: the limit for all of it.
            through: makes the connections if they do not start from this machine.

        Raises:
            UnobservedError: the problem is on this side, as for `request`.
        """
        with _exchange(through, seconds) as exchange:
            try:
                status = announce(exchange, self._overrides(route), self._trust, route, length)
            except (*ANNOUNCEMENT_ERRORS, UnicodeError) as failure:
                return Announced(error=_describe(failure, exchange))
        return Announced(status=status)

    def _overrides(self, route: Route) -> Mapping[str, str]:
        return self._resolve if route.vantage == "here" else loopback_overrides(self._resolve)


@contextmanager
def _exchange(through: "Connect | None", seconds: float) -> Iterator[Exchange]:
    tunnel = _tunnel(through) if through else None
    try:
        yield Exchange(seconds, tunnel.connect if tunnel else connect)
    finally:
        if tunnel:
            tunnel.close()


def _request(http: httpx.Client, route: Route, exchange: Exchange) -> Response:
    hops: list[Hop] = []
    request: httpx.Request | None = http.build_request(
        route.method,
        route.url,
        headers={**_headers_of(route), **route.headers},
        content=route.body.encode() if route.body else None,
    )
    headers: dict[str, str] = {}
    body, whole, error, failed = "", True, None, None
    stream: StreamState | None = None
    elapsed = None
    try:
        while request and len(hops) < _MAX_HOPS:
            response = http.send(request, stream=True)
            exchange.answered = True
            try:
                if route.stream and response.status_code in route.expected_statuses:
                    first, stream, elapsed = event_stream.first(
                        body_reader.decoded(response), exchange
                    )
                    body, whole = body_reader.decode(response, first), stream == "ended"
                else:
                    body, whole = body_reader.read(response)
            finally:
                response.close()
            headers = dict(response.headers)
            hops.append(
                Hop(
                    url=str(request.url),
                    status=response.status_code,
                    location=response.headers.get("location"),
                )
            )
            follow = route.follow_redirects and response.next_request
            request = follow if follow and _stays(route, follow.url) else None
        if route.websocket and hops[-1].status == websocket.SWITCHED:
            error = websocket.why_refused(headers)
            failed = "malformed" if error else None
    # For some names in a redirect, httpx raises errors of other libraries.
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as failure:
        error = _describe(failure, exchange)
        failed = _kind(failure)
    return Response(
        hops=tuple(hops),
        headers=headers,
        body=body,
        whole=whole,
        error=error,
        failure=failed,
        stream=stream,
        elapsed_ms=round((exchange.elapsed if elapsed is None else elapsed) * 1000, 1),
    )


def _headers_of(route: Route) -> Mapping[str, str]:
    if route.websocket:
        return websocket.HEADERS
    return event_stream.HEADERS if route.stream else {}


def _fixed_alpn(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a context offer HTTP/1.1, and ignore later changes of that.

    httpcore sets the protocols again for each connection. Meanwhile OpenSSL may copy the list for
    another thread's handshake, and once in about ten thousand handshakes it copied freed memory:
    the server rejects such a hello with DECODE_ERROR. The same change of a shared context troubles
    others: https://github.com/home-assistant/core/pull/161330
    """
    context.set_alpn_protocols(["http/1.1"])
    context.set_alpn_protocols = _ignore  # type: ignore[method-assign]
    return context


def _ignore(alpn_protocols: Iterable[str]) -> None:
    """Change nothing."""


class _OverridingTransport(httpx.BaseTransport):
    def __init__(
        self, resolve: Mapping[str, str], trust: ssl.SSLContext, exchange: Exchange
    ) -> None:
        self._resolve = resolve
        self._inner = httpx.HTTPTransport(verify=trust)
        # httpx connects in its own way only; the pool below it accepts another. The pool keeps no
        # connection: a server may close a kept one, as nginx does on a reload. Browsers then send
        # the request again; httpx would report a failure.
        self._inner._pool = httpcore.ConnectionPool(
            ssl_context=trust, max_keepalive_connections=0, network_backend=exchange
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        port = _PORTS[url.scheme] if url.port is None else url.port
        if not 0 < port < 1 << 16:
            raise httpx.InvalidURL(f"Invalid port: {port}")
        address, target_port = endpoint(self._resolve, url.host, port)
        if (address, target_port) != (url.host, port):
            request = httpx.Request(
                request.method,
                url.copy_with(host=address, port=target_port),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": url.host},
            )
        response = self._inner.handle_request(request)
        # Browsers accept no longer ones either, and Python's parser warns about malformed ones.
        response.headers = httpx.Headers(
            [
                (name, value)
                for name, value in response.headers.raw
                if not name.lower().startswith(b"set-cookie") or len(value) <= _COOKIE_CAP
            ]
        )
        return response

    def close(self) -> None:
        self._inner.close()


def _tunnel(through: "Connect") -> "Tunnel":
    from stackproof.engine.ssh.tunnel import Tunnel

    return Tunnel(through)


def _stays(route: Route, url: httpx.URL) -> bool:
    """Return whether a redirect may be followed: only HTTP, and to no other host.

    Declared headers, which may be credentials, are not sent in the clear.
    """
    first = urlsplit(route.url)
    exposed = route.headers and (first.scheme, url.scheme) == ("https", "http")
    return url.scheme in _PORTS and url.host == first.hostname and not exposed


def _describe(failure: Exception, exchange: Exchange) -> str:
    """Return one line about a request without a response.

    Raises:
        UnobservedError: the cause is on this side of the connection.
    """
    if isinstance(failure, httpx.TimeoutException | httpcore.TimeoutException):
        # A server that accepts a connection and ignores the TLS handshake was reached.
        if not exchange.connected:
            raise UnobservedError(f"no connection within {exchange.seconds:g} s") from None
        complete = "complete " if exchange.received else ""
        return f"no {complete}answer within {exchange.seconds:g} s"
    # h11 quotes input that it does not understand, of any length.
    return describe_error(failure)[:_ERROR_CAP]


def _kind(failure: Exception) -> Failure:
    if isinstance(failure, httpx.TimeoutException):
        return "time-out"
    # It ended within the response, without an error of the system.
    return "reset" if isinstance(failure, httpx.RemoteProtocolError) else classify_error(failure)
