"""What the checks of routes and networks say of several values and of each kind of request."""

from datetime import timedelta
from typing import Any

import pytest

from stackproof.environment.outside import ClosedPort
from stackproof.facts.container import Endpoint, ListedContainer
from stackproof.facts.proxy import Destination
from stackproof.facts.response import Announced, BodyLimit, Listening
from stackproof.facts.settings import Namespace
from stackproof.facts.tls import Certificate, Handshake
from tests.shop import AT, answered, container, created, facts
from tests.suites.direct.check import (
    Call,
    Said,
    Warnings,
    cases,
    environment,
    says,
    service,
    suite,
    unknown,
)

health = suite("test_health.py")
network = suite("services/test_network.py")
networks = suite("services/test_networks.py")
routes = suite("test_routes.py")
tls = suite("test_tls.py")
SHOP = "https://shop.test"
DAY = timedelta(days=1)


def route(**declared: Any) -> tuple[Any, Any]:
    """Return a route and its environment."""
    proxies = declared.pop("proxies", {"nginx": {"service": "proxy"}})
    services: dict[str, Any] = {name: {} for name in ("api", "proxy", "edge")}
    home = {"url": f"{SHOP}/", "service": "api", **declared}
    found = environment(services=services, routes={"home": home}, **proxies)
    return found.routes["home"], found


def call(check: Any, response: Any, *more: Any, **declared: Any) -> tuple[Any, Any]:
    home, found = route(**declared)
    return check, (home, response, *more, found)


def asked(check: Any, response: Any, **declared: Any) -> tuple[Any, Any]:
    """Return a call of the check of a status, which also gets why its container is starting."""
    home, found = route(**declared)
    return check, (home, response, found, "")


def stream(response: Any, passed: Destination | None = None, **declared: Any) -> tuple[Any, Any]:
    home, found = route(stream=True, **declared)
    return routes.test_stream, (home, response, found, passed)


def lost(*headers: str) -> tuple[Any, Any]:
    """Return a call of the check of a WebSocket whose headers nginx does not pass on."""
    home, found = route(websocket=True)
    passed = Destination(leads_to=("api:1",), server="", not_passed=headers)
    return routes.test_status, (home, ONE, found, "", None, passed)


def limits(at_limit: int | None, above: int | None, error: str = "") -> BodyLimit:
    return BodyLimit(
        at_limit=Announced(status=at_limit, error=error), above=Announced(status=above, error=error)
    )


def limited(found: BodyLimit, *, most: int | None = None, **declared: Any) -> tuple[Any, Any]:
    """Return a call of the check of a limit of 16 MiB, with that of nginx if it is known."""
    home, environment_ = route(body_limit="16M", **declared)
    passed = Destination(leads_to=("api:1",), server="", max_body=most)
    return routes.test_body_limit, (home, found, environment_, passed if most is not None else None)


EVENTS = {"content-type": "text/event-stream"}
BUFFERED = Destination(leads_to=("api:1",), server="", buffers=True)
ONE = answered((f"{SHOP}/", 500))
CADDY: Any = {"proxies": {"caddy": {"edge": {}}}}
NONE: Any = {}
TWO = answered((f"{SHOP}/", 302, "/a"), (f"{SHOP}/a", 500), headers={"x-a": "1", "x-b": "2"},
               body="down " * 101)  # fmt: skip
SAID: dict[str, Any] = {"body": "down", "headers": {"x-a": "1"}}


def listed(**fields: Any) -> ListedContainer:
    return ListedContainer(
        **{"id": "1", "state": "running", "project": "shop", "service": "", "networks": (),
           **fields}
    )  # fmt: skip


