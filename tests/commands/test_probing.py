"""What probes say of a server that fails in every way, and that nothing slows them down."""

import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest

from environments.model import Environment
from environments.routes import Route
from fixtures import probing, routes
from fixtures.facts import Hop, Response
from fixtures.probing import Probe, Prober
from fixtures.routes import Client
from tests.commands.moody import Moody
from tests.fixtures.sites import serving

Shop = Callable[..., Environment]
DEADLINE = 10


def _client() -> Client:
    return Client({}, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _until(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < ends, "it never came to pass"
        time.sleep(0.005)


def _probe(shop: Environment) -> Probe:
    """The first probe of a shop's first route."""
    prober = Prober(shop.routes, _client().look, rate=10)
    prober.start()
    _until(lambda: prober.probes)
    prober.stop()
    return prober.probes[0]


@pytest.mark.parametrize(
    ("mood", "wrong", "said"),
    [
        ("right", None, ""),
        ("reset", "reset", "connection reset by peer"),
        ("stall", "time-out", "no answer within 0.2 s"),
        ("5xx", "5xx", "status 503"),
        ("status", "status", "status 404"),
        ("wrong service", "wrong service", "service: web instead of service: api"),
        ("malformed", "malformed", "Error -3 while decompressing data: incorrect header check"),
    ],
)
def test_what_is_wrong(
    shop: Shop,
    server: Moody,
    monkeypatch: pytest.MonkeyPatch,
    mood: str,
    wrong: str | None,
    said: str,
) -> None:
    monkeypatch.setattr(routes, "ROUTE_SECONDS", 0.2)
    server.mood = mood
    probe = _probe(shop())
    assert (probe.wrong, probe.said, probe.unseen) == (wrong, said, False)
    assert probe.right is (wrong is None)
    assert probe.instance == ("" if wrong else "one")
    assert probe.sent < probe.done


def test_an_answer_that_breaks_off_is_a_reset(shop: Shop) -> None:
    with serving(lambda _: (200, {"Content-Length": "100"}, b"short")) as site:
        assert _probe(shop(address=site.address)).wrong == "reset"


def test_refused(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert _probe(shop(address=f"127.0.0.1:{port}")).wrong == "refused"


def test_plain_http_where_tls_was_expected(shop: Shop) -> None:
    with serving(lambda _: (200, {}, b"")) as site:
        probe = _probe(shop(url=f"https://{site.address}/"))
    assert (probe.wrong, probe.said) == ("TLS", "TLS failed: WRONG_VERSION_NUMBER")


def test_a_name_that_does_not_resolve(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert _probe(shop(url="http://shop.invalid/")).wrong == "name"


def test_no_way_to_the_host_is_not_held_against_it(shop: Shop) -> None:
    probe = _probe(shop(url="http://224.0.0.1/"))  # multicast: no connection is possible
    assert (probe.wrong, probe.unseen) == (None, True)
    assert probe.said == "no way to the host: Network is unreachable"


def test_a_defect_of_ours_is_not_held_against_it(shop: Shop) -> None:
    def look(_: Route) -> Response:
        raise ZeroDivisionError("ours")

    prober = Prober(shop().routes, look, rate=100)
    prober.start()
    _until(lambda: prober.probes)
    prober.stop()
    assert (prober.probes[0].wrong, prober.probes[0].said) == (None, "ZeroDivisionError: ours")
    assert prober.probes[0].unseen


class _Held:
    """Looks that end when they are let go."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self.ended: list[str] = []
        self.let_go = threading.Event()

    @property
    def begun(self) -> int:
        return len(self.looks)

    def look(self, route: Route) -> Response:
        self.looks.append(route.name)
        self.let_go.wait()
        self.ended.append(route.name)
        hop = Hop(url=route.url, status=200, location=None)
        return Response(hops=(hop,), body='{"service": "api"}', elapsed_ms=1)


def test_what_is_slow_slows_no_other(shop: Shop) -> None:
    held = _Held()
    prober = Prober(shop(2).routes, held.look, rate=100)
    prober.start()
    _until(lambda: held.begun >= 20)
    assert prober.probes == []
    held.let_go.set()
    prober.stop()
    assert len(prober.probes) == held.begun
    assert {probe.route for probe in prober.probes} == {"route-0", "route-1"}


def test_what_is_too_much_is_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_AT_ONCE", 6)
    held = _Held()
    prober = Prober(shop(2).routes, held.look, rate=100)
    prober.start()
    _until(lambda: prober.not_sent["route-0"] > 3 and prober.not_sent["route-1"] > 3)
    _until(lambda: held.begun >= 6)
    assert held.begun == 6
    held.let_go.set()
    prober.stop()
    assert sum(probe.right for probe in prober.probes) == len(prober.probes) >= 6


def test_what_does_not_end_is_given_up(shop: Shop) -> None:
    held = _Held()
    prober = Prober(shop().routes, held.look, rate=100)
    prober.start()
    _until(lambda: held.begun)
    prober.stop(seconds=0)
    given_up = list(prober.probes)
    assert {(probe.unseen, probe.said) for probe in given_up} == {(True, "no answer within 0 s")}
    held.let_go.set()
    _until(lambda: len(held.ended) == held.begun)
    assert prober.probes == given_up


def test_a_late_probe_is_not_sent(shop: Shop) -> None:
    held = _Held()
    prober = Prober(shop().routes, held.look, rate=10)
    prober._send(0, shop().routes["route-0"], due=time.monotonic() - 5)
    assert (held.begun, prober.not_sent["route-0"]) == (0, 1)
    assert prober.longest_lag >= 5


def test_trouble_is_what_befell_a_route_that_was_right(shop: Shop, server: Moody) -> None:
    server.mood = "5xx"
    prober = Prober(shop().routes, _client().look, rate=100)
    prober.start()
    _until(lambda: prober.probes)
    assert prober.troubled_at == -float("inf")
    server.mood = "right"
    _until(lambda: prober.probes[-1].right)
    server.mood = "reset"
    _until(lambda: prober.probes[-1].wrong == "reset")
    prober.stop()
    assert prober.troubled_at >= max(probe.sent for probe in prober.probes if probe.right)
