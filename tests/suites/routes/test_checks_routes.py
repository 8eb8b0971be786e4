"""The checks of who answers a route, of TLS and of closed ports turn red where they should."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from stackproof.facts.tls import Certificate, Handshake
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import Ran
from tests.shop import AT, answered, container

SHOP = "https://shop.example"
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def shown(host: str, **changes: Any) -> Certificate:
    fine = {"not_before": AT - DAY, "not_after": AT + 60 * DAY, "names": (host,)}
    return Certificate(**{"subject": "", "issuer": "CN=ca", **fine, **changes})


def expired(host: str) -> Certificate:
    return shown(host, not_after=AT - SECOND)


# Host to what it showed; each turns exactly the checks of its entry in EXPECTED_RESULTS red.
HANDSHAKES = {
    "fine.example": Handshake(version="TLSv1.3", certificate=shown("FINE.example")),
    "a.wild.example": Handshake(version="TLSv1.3", certificate=shown("*.wild.example")),
    "week.example": Handshake(
        version="TLSv1.3", certificate=shown("week.example", not_after=AT + 7 * DAY)
    ),
    "three-weeks.example": Handshake(
        version="TLSv1.3", certificate=shown("three-weeks.example", not_after=AT + 21 * DAY)
    ),
    "warned.example": Handshake(
        version="TLSv1.3", certificate=shown("warned.example", not_after=AT + 21 * DAY - SECOND)
    ),
    "soon.example": Handshake(
        version="TLSv1.3", certificate=shown("soon.example", not_after=AT + 7 * DAY - SECOND)
    ),
    "expired.example": Handshake(
        version="TLSv1.3", certificate=expired("expired.example"),
        refused="certificate has expired", refused_code=10,
    ),
    "early.example": Handshake(
        version="TLSv1.3", certificate=shown("early.example", not_before=AT + DAY),
        refused="certificate is not yet valid", refused_code=9,
    ),
    "chain-expired.example": Handshake(
        version="TLSv1.3", certificate=shown("chain-expired.example"),
        refused="certificate has expired", refused_code=10,
    ),
    "a.b.wild.example": Handshake(
        version="TLSv1.3", certificate=shown("*.wild.example"),
        refused="Hostname mismatch", refused_code=62,
    ),
    "unknown.example": Handshake(
        version="TLSv1.3", certificate=shown("unknown.example"),
        refused="unable to get local issuer certificate", refused_code=20,
    ),
    "old.example": Handshake(
        version="TLSv1.3", certificate=shown("old.example"), obsolete="TLSv1.1"
    ),
    "unable.example": Handshake(
        version="TLSv1.3", certificate=shown("unable.example"), obsolete=Unobserved(reason="no")
    ),
    "refused.example": Handshake(error="connection refused"),
}  # fmt: skip

ROUTES: dict[str, tuple[Any, dict[str, Any]]] = {
    "right": (
        answered((SHOP, 200), body='{"a": {"service": "api"}, "ok": true}',
                 headers={"x-served-by": "api"}),
        {"identity": {"fields": {"a.service": "api"}, "headers": {"X-Served-By": "api"}},
         "healthy": {"fields": {"ok": "true"}}, "budget_ms": 4},
    ),
    "other": (answered((SHOP, 200), body="<title>web</title>"), {"identity": {"text": "pgAdmin"}}),
    "no-json": (
        answered((SHOP, 200), body="[1]"), {"identity": {"fields": {"service": "api"}}}
    ),
    "degraded": (
        answered((SHOP, 200), body='{"ok": false}'), {"healthy": {"fields": {"ok": "true"}}}
    ),
    "slow": (answered((SHOP, 200)), {"budget_ms": 3}),
    "error-page": (
        answered((SHOP, 502)),
        {"identity": {"text": "x"}, "healthy": {"fields": {"ok": "true"}}, "budget_ms": 1},
    ),
    "headless": (
        answered((SHOP, 200), headers={"x-served-by": "web"}),
        {"identity": {"headers": {"X-Served-By": "api", "X-Version": "2"}}},
    ),
    "empty": (answered((SHOP, 200)), {"identity": {"text": "pgAdmin"}}),
    "guarded": (answered((SHOP, 401)), {"protected": True, "budget_ms": 4}),
    "forbidden": (answered((SHOP, 403)), {"protected": True}),
    "open": (answered((SHOP, 200)), {"protected": True, "budget_ms": 4}),
    "open-by-redirect": (answered((SHOP, 302, "/login")), {"protected": True}),
    "without-guard": (answered((SHOP, 404)), {"protected": True}),
    "guarded-and-gone": (
        answered(error="connection refused"), {"protected": True}
    ),
    "unguarded": (answered((SHOP, 200)), {"protected": False}),
    "upgraded": (answered(("http://shop.example/", 308, f"{SHOP}/")), {"upgrade": "https"}),
    "for-now": (answered(("http://shop.example/", 302, f"{SHOP}/")), {"upgrade": "https"}),
    "plain": (answered(("http://shop.example/", 301, "/welcome")), {"upgrade": "https"}),
}  # fmt: skip
STATUSES = {"error-page": 200, "upgraded": 308, "for-now": 302, "plain": 301}

EXPECTED_RESULTS = {
    "routes.identity[other]": "other answered by api: "
    "expected pgAdmin, observed <title>web</title>",
    "routes.identity[no-json]": "no-json answered by api: "
    "expected service: api, observed service: none",
    "routes.healthy[degraded]": "degraded says: expected ok: true, observed ok: false",
    "routes.identity[headless]": "headless answered by api: expected header X-Served-By: api, "
    "header X-Version: 2, observed header X-Served-By: web, header X-Version: none",
    "routes.identity[empty]": "empty answered by api: expected pgAdmin, observed nothing",
    "routes.status[open]": "open status: expected 401 or 403, observed 200",
    "routes.protected[open]": "open without credentials: expected 401 or 403, observed 200",
    "routes.status[open-by-redirect]": "open-by-redirect status: expected 401 or 403, observed 302",
    "routes.protected[open-by-redirect]": "open-by-redirect without credentials: "
    "expected 401 or 403, observed 302",
    "routes.status[without-guard]": "without-guard status: expected 401 or 403, observed 404",
    "routes.status[guarded-and-gone]": "guarded-and-gone status: "
    "expected 401 or 403, observed connection refused",
    "routes.latency[slow]": "slow latency: expected at most 3 ms, observed 4 ms",
    "routes.status[error-page]": "error-page status: expected 200, observed 502",
    "routes.upgrade[for-now]": "for-now upgrade to https: "
    "expected 301 or 308 to https, observed 302 to https://shop.example/",
    "routes.upgrade[plain]": "plain upgrade to https: "
    "expected 301 or 308 to https, observed 301 to http://shop.example/welcome",
    "tls.dates[soon.example]": "soon.example certificate's dates: "
    "expected valid for at least 7 more days, observed 6 days left, until 2026-12-01",
    "tls.dates[expired.example]": "expired.example certificate's dates: "
    "expected valid for at least 7 more days, observed expired on 2026-11-24 07:30 UTC",
    "tls.dates[early.example]": "early.example certificate's dates: "
    "expected valid for at least 7 more days, observed not valid before 2026-11-25 07:30 UTC",
    "tls.trusted[chain-expired.example]": "chain-expired.example certificate's issuer: "
    "expected trusted, observed certificate has expired",
    "tls.host_name[a.b.wild.example]": "a.b.wild.example certificate's names: "
    "expected a.b.wild.example, observed *.wild.example",
    "tls.trusted[unknown.example]": "unknown.example certificate's issuer: "
    "expected trusted, observed unable to get local issuer certificate",
    "tls.version[old.example]": "old.example TLS version: "
    "expected at least TLSv1.2, observed also TLSv1.1",
    "tls.trusted[refused.example]": "refused.example certificate's issuer: "
    "expected trusted, observed connection refused",
}
WARNED = {
    "tls.dates[warned.example]": ["warned.example certificate's dates: "
    "expected valid for at least 21 more days, observed 20 days left, until 2026-12-15"],
    "tls.dates[week.example]": ["week.example certificate's dates: "
    "expected valid for at least 21 more days, observed 7 days left, until 2026-12-01"],
}  # fmt: skip
UNKNOWN = {
    "routes.identity[error-page]", "routes.healthy[error-page]", "routes.latency[error-page]",
    "routes.latency[open]", "routes.protected[without-guard]",
    "routes.protected[guarded-and-gone]", "tls.version[unable.example]",
    "tls.dates[refused.example]", "tls.host_name[refused.example]", "tls.version[refused.example]",
}  # fmt: skip


def split(ran: Ran) -> tuple[dict[str, str], set[str]]:
    results = ran.results("shop")
    return (
        {check: line for check, (outcome, line) in results.items() if outcome == "FAIL"},
        {check for check, (outcome, _) in results.items() if outcome == "UNKNOWN"},
    )


def test_routes_and_tls(tmp_path: Path) -> None:
    routes = {
        name: {"url": SHOP, "service": "api", "status": STATUSES.get(name, 200), **declared}
        for name, (_, declared) in ROUTES.items()
    }
    hosts = {host: {"url": f"https://{host}/", "service": "api"} for host in HANDSHAKES}
    environment = {"services": {"api": {}}, "routes": routes | hosts, "tls": {"days_left": 7}}
    observed = shop.facts(
        containers={"api": container()},
        responses={name: seen for name, (seen, _) in ROUTES.items()}
        | {host: answered((f"https://{host}/", 200)) for host in HANDSHAKES},
        handshakes=HANDSHAKES | {"shop.example": HANDSHAKES["fine.example"].model_copy(
            update={"certificate": shown("shop.example")})},
    )  # fmt: skip
    ran = shop.replay(tmp_path, environment, observed)
    assert split(ran) == (EXPECTED_RESULTS, UNKNOWN)
    checks = ran.verdict("shop")["checks"]
    assert {each["id"]: each["warnings"] for each in checks if each["warnings"]} == WARNED


def test_ports_that_must_be_closed(tmp_path: Path) -> None:
    environment = {
        "services": {"db": {"ports": [5432]}},
        "outside": {"host": "shop.example", "closed_ports": [5432, 2375, 6379]},
    }
    observed = shop.facts(open_ports={"5432": True, "2375": False, "6379": shop.STUCK})
    ran = shop.replay(tmp_path, environment, observed, "-k", "test_closed")
    assert ran.results("shop") == {
        "network.closed[5432]": (
            "FAIL",
            "5432 port of shop.example: expected closed, observed open",
        ),
        "network.closed[6379]": ("UNKNOWN", "could not be evaluated: no answer within 8 s"),
    }
