"""Requests to a server that fails in every way, at a rate that does not depend on it."""

import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest

from stackproof.deploy.prober import Prober, Sample
from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.facts.response import Hop, Response
from stackproof.probes.http import client
from stackproof.probes.http.client import Client
from tests.flaky_server import FlakyServer
from tests.probes.http.sites import serving

Shop = Callable[..., Environment]
DEADLINE = 10


def _client() -> Client:
    return Client({}, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _until(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.005)


def _first_sample(shop: Environment) -> Sample:
    """The first sample of a shop's first route."""
    prober = Prober(shop.routes, _client().request, rate=10)
    prober.start()
    _until(lambda: prober.samples)
    prober.stop()
    return prober.samples[0]


@pytest.mark.parametrize(
    ("behaviour", "failure", "message"),
    [
        ("success", None, ""),
        ("reset", "reset", "connection reset by peer"),
        ("stall", "time-out", "no answer within 0.2 s"),
        ("5xx", "5xx", "status 503"),
        ("status", "status", "status 404"),
        ("wrong service", "wrong service", "service: web instead of service: api"),
        ("malformed", "malformed", "Error -3 while decompressing data: incorrect header check"),
    ],
)
def test_failures(
    shop: Shop,
    server: FlakyServer,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: str,
    failure: str | None,
    message: str,
) -> None:
    monkeypatch.setattr(client, "ROUTE_SECONDS", 0.2)
    server.behaviour = behaviour
    sample = _first_sample(shop())
    assert (sample.failure, sample.message, sample.unobserved) == (failure, message, False)
    assert sample.succeeded is (failure is None)
    assert sample.instance == ("" if failure else "one")
    assert sample.sent < sample.done


def test_a_truncated_response_is_a_reset(shop: Shop) -> None:
    with serving(lambda _: (200, {"Content-Length": "100"}, b"short")) as site:
        assert _first_sample(shop(address=site.address)).failure == "reset"


def test_connection_refused(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert _first_sample(shop(address=f"127.0.0.1:{port}")).failure == "refused"


def test_http_instead_of_tls(shop: Shop) -> None:
    with serving(lambda _: (200, {}, b"")) as site:
        sample = _first_sample(shop(url=f"https://{site.address}/"))
    assert (sample.failure, sample.message) == ("TLS", "TLS failed: WRONG_VERSION_NUMBER")


def test_an_unknown_host_name(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert _first_sample(shop(url="http://shop.invalid/")).failure == "name"


def test_an_unreachable_host_is_unobserved(shop: Shop) -> None:
    sample = _first_sample(shop(url="http://224.0.0.1/"))  # multicast: no connection is possible
    assert (sample.failure, sample.unobserved) == (None, True)
    assert sample.message == "host unreachable: Network is unreachable"


def test_an_internal_error_is_unobserved(shop: Shop) -> None:
    def request(_: Route) -> Response:
        raise ZeroDivisionError("ours")

    prober = Prober(shop().routes, request, rate=100)
    prober.start()
    _until(lambda: prober.samples)
    prober.stop()
    assert (prober.samples[0].failure, prober.samples[0].message) == (
        None,
        "ZeroDivisionError: ours",
    )
    assert prober.samples[0].unobserved


class _BlockedRoute:
    """Requests that end when they are released."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.ended: list[str] = []
        self.released = threading.Event()

    @property
    def number_sent(self) -> int:
        return len(self.sent)

    def request(self, route: Route) -> Response:
        self.sent.append(route.name)
        self.released.wait()
        self.ended.append(route.name)
        hop = Hop(url=route.url, status=200, location=None)
        return Response(hops=(hop,), body='{"service": "api"}', elapsed_ms=1)


def test_a_slow_route_does_not_delay_others(shop: Shop) -> None:
    blocked = _BlockedRoute()
    prober = Prober(shop(2).routes, blocked.request, rate=100)
    prober.start()
    _until(lambda: blocked.number_sent >= 20)
    assert prober.samples == []
    blocked.released.set()
    prober.stop()
    assert len(prober.samples) == blocked.number_sent
    assert {sample.route for sample in prober.samples} == {"route-0", "route-1"}


def test_requests_over_the_limit_are_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackproof.deploy.prober._MAX_IN_PROGRESS", 6)
    blocked = _BlockedRoute()
    prober = Prober(shop(2).routes, blocked.request, rate=100)
    prober.start()
    _until(lambda: prober.not_sent["route-0"] > 3 and prober.not_sent["route-1"] > 3)
    _until(lambda: blocked.number_sent >= 6)
    assert blocked.number_sent == 6
    blocked.released.set()
    prober.stop()
    assert sum(sample.succeeded for sample in prober.samples) == len(prober.samples) >= 6


def test_a_request_that_does_not_end(shop: Shop) -> None:
    blocked = _BlockedRoute()
    prober = Prober(shop().routes, blocked.request, rate=100)
    prober.start()
    _until(lambda: blocked.number_sent)
    prober.stop(seconds=0)
    stopped = list(prober.samples)
    assert {(sample.unobserved, sample.message) for sample in stopped} == {
        (True, "no answer within 0 s")
    }
    blocked.released.set()
    _until(lambda: len(blocked.ended) == blocked.number_sent)
    assert prober.samples == stopped


def test_a_late_request_is_not_sent(shop: Shop) -> None:
    blocked = _BlockedRoute()
    prober = Prober(shop().routes, blocked.request, rate=10)
    prober._send(0, shop().routes["route-0"], due=time.monotonic() - 5)
    assert (blocked.number_sent, prober.not_sent["route-0"]) == (0, 1)
    assert prober.longest_lag >= 5


def test_trouble_counts_after_a_first_success(shop: Shop, server: FlakyServer) -> None:
    server.behaviour = "5xx"
    prober = Prober(shop().routes, _client().request, rate=100)
    prober.start()
    _until(lambda: prober.samples)
    assert prober.last_trouble_at == -float("inf")
    server.behaviour = "success"
    _until(lambda: prober.samples[-1].succeeded)
    server.behaviour = "reset"
    _until(lambda: prober.samples[-1].failure == "reset")
    prober.stop()
    assert prober.last_trouble_at >= max(
        sample.sent for sample in prober.samples if sample.succeeded
    )