IN_BOTH = {
    "api": listed(service="api", networks=("a", "b"), address="10.0.0.2"),
    "web": listed(service="web", networks=("a",), address="10.0.0.3"),
}
CLOSED = environment(
    compose_project="shop", services={"api": {}, "web": {}}, network={"subnet": "10.0.0.0/16"}
)
STRANGERS = {
    name: listed(id=name, project="", networks=("a", "b"), address="10.0.0.9",
                 endpoints=(Endpoint(address="10.0.0.9", prefix=16, gateway="10.0.0.1"),))
    for name in ("x", "y")
}  # fmt: skip
BEHIND = environment(services={"api": {"network_mode": "service:vpn"}, "vpn": {}}).services["api"]
CERTIFICATE = Certificate(
    subject="CN=a", issuer="CN=ca", not_before=AT - DAY, not_after=AT + 3 * DAY,
    names=("a.test", "b.test"),
)  # fmt: skip
HOST = environment(
    routes={"home": {"url": f"{SHOP}:8443/", "service": "api"}},
    tls={"days_left": 7, "warn_days_left": 21},
).tls_hosts["shop.test:8443"]
REFUSED = Handshake(
    version="TLSv1.3", certificate=CERTIFICATE, refused="unknown issuer", refused_code=20
)
OLD = Handshake(version="TLSv1.3", certificate=CERTIFICATE, obsolete="TLSv1.1")

