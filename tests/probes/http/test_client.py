"""Responses of real servers on loopback."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
import trustme

from stackproof.facts.response import Hop
from stackproof.probes.http import client
from stackproof.probes.http.client import Client
from stackproof.probes.http.client.exchange import BODY_CAP
from stackproof.unobserved import UnobservedError
from tests.probes.http.conftest import Get, Serve
from tests.probes.http.sites import Answer, Site, serving


def test_an_answer(serve: Serve, get: Get) -> None:
    site = serve({"/health?deep=1": (503, {"Content-Type": "text/plain"}, b"warming up")})
    url = f"http://{site.address}/health?deep=1"
    response = get(url)
    assert response.hops == (Hop(url=url, status=503, location=None),)
    assert (response.body, response.error) == ("warming up", None)
    assert response.headers["content-type"] == "text/plain"
    assert response.elapsed_ms > 0
    assert site.requests == [(site.address, "/health?deep=1")]


@pytest.mark.parametrize("pattern", ["shop.example:443", "*:443"])
def test_host_and_server_name_stay_where_the_address_is_overridden(
    serve: Serve, get: Get, authority: trustme.CA, pattern: str
) -> None:
    site = serve(certificate=authority.issue_cert("shop.example"))
    response = get("https://shop.example/", **{pattern: site.address})
    assert response.hops == (Hop(url="https://shop.example/", status=200, location=None),)
    assert site.requests == [("shop.example", "/")]
    assert site.server_names == ["shop.example"]


def test_a_connection_is_for_one_route(serve: Serve, get: Get, authority: trustme.CA) -> None:
    site = serve(certificate=authority.issue_cert("shop.example"))
    response = get("https://shop.example/", "https://blog.example/", **{"*:443": site.address})
    assert response.error == (
        "TLS certificate refused: Hostname mismatch, certificate is not valid for 'blog.example'."
    )
    assert site.requests == [("shop.example", "/")]


def test_a_cookie_is_for_one_route(serve: Serve, get: Get) -> None:
    site = serve({"/login": (200, {"Set-Cookie": "session=1"}, b""), "/": (200, {}, b"")})
    get(f"http://{site.address}/login", f"http://{site.address}/")
    assert site.cookies == [None, None]


def test_a_cookie_is_kept_from_redirect_to_redirect(serve: Serve, get: Get) -> None:
    site = serve(
        {"/": (302, {"Set-Cookie": "session=1", "Location": "/in"}, b""), "/in": (200, {}, b"")}
    )
    get(f"http://{site.address}/", follow=True)
    assert site.cookies == [None, "session=1"]


def test_no_override_leads_a_request_from_the_server_elsewhere(serve: Serve, get: Get) -> None:
    site = serve()
    here = {"*:80": site.address, "localhost:80": "203.0.113.7:80"}
    assert get("http://localhost/", vantage="server", **here).body == "fine"
    assert site.requests == [("localhost", "/")]
    elsewhere = f"http://{site.address.replace('127.0.0.1', 'localhost')}/"
    port = site.address.rpartition(":")[2]
    assert get(elsewhere, vantage="server", **{f"*:{port}": "203.0.113.7:80"}).body == "fine"


def test_an_override_by_name_outranks_one_for_all(serve: Serve, get: Get) -> None:
    named, others = serve({"/": (200, {}, b"named")}), serve({"/": (200, {}, b"others")})
    resolve = {"*:80": others.address, "shop.example:80": named.address}
    assert get("http://shop.example/", **resolve).body == "named"
    assert get("http://blog.example/", **resolve).body == "others"
    assert others.requests == [("blog.example", "/")]


def test_an_override_is_for_its_port(serve: Serve, get: Get) -> None:
    site = serve()
    response = get(f"http://{site.address}/", **{"*:80": "127.0.0.1:1"})
    assert [hop.status for hop in response.hops] == [200]


def test_a_proxy_of_the_process_environment_is_not_used(
    serve: Serve, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert [hop.status for hop in get(f"http://{serve().address}/").hops] == [200]


def _expired(authority: trustme.CA) -> trustme.LeafCert:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return authority.issue_cert(
        "shop.example", not_before=yesterday - timedelta(days=1), not_after=yesterday
    )


@pytest.mark.parametrize(
    ("certificate", "error"),
    [
        (_expired, "TLS certificate refused: certificate has expired"),
        (
            lambda authority: authority.issue_cert("blog.example"),
            "TLS certificate refused: Hostname mismatch, "
            "certificate is not valid for 'shop.example'.",
        ),
        (
            lambda _: trustme.CA().issue_cert("shop.example"),
            "TLS certificate refused: unable to get local issuer certificate",
        ),
    ],
    ids=["expired", "other-host", "unknown-authority"],
)
def test_a_certificate_that_is_refused(
    serve: Serve,
    get: Get,
    authority: trustme.CA,
    certificate: Callable[[trustme.CA], trustme.LeafCert],
    error: str,
) -> None:
    site = serve(certificate=certificate(authority))
    response = get("https://shop.example/", **{"*:443": site.address})
    assert (response.hops, response.error) == ((), error)
    assert site.requests == []


def test_plain_http_where_tls_was_expected(serve: Serve, get: Get) -> None:
    response = get("https://shop.example/", **{"*:443": serve().address})
    assert (response.hops, response.error) == ((), "TLS failed: WRONG_VERSION_NUMBER")


def test_refused(get: Get) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    response = get(f"http://127.0.0.1:{port}/")
    assert (response.hops, response.error) == ((), "connection refused")


@pytest.fixture
def silent() -> Iterator[str]:
    """Address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_answer(get: Get, silent: str, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ROUTE_SECONDS", 0.2)
    response = get(f"{scheme}://shop.example/", **{"*:80": silent, "*:443": silent})
    assert (response.hops, response.error) == ((), "no answer within 0.2 s")


def test_no_connection_is_no_observation(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ROUTE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as stack:
        address = server.getsockname()
        for _ in range(3):  # until its backlog is full: what comes then is dropped
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        with pytest.raises(UnobservedError, match=r"^no connection within 0.2 s$"):
            get(f"http://127.0.0.1:{address[1]}/")


@pytest.fixture
def endless() -> Iterator[Site]:
    """A server that never stops sending."""

    def answer(_: str) -> Answer:
        return 200, {"Content-Length": str(1 << 40)}, b"x" * (1 << 20)

    with serving(answer) as site:
        yield site


def test_an_endless_body_is_capped(get: Get, endless: Site) -> None:
    response = get(f"http://{endless.address}/")
    assert [hop.status for hop in response.hops] == [200]
    assert response.body == "x" * BODY_CAP
    assert response.error is None


def test_a_body_that_drips(serve: Serve, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ROUTE_SECONDS", 0.2)
    dripping = Event()

    def drip() -> Iterator[bytes]:
        while not dripping.wait(0.05):
            yield b"x"

    site = serve({"/": (200, {"Content-Length": "100000"}, drip())})
    try:
        response = get(f"http://{site.address}/")
    finally:
        dripping.set()
    assert (response.hops, response.error) == ((), "no complete answer within 0.2 s")


def test_a_body_that_is_not_what_its_headers_say(serve: Serve, get: Get) -> None:
    site = serve({"/": (200, {"Content-Encoding": "gzip"}, b"plain")})
    response = get(f"http://{site.address}/")
    assert response.error == "Error -3 while decompressing data: incorrect header check"


def test_a_body_that_is_not_text(serve: Serve, get: Get) -> None:
    site = serve({"/": (200, {"Content-Type": "text/html; charset=utf-8"}, b"a\xffb")})
    assert get(f"http://{site.address}/").body == "a�b"


def test_an_answer_that_breaks_off(serve: Serve, get: Get) -> None:
    site = serve({"/": (200, {"Content-Length": "100"}, b"short")})
    response = get(f"http://{site.address}/")
    assert response.error == (
        "peer closed connection without sending complete message body "
        "(received 5 bytes, expected 100)"
    )


def test_a_name_that_does_not_resolve(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolver_says(monkeypatch, socket.EAI_NONAME, "Name or service not known")
    response = get("http://shop.invalid/")
    assert (response.hops, response.error) == ((), "the name does not resolve")


def test_a_resolver_that_does_not_answer_is_no_observation(
    get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolver_says(monkeypatch, socket.EAI_AGAIN, "Temporary failure in name resolution")
    with pytest.raises(UnobservedError) as reason:
        get("http://shop.invalid/")
    assert str(reason.value) == (
        "the name could not be looked up: Temporary failure in name resolution"
    )


def _resolver_says(monkeypatch: pytest.MonkeyPatch, number: int, message: str) -> None:
    # Resolvers differ from machine to machine; these errors are the same everywhere.
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(number, message)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_a_network_that_is_not_there_is_no_observation(get: Get) -> None:
    with pytest.raises(UnobservedError, match=r"^host unreachable: Network is unreachable$"):
        get("http://224.0.0.1/")  # multicast, to which no connection is possible


def test_no_connection_changes_what_others_offer() -> None:
    context, server = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.configure_trust(context)
    authority.issue_cert("shop.example").configure_cert(server)
    server.set_alpn_protocols(["h2", "http/1.1"])
    Client({}, context)
    context.set_alpn_protocols(["h2"])
    assert _agreed(server, context) == "http/1.1"


def _agreed(server: ssl.SSLContext, client: ssl.SSLContext) -> str | None:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there, server_hostname="shop.example")
    theirs = server.wrap_bio(there, back, server_side=True)
    for end in (ours, theirs, ours, theirs):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return ours.selected_alpn_protocol()
