"""A hostile server can only cause an error, in time and in one line."""

import socket
import ssl
import time
from typing import Any

import pytest
import trustme

from stackproof.environment.model import Environment
from stackproof.facts.tls import Handshake
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.gather import gather
from stackproof.probes.http import client, tls
from stackproof.probes.http.client import Client
from stackproof.probes.http.client.exchange import BODY_CAP, _Stream
from stackproof.probes.http.tls import TlsClient
from stackproof.probes.probe_pool import ProbePool
from tests.probes.http.raw_server import SECONDS, Handler, drip, flood, raw_server, request, respond
from tests.probes.http.sites import serving

SHOP: dict[str, Any] = {"name": "shop", "services": {"web": {}}}
FLOODED = "no complete answer in the first 64 KiB"
LONG = "no complete answer in the first 512 KiB"
LATE = "no complete answer within 0.3 s"


def _environment(declared: dict[str, Any]) -> Environment:
    return Environment.model_validate({**SHOP, **declared})


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ROUTE_SECONDS", SECONDS)


@pytest.mark.parametrize(
    ("handle", "error"),
    [
        (drip(b""), LATE),
        (drip(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), LATE),
        (drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), LATE),
        (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), LATE),
        (drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), LATE),
        (flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), FLOODED),
        (flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), FLOODED),
        (flood(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), FLOODED),
        (
            flood(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"1;" + b"x" * 5000 + b"\r\nx\r\n",
            ),
            LONG,
        ),
    ],
    ids=[
        "a byte at a time", "headers", "interim responses", "body", "chunks",
        "a flood of 100", "a flood of 103", "a flood of headers", "a flood of chunk extensions",
    ],
)  # fmt: skip
def test_a_server_that_does_not_end_its_response_did_not_answer(
    handle: Handler, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if error != LATE:
        monkeypatch.setattr(client, "ROUTE_SECONDS", 30)
    began = time.monotonic()
    response = request(handle)
    assert (response.hops, response.error) == ((), error)
    assert time.monotonic() - began < 20


def test_all_redirects_together_have_one_deadline() -> None:
    def handle(connection: socket.socket) -> None:
        time.sleep(SECONDS / 2)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")

    response = request(handle, follow=True)
    assert [hop.status for hop in response.hops] == [302]
    assert response.error == "no answer within 0.3 s"


def test_many_that_drip_are_all_decided_before_the_gather_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even if there are many more than can run concurrently."""
    monkeypatch.setattr("stackproof.probes.probe_pool.CONCURRENT", 2)
    start = ProbePool.start_after

    def impatiently(self: ProbePool, *given: Any, **_: Any) -> Any:
        return start(self, *given, patience_s=0.1)

    monkeypatch.setattr(ProbePool, "start_after", impatiently)
    monkeypatch.setattr(client, "ROUTE_SECONDS", 1)
    with raw_server(drip(b"")) as address:
        names = [f"route-{number}" for number in range(20)]
        route = {"url": f"http://{address}/", "service": "web"}
        environment = _environment({"routes": dict.fromkeys(names, route)})
        facts = gather(environment, [Need(PROBES["response"], name) for name in names], run="1")
    errors = {getattr(response, "error", response) for response in facts.responses.values()}
    assert errors == {"no complete answer within 1 s"}
    assert facts.duration_s < 5


@pytest.mark.parametrize(
    ("location", "status"),
    [
        ("file:", 302), ("file:///etc/passwd", 302), ("ftp://127.0.0.1/", 302), ("//[", 302),
        ("http://[::1", None), ("http://127.0.0.1:99999/", None), ("http://127.0.0.1:-1/", None),
        ("http://127.0.0.1:0/", None), ("http://127.0.0.1:" + "9" * 5000 + "/", None),
        ("http://xn--/", None), ("javascript:alert(1)", None), ("/a\x01b", None),
        ("/\x1b[31m", None), ("/" + "x" * 1_000_000, None), ("/" + "x" * 70_000, None),
        ("http://other.example@evil.example/", 302),
        ("ws://127.0.0.1/", 302), ("http+unix://127.0.0.1/", 302), ("?", 302), ("", 302),
    ],
)  # fmt: skip
def test_a_redirect_leads_nowhere_but_to_http_on_the_same_host(
    location: str, status: int | None
) -> None:
    response = request(respond(b"", "302 Found", Location=location), follow=True)
    assert response.status == status
    assert (response.error is None) == (status is not None)
    assert len(response.hops) <= 10


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "cookie",
    ["a=b; expires=Mon, 01-Jan-" + "9" * 5000 + " 00:00:00 GMT", "a=b; max-age=" + "9" * 5000, ";"],
)
def test_a_cookie_that_is_none(cookie: str) -> None:
    assert request(respond(b"fine", Set_Cookie=cookie)).body == "fine"


def test_what_is_read_is_bounded_where_a_body_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counting(stream: _Stream, at_most: int, **more: float | None) -> bytes:
        part = whole(stream, at_most, **more)
        read.append(len(part))
        return part

    whole = _Stream.read
    monkeypatch.setattr(_Stream, "read", counting)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 50)
    assert not request(flood(head, b"x" * 1000)).whole
    assert sum(read) < 4 * BODY_CAP


def test_a_handshake_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS", SECONDS)
    with raw_server(drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")) as address:
        environment = _environment(
            {
                "routes": {"home": {"url": f"https://{address}/", "service": "web"}},
                "tls": {},
            }
        )
        [host] = environment.tls_hosts.values()
        began = time.monotonic()
        assert TlsClient(environment).handshake(host) == Handshake(error="no answer within 0.3 s")
        context = ssl.create_default_context()
        response = Client({}, context).request(environment.routes["home"])
        assert time.monotonic() - began < 5
    assert (response.hops, response.error) == ((), "no answer within 0.3 s")


def test_a_certificate_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL is content with more than the standard allows."""

    def unreadable(_: bytes) -> None:
        raise ValueError("year 10000 is out of range")

    monkeypatch.setattr("cryptography.x509.load_der_x509_certificate", unreadable)
    with serving(lambda _: (200, {}, b""), trustme.CA().issue_cert("shop.example")) as site:
        environment = _environment(
            {
                "routes": {"home": {"url": "https://shop.example/", "service": "web"}},
                "resolve": {"*:443": site.address},
                "tls": {},
            }
        )
        response = TlsClient(environment).handshake(environment.tls_hosts["shop.example"])
    assert getattr(response.certificate, "reason", None) == (
        "the certificate cannot be read: year 10000 is out of range"
    )