CALLS: list[Any] = [
    asked(routes.test_status, TWO),
    asked(routes.test_status, answered(error="connection refused"), status=[200, 204]),
    asked(routes.test_status, ONE, headers={"X-A": "1", "Authorization": "Bearer x", "X-B": "2"}),
    asked(routes.test_status, ONE, follow_redirects=True),
    asked(routes.test_status, ONE, method="HEAD"),
    asked(routes.test_status, ONE, method="OPTIONS"),
    asked(routes.test_status, ONE, method="POST", body="a=b"),
    asked(routes.test_status, ONE, websocket=True),
    lost("Upgrade", "Connection"),
    lost("Upgrade"),
    asked(routes.test_status, ONE, websocket=True, proxies=CADDY),
    asked(routes.test_status, ONE, proxies=NONE),
    asked(routes.test_status, ONE, proxies=CADDY),
    asked(routes.test_status, ONE, vantage="server"),
    call(routes.test_protected, answered((f"{SHOP}/", 200)), protected=True),
    call(routes.test_protected, answered((f"{SHOP}/", 302, "/x")), protected=True,
     login="https://login.test/in"),
    call(routes.test_protected, answered((f"{SHOP}/", 200)), protected=True,
     login="https://login.test/in"),
    call(routes.test_protected, answered((f"{SHOP}/", 302, "https://login.test/in?next=/")),
     protected=True, login="https://login.test/in"),
    call(routes.test_protected, answered((f"{SHOP}/", 200)), protected=True, proxies=CADDY),
    call(routes.test_protected, answered((f"{SHOP}/", 200)), protected=True, proxies=NONE),
    call(routes.test_redirects, answered((f"{SHOP}/", 302, "http://shop.test/x"),
     ("http://shop.test/x", 302, "https://other.test/"))),
    call(routes.test_redirects, answered((f"{SHOP}/", 302, "https://shop.test:99999/"))),
    call(routes.test_redirects, answered((f"{SHOP}/", 302, "https://[/"))),
    call(routes.test_redirects, answered((f"{SHOP}/", 302, "/a"))),
    call(routes.test_upgrade, answered(("http://shop.test/", 200)), url="http://shop.test/",
     upgrade="https"),
    call(routes.test_upgrade, answered(("http://shop.test/", 302, f"{SHOP}/")),
     url="http://shop.test/", upgrade="https", proxies=CADDY),
    call(routes.test_upgrade, answered(("http://shop.test/", 308, "http://shop.test/a")),
     url="http://shop.test/", upgrade="https", proxies=NONE),
    call(routes.test_upgrade, answered(("http://shop.test/", 301, "https://shop.test:9/")),
     url="http://shop.test/", upgrade="https"),
    call(routes.test_identity, answered((f"{SHOP}/", 200), body="web"), identity={"text": "api"}),
    call(routes.test_identity, answered((f"{SHOP}/", 200), body="web"), identity={"text": "api"},
     proxies=CADDY),
    call(routes.test_identity, answered((f"{SHOP}/", 200), body="web"), identity={"text": "api"},
     proxies=NONE),
    call(routes.test_healthy, answered((f"{SHOP}/", 200), **SAID), healthy={"text": "ok"}),
    call(routes.test_forbidden_text, answered((f"{SHOP}/", 200), body=f"{'a' * 99}  Bad\nGateway"),
     must_not={"text": ["Application error", "Bad Gateway"]}),
    call(routes.test_forbidden_text, answered((f"{SHOP}/", 200), body="Down. " * 99 + "Error"),
     must_not={"text": ["Down.", "Error"]}, method="POST"),
    call(routes.test_forbidden_text, answered((f"{SHOP}/", 200), body="bad gateway"),
     must_not={"text": "Bad Gateway"}),
    stream(answered((f"{SHOP}/", 200), headers=EVENTS, stream="silent"), BUFFERED),
    stream(answered((f"{SHOP}/", 200), headers=EVENTS, stream="silent", body="data: 1")),
    stream(answered((f"{SHOP}/", 200), headers=EVENTS, stream="ended"), proxies=CADDY),
    stream(answered((f"{SHOP}/", 200), stream="open")),
    stream(answered((f"{SHOP}/", 200), headers={"content-type": "text/html; charset=a"})),
    stream(answered((f"{SHOP}/", 200), headers=EVENTS, stream="open"), BUFFERED),
    stream(answered(error="no answer within 5 s", failure="time-out"), BUFFERED),
    limited(limits(413, 413)),
    limited(limits(413, 413), most=1 << 20),
    # Another proxy refuses it.
    limited(limits(413, 413), most=1 << 24),
    limited(limits(413, None, "no answer within 2 s"), most=0, proxies=CADDY),
    limited(limits(100, 100), most=0),
    limited(limits(100, 100), most=1 << 30),
    limited(limits(100, 413)),
    limited(limits(401, 413), most=1 << 24),
    call(routes.test_latency, answered((f"{SHOP}/", 200)), budget_ms=3),
    call(routes.test_latency, answered((f"{SHOP}/", 200)), budget_ms=4),
    (network.test_subnet, (CLOSED, IN_BOTH, {"a": ("10.1.0.0/16", "10.0.0.0/16", "fd00::/64"),
     "b": ("10.2.0.0/16",)})),
    (network.test_subnet, (CLOSED, IN_BOTH, {"a": ("10.0.0.0/16", "fd00::/64"), "b": ()})),
    (network.test_subnet, (CLOSED, {"api": IN_BOTH["api"].model_copy(update={"networks": ()})},
     {})),
    (network.test_strangers, (CLOSED, {**IN_BOTH, **STRANGERS})),
    (network.test_strangers, (CLOSED, IN_BOTH)),
    (network.test_attached, (service(), container(name="c", addresses={"a": ("10.1.0.2",
     "10.1.0.3"), "b": ()}), CLOSED)),
    (network.test_attached, (service(), container(addresses={}), CLOSED)),
    (network.test_published, (service(publish=["80", "443"]), container(published={"80": 80,
     "127.0.0.1:81": 80}))),
    (network.test_published, (service(publish=["80"]), container(published={}))),
    (network.test_forwarded, (service(publish=["80", "443"], ports=[80, 443]),
     container(published={"80": 81, "443": 82, "53/udp": 53}))),
    (network.test_closed, (ClosedPort(host="shop.test", port=5432, name="postgres", service="db"),
     True)),
    (network.test_closed, (ClosedPort(host="shop.test", port=5432, name="postgres", service="db"),
     False)),
    (networks.test_networks, (service(networks={"b": {}, "a": {}}), container(name="c",
     addresses={"d": (), "c": ()}))),
    (networks.test_networks, (service(networks={"a": {}}), container(name="c", addresses={"c": (),
     "b": (), "a": ()}))),
    (networks.test_networks, (service(networks={}), container(name="c", addresses={"b": ()}))),
    (networks.test_networks, (service(networks={"a": {}}), container(addresses={}))),
    (networks.test_network_mode, (BEHIND, container(name="c", namespace=Namespace(id="1",
     name="other")),)),
    (networks.test_network_mode, (BEHIND, container(name="c",
     creation=created(network_mode="container:1"), namespace=Namespace(id="1", name="other",
     service="web")),)),
    (networks.test_network_mode, (service(network_mode="host"), container(name="c",
     creation=created(network_mode="bridge"),))),
    (networks.test_network_mode, (service(network_mode="bridge"),
     container(creation=created(network_mode="")))),
    (networks.test_created, (environment(networks={"n": {}}).networks["n"], {"b": (), "a": ()})),
    (networks.test_internal, (environment(networks={"n": {"internal": True}}).networks["n"],
     {"n": ()}, frozenset())),
    (networks.test_internal, (environment(networks={"n": {"internal": False}}).networks["n"],
     {"n": ()}, frozenset("n"))),
    (networks.test_subnets, (environment(networks={"n": {"subnets": ["10.0.0.0/16",
     "10.1.0.0/16"]}}).networks["n"], {"n": ("10.3.0.0/16", "10.2.0.0/16")})),
    (networks.test_subnets,
     (environment(networks={"n": {"subnets": ["10.0.0.0/16"]}}).networks["n"], {"n": ()})),
    (networks.test_strangers, (environment(networks={"a": {"closed": True}}).networks["a"],
     {"a": ()}, {**IN_BOTH, **STRANGERS}, CLOSED)),
    (health.test_answers, (service(ports=[80], health={"path": "/h", "status": [200, 204]}),
     service(ports=[80], health={"path": "/h", "status": [200, 204]}).health,
     answered(("http://api/h", 500), body="down " * 101), "")),
    (health.test_answers, (service(ports=[80], health={"path": "/h"}), service(ports=[80],
     health={"path": "/h"}).health, answered(error="connection refused"), "")),
    (health.test_says, (service(ports=[80], health={"path": "/h", "text": "ok"}),
     service(ports=[80], health={"path": "/h", "text": "ok"}).health, answered(("http://api/h",
     200), body="no"), "")),
    (health.test_listens, (service(ports=[80, 81]), container(health=None),
     Listening(closed={80: "refused", 81: "timeout"}),
     facts(gathered_at=AT.replace(minute=31)), Warnings())),
    (health.test_models, (service(ports=[1], models=["a", "b:1", "c", "d", "e"]),
     frozenset(["e:latest", "y:1", "x:1"]))),
    (tls.test_trusted, (HOST, REFUSED, facts())),
    (tls.test_trusted, (HOST, Handshake(error="connection refused"), facts())),
    (tls.test_trusted, (HOST, REFUSED.model_copy(update={"refused_code": 62}), facts())),
    (tls.test_trusted, (HOST, REFUSED.model_copy(update={"refused_code": 10}), facts())),
    (tls.test_host_name, (HOST, CERTIFICATE)),
    (tls.test_host_name, (HOST, CERTIFICATE.model_copy(update={"names": ()}))),
    (tls.test_host_name, (HOST, CERTIFICATE.model_copy(update={"names": ("a", "*.test")}))),
    (tls.test_host_name, (HOST, CERTIFICATE.model_copy(update={"names": ("*.shop.test", "test",
     "*shop.test")}))),
    (tls.test_dates, (HOST, CERTIFICATE, facts(), Warnings())),
    (tls.test_dates, (HOST, CERTIFICATE.model_copy(update={"not_before": AT + DAY}), facts(),
     Warnings())),
    (tls.test_dates, (HOST, CERTIFICATE.model_copy(update={"not_after": AT - DAY}), facts(),
     Warnings())),
    (tls.test_dates, (HOST, CERTIFICATE.model_copy(update={"not_after": AT + 7 * DAY}), facts(),
     Warnings())),
    (tls.test_version, (HOST, OLD)),
    (tls.test_version, (HOST, REFUSED)),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), cases(CALLS, "routes.yaml"))
