"""Where the control target cannot be reached, nothing observed from here counts."""

import socket
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import trustme

from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.facts.response import Response
from stackproof.facts.snapshot import Facts
from stackproof.facts.tls import Handshake
from stackproof.gate import Gate
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.gather import gather
from stackproof.probes.http import control
from stackproof.unobserved import Unobserved, UnobservedError
from tests.probes.http.sites import serving

GATE = Gate(name="rollback", services=())
NO_NAME = "the name does not resolve"
DOUBTED = f"{NO_NAME}: the deploy or the resolver here may be the cause; declare vantage.control"


def _environment(site: str, **declared: Any) -> Environment:
    return Environment.model_validate(
        {
            "name": "shop",
            "services": {"web": {}},
            "routes": {
                "home": {"url": f"http://{site}/", "service": "web"},
                "secure": {"url": f"https://{site}/", "service": "web"},
                "gone": {"url": "http://shop.invalid/", "service": "web"},
                "inside": {"url": "http://localhost/", "service": "web", "vantage": "server"},
            },
            "tls": {},
            "outside": {"host": "127.0.0.1", "closed_ports": [1]},
            **declared,
        }
    )


def _gathered(environment: Environment, gate: Gate | None = None) -> Facts:
    needs = [
        *(Need(PROBES["response"], name) for name in environment.routes),
        *(Need(PROBES["handshake"], name) for name in environment.tls_hosts),
        Need(PROBES["latency"], "home"),
        Need(PROBES["open_port"], "1"),
    ]
    return gather(environment, needs, "1", gate)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[str]], None]:
    """Make the resolver know some names and no others: resolvers differ between machines."""
    real = socket.getaddrinfo

    def know(known: set[str]) -> None:
        def look_up(host: str, *args: Any, **more: Any) -> Any:
            if host in known:
                host = "127.0.0.1"
            if not host.startswith("127."):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return real(host, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return know


def test_a_resolver_that_knows_no_name(names: Callable[[set[str]], None]) -> None:
    names(set())
    with serving(lambda _: (200, {}, b"")) as site:
        facts = _gathered(_environment(site.address, vantage={"control": "example.com"}), GATE)
    reason = "the control target example.com does not resolve; nothing observed from here counts"
    unseen = Unobserved(reason=reason)
    assert {
        name: fact for name, fact in facts.responses.items() if name != "inside"
    } == dict.fromkeys(["home", "secure", "gone"], unseen)
    assert facts.responses["inside"] != unseen, "that is not observed from here"
    assert set(facts.handshakes.values()) == {unseen}
    assert facts.open_ports == {"1": unseen}
    assert facts.latencies == {"home": unseen}


def test_a_control_that_is_reached_makes_a_name_a_fault(names: Callable[[set[str]], None]) -> None:
    names({"example.com"})
    with serving(lambda _: (200, {}, b"")) as site:
        port = site.server_port
        environment = _environment(
            site.address, vantage={"control": f"http://example.com:{port}/any"}
        )
        facts = _gathered(environment, GATE)
        assert ("example.com:" + str(port), "/any") in site.requests
    home, gone = facts.responses["home"], facts.responses["gone"]
    assert isinstance(home, Response)
    assert home.status == 200
    assert isinstance(gone, Response)
    assert gone.error == NO_NAME
    assert facts.open_ports == {"1": False}


@pytest.mark.parametrize("gate", [None, GATE], ids=["outside a gate", "at a gate"])
def test_without_a_control_a_name_is_no_evidence_at_a_gate(
    gate: Gate | None, names: Callable[[set[str]], None]
) -> None:
    names(set())
    with serving(lambda _: (200, {}, b"")) as site:
        environment = _environment(
            site.address,
            routes={
                "home": {"url": f"http://{site.address}/", "service": "web"},
                "gone": {"url": "https://shop.invalid/", "service": "web"},
            },
        )
        facts = _gathered(environment, gate)
    home, gone = facts.responses["home"], facts.responses["gone"]
    assert isinstance(home, Response)
    assert home.status == 200
    if gate:
        assert gone == Unobserved(reason=DOUBTED)
        assert facts.handshakes == {"shop.invalid": Unobserved(reason=DOUBTED)}
    else:
        assert isinstance(gone, Response)
        assert gone.error == NO_NAME
        assert facts.handshakes == {"shop.invalid": Handshake(error=NO_NAME)}


def _trouble(target: str, **declared: Any) -> str:
    environment = _environment("127.0.0.1:1", vantage={"control": target}, **declared)
    with pytest.raises(UnobservedError) as reason:
        control.check(environment)
    message = str(reason.value).removeprefix(f"the control target {target} ")
    return message.removesuffix("; nothing observed from here counts")


def test_what_is_no_control() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    for target in (address, f"http://{address}/", f"https://{address}/"):
        assert _trouble(target) == "cannot be reached: connection refused"


def test_overrides_do_not_lead_to_it() -> None:
    with (
        serving(lambda _: (200, {}, b"")) as site,
        socket.create_server(("127.0.0.1", 0)) as closed,
    ):
        port = closed.getsockname()[1]
        closed.close()
        address = f"127.0.0.1:{port}"
        message = _trouble(address, resolve={f"*:{port}": site.address})
    assert message == "cannot be reached: connection refused"


def test_a_control_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "CONTROL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        for scheme in ("http", "https"):
            assert _trouble(f"{scheme}://{address}/") == "did not answer within 0.2 s"
        control.check(_environment(address, vantage={"control": address}))  # a connection will do


def test_a_control_over_https_is_verified(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with serving(lambda _: (503, {}, b""), authority.issue_cert("127.0.0.1")) as site:
        target = f"https://{site.address}/"
        assert _trouble(target) == (
            "cannot be reached: TLS certificate refused: unable to get local issuer certificate"
        )
        control.check(
            _environment(
                site.address, vantage={"control": target}, ca_file=str(tmp_path / "ca.pem")
            )
        )


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_WAIT_SECONDS", 0.2)
    connectivity = control.Connectivity(_environment("127.0.0.1:1"), Future(), None)
    assert connectivity.counted(Need(PROBES["response"], "home"), 1) == Unobserved(
        reason="the control target was not reached within 0.2 s"
    )


def test_a_watch_counts_a_name_only_where_the_control_is_reached(
    names: Callable[[set[str]], None],
) -> None:
    names(set())
    gone = Response(hops=(), error=NO_NAME, failure="name", elapsed_ms=1)
    checked: list[str] = []

    def request(route: Route) -> Response:
        checked.append(route.name)
        return gone

    environment = _environment("127.0.0.1:1", vantage={"control": "example.com"})
    doubting = control.doubting_names(environment, request)
    with pytest.raises(
        UnobservedError, match=r"^the control target example\.com does not resolve; "
    ):
        doubting(environment.routes["gone"])
    assert (
        control.doubting_names(_environment("127.0.0.1:1"), request)(environment.routes["gone"])
        == gone
    )
    assert checked == ["gone", "gone"]
