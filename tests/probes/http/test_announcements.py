"""Headers that announce a body, which is not sent: what a server answers, however hostile."""

import socket
import ssl
from collections.abc import Sequence
from threading import Thread
from typing import Any

import pytest
import trustme

from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.facts.response import Announced
from stackproof.probes.declaration import PROBES, Need, Target
from stackproof.probes.gather import gather
from stackproof.probes.http.body_limits import body_limit
from stackproof.probes.http.client import Client
from tests.probes.http.raw_server import SECONDS, Handler, drip, flood, raw_server

UNTRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 0\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
FLOODED = "no complete answer in the first 64 KiB"
CLOSED = "the server closed the connection without an answer"
LATE = "no answer within 0.3 s"


def _route(url: str, **declared: Any) -> Route:
    return Route.model_validate({"name": "up", "url": url, "service": "api", **declared})


def _announce(handle: Handler, seconds: float = SECONDS) -> Announced:
    with raw_server(handle) as address:
        return Client({}, UNTRUSTING).announce(_route(f"http://{address}/"), 1 << 24, seconds)


def _sends(sent: bytes) -> Handler:
    return lambda connection: connection.sendall(sent)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (CONTINUE, 100),
        (HINTS + CONTINUE, 100),
        (TOO_LARGE, 413),
        (HINTS + TOO_LARGE, 413),
        # A server may send more than the client waits for.
        (CONTINUE + TOO_LARGE, 100),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 9999\r\n\r\nx", 401),
        (b"HTTP/1.0 417 Expectation Failed\r\n\r\n", 417),
    ],
)
def test_answer(sent: bytes, status: int) -> None:
    assert _announce(_sends(sent), 30) == Announced(status=status)


@pytest.mark.parametrize(
    ("handle", "error"),
    [
        (lambda connection: connection.recv(1), LATE),
        (drip(b""), "no complete answer within 0.3 s"),
        (drip(b"HTTP/1.1 413 ", b"a"), "no complete answer within 0.3 s"),
        (drip(HINTS, HINTS), "no complete answer within 0.3 s"),
    ],
    ids=["silence", "a byte at a time", "a dripping status", "dripping hints"],
)
def test_server_that_does_not_answer(handle: Handler, error: str) -> None:
    assert _announce(handle) == Announced(error=error)


@pytest.mark.parametrize(
    ("handle", "error"),
    [
        (_sends(b""), CLOSED),
        (_sends(b"HTTP/1.1 413"), CLOSED),
        (_sends(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "illegal status line"),
        (_sends(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "Received server _SWITCH_UPGRADE"),
        (flood(b"", HINTS), FLOODED),
        (flood(b"HTTP/1.1 413 ", b"a"), FLOODED),
        (flood(b"HTTP/1.1 413 A\r\n", b"A: b\r\n"), FLOODED),
    ],
    ids=[
        "a close", "a cut", "another protocol", "a switch", "a flood of hints", "an endless line",
        "endless headers",
    ],
)  # fmt: skip
def test_answer_that_is_none(handle: Handler, error: str) -> None:
    found = _announce(handle, 30)
    assert found.status is None
    assert found.error.startswith(error), found.error


def _asked(routes: Sequence[dict[str, Any]], certificate: trustme.CA | None = None) -> list[bytes]:
    """Announce a body for each route to a server that keeps what it received."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if certificate:
            certificate.issue_cert("shop.test").configure_cert(context)

        def serve() -> None:
            for _ in routes:
                accepted, _ = server.accept()
                own = context.wrap_socket(accepted, server_side=True) if certificate else accepted
                with own as connection:
                    seen.append(connection.recv(65536))
                    connection.sendall(CONTINUE)
                    # The client leaves without having sent the body.
                    seen.append(connection.recv(65536))

        thread = Thread(target=serve)
        thread.start()
        trust = ssl.create_default_context()
        if certificate:
            certificate.configure_trust(trust)
        client = Client({f"shop.test:{port}": f"127.0.0.1:{port}"}, trust)
        scheme = "https" if certificate else "http"
        for each in routes:
            route = _route(f"{scheme}://shop.test:{port}/up?a=1", **each)
            assert client.announce(route, 1 << 24, 30) == Announced(status=100)
        thread.join()
    return seen


def test_only_headers_are_sent() -> None:
    headers = {"X-Api-Key": "6f0e1b7c2a", "Content-Type": "image/png"}
    head, more, put, _ = _asked([{"headers": headers, "body_limit": "16M"}, {"method": "PUT"}])
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /up?a=1 HTTP/1.1"
    assert {
        "X-Api-Key: 6f0e1b7c2a", "Content-Type: image/png", "Content-Length: 16777216",
        "Expect: 100-continue", "Connection: close",
    } <= set(lines)  # fmt: skip
    assert lines[-2:] == ["", ""]
    assert more == b""
    assert put.startswith(b"PUT /up?a=1 HTTP/1.1\r\n")


def test_over_tls(authority: trustme.CA) -> None:
    head, more = _asked([{}], authority)
    assert head.startswith(b"POST /up?a=1 HTTP/1.1\r\nHost: shop.test:")
    assert more == b""


def test_certificate_that_is_not_trusted(authority: trustme.CA) -> None:
    from tests.probes.http.sites import serving

    with serving(lambda _: (200, {}, b""), authority.issue_cert("other.test")) as site:
        found = Client({}, UNTRUSTING).announce(_route(f"https://{site.address}/"), 1, 30)
    assert (found.status, found.error.partition(":")[0]) == (None, "TLS certificate refused")


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = Client({}, UNTRUSTING).announce(_route(f"http://127.0.0.1:{port}/"), 1, 30)
    assert found == Announced(error="connection refused")


def test_both_sides_of_the_limit() -> None:
    lengths: list[int] = []

    class Fake:
        def announce(self, _: Route, length: int, *__: object) -> Announced:
            lengths.append(length)
            return Announced(status=100 if length <= 16 << 20 else 413)

    environment = _environment("http://shop.test/", "16M")
    found = body_limit.observe(Target(environment, "up"), Fake(), None, None)
    assert lengths == [16 << 20, (16 << 20) + 1]
    assert (found.at_limit.status, found.above.status) == (100, 413)


def test_in_a_run() -> None:
    with raw_server(_sends(TOO_LARGE)) as address:
        environment = _environment(f"http://{address}/", "1M")
        facts = gather(environment, [Need(PROBES["body_limit"], "up")], run="1")
    assert facts.body_limits["up"].at_limit == Announced(status=413)


def _environment(url: str, limit: str) -> Environment:
    route = {"url": url, "service": "api", "body_limit": limit}
    return Environment.model_validate(
        {"name": "shop", "services": {"api": {}}, "routes": {"up": route}}
    )