def test_what_it_says(call: Call, expected: Said) -> None:
    assert says(call) == expected


@pytest.mark.parametrize(
    ("check", "arguments", "reason"),
    [
        (network.test_strangers, (CLOSED, {}), "none of its containers is in a network"),
        (network.test_attached, (service(), container(addresses={"a": ("x" * 61,)}), CLOSED),
         f"the engine reports {'x' * 60!r} in a network"),
        (networks.test_network_mode,
         (BEHIND, container(creation=created(network_mode="container:1"))),
         "the container whose network it shares was not observed"),
        (networks.test_subnets,
         (environment(networks={"n": {"subnets": ["10.0.0.0/16"]}}).networks["n"],
          {"n": ("x" * 61,)}),
         f"the engine reports {'x' * 60!r} in a network"),
        (routes.test_stream, (*stream(answered((f"{SHOP}/", 200)))[1], "starting"),
         "api is starting"),
        (*stream(answered((f"{SHOP}/", 502), stream="silent"), BUFFERED),
         "the route did not answer as declared: 502"),
        (*stream(answered(error="connection refused", failure="refused"), BUFFERED),
         "the route did not answer as declared: connection refused"),
        (*stream(answered(error="no answer within 5 s", failure="time-out")),
         "the route did not answer as declared: no answer within 5 s"),
        (*stream(answered((f"{SHOP}/", 200), headers=EVENTS)),
         "the snapshot does not hold how the stream began"),
        (*stream(answered((f"{SHOP}/", 200), headers=EVENTS, stream="ended", body="data: 1")),
         "it ended with its first events: that does not show if they are late"),
        (*stream(answered((f"{SHOP}/", 200), headers=EVENTS, stream="overlong", body="a")),
         "events came without a pause: that does not show if they are late"),
        (*limited(limits(None, None, "connection refused")),
         "a body that is announced is answered with connection refused"),
        (*limited(limits(502, 413)),
         "a body that is announced is answered with 502"),
        (*limited(limits(None, 413, "no answer within 2 s")),
         "a body that is announced is answered with no answer within 2 s"),
        (*limited(limits(404, 404)),
         "a body that is announced is answered with 404"),
        (*limited(limits(100, 301)),
         "a body that is announced is answered with 301"),
        (*limited(limits(100, 100)), "a body that is announced is answered with 100"),
        (*limited(limits(100, 100), most=1 << 24), "a body that is announced is answered with 100"),
        (*call(routes.test_forbidden_text, answered((f"{SHOP}/", 200), body="ok", whole=False),
         must_not={"text": "Error"}), "the first 2 characters of the body do not decide it"),
        (tls.test_version, (HOST, Handshake(error="no route")), "there was no handshake: no route"),
        (health.test_listens,
         (service(ports=[80]), container(health=None), Listening(closed={80: "a", 81: "b"}),
          facts(), Warnings()), "it started 0 s ago: 80 a, 81 b"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated(check: Any, arguments: Any, reason: str) -> None:
    assert unknown(check, *arguments) == reason


@pytest.mark.parametrize(
    ("days", "warning"), [(21, ""), (20, "expected valid for at least 21 more days, observed 20 ")]
)
def test_certificate_that_expires_soon(days: int, warning: str) -> None:
    warn = Warnings()
    certificate = CERTIFICATE.model_copy(update={"not_after": AT + days * DAY})
    tls.test_dates(HOST, certificate, facts(), warn)
    assert len(warn) == bool(warning)
    assert warning in "".join(warn)


def test_ports_of_which_one_is_closed() -> None:
    warn = Warnings()
    some = Listening(open=(80,), closed={81: "refused", 82: "timeout"})
    health.test_listens(service(ports=[80]), container(health=None), some, facts(), warn)
    assert warn == ["api ports: expected open, observed 81 refused, 82 timeout"]
