"""The checks of Caddy turn red, unknown or yellow where they should, and nowhere else."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.caddy import Caddy, CaddyMatcher, CaddyPass, CaddyUpstream
from stackproof.facts.command import CommandResult
from stackproof.facts.proxy import LogEntry
from stackproof.facts.snapshot import Facts
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import Ran
from tests.shop import answered, container, said

URL = "http://shop.test/"
API = CaddyUpstream(address="api:5000")
GOOD = Caddy(difference="", passes=(CaddyPass(upstreams=("api:5000",)),), upstreams=(API,))
VALID = said("caddy validate", 0, "Valid configuration")
OFF = Unobserved(reason="Caddy's admin API cannot be asked: connection refused")
SHOP: dict[str, Any] = {
    "services": {
        "edge": {"container": "edge"},
        "api": {"container": "shop-api", "ports": [5000]},
        "web": {"container": "shop-web", "ports": [3000]},
    },
    "proxies": {"caddy": {"edge": {}}},
    "routes": {"home": {"url": URL, "service": "api"}},
}
IDENTITY = {"routes": {"home": {**SHOP["routes"]["home"], "identity": {"text": "the api"}}}}


def _caddy(**changes: Any) -> Caddy:
    return GOOD.model_copy(update=changes)


def _facts(
    caddy: Caddy | Unobserved = GOOD, valid: CommandResult = VALID, **observed: Any
) -> Facts:
    return shop.facts(
        containers={name: container() for name in SHOP["services"]},
        commands={"caddy_validate edge": valid},
        caddies={"edge": caddy},
        caddy_logs={"edge": observed.pop("log", ())},
        responses={"home": answered((URL, 200), body="the api")},
        **observed,
    )


def _ran(folder: Path, facts: Facts, **declared: Any) -> Ran:
    return shop.replay(folder, {**SHOP, **declared}, facts, "-m", "shop and caddy")


def _results(folder: Path, facts: Facts, **declared: Any) -> dict[str, str]:
    results = _ran(folder, facts, **declared).results("shop")
    return {check: f"{outcome} {line}" for check, (outcome, line) in results.items()}


def test_all_is_well(tmp_path: Path) -> None:
    ran = _ran(tmp_path, _facts())
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output
    assert {each["id"] for each in ran.verdict("shop")["checks"]} == {
        "caddy.config_valid[edge]", "caddy.config_loaded[edge]", "caddy.upstreams[edge]",
        "caddy.routed[home]", "caddy.log[edge]",
    }  # fmt: skip


def test_an_invalid_configuration(tmp_path: Path) -> None:
    invalid = said("caddy validate", 1, "Error: adapting config: Caddyfile:3 - unknown directive")
    assert _results(tmp_path, _facts(valid=invalid)) == {
        "caddy.config_valid[edge]": "FAIL edge configuration: expected caddy validate succeeds, "
        "observed Error: adapting config: Caddyfile:3 - unknown directive"
    }


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [(65, "Caddy was started without a configuration file"), (None, "edge is exited")],
)
def test_no_configuration_to_validate(exit_code: int | None, reason: str, tmp_path: Path) -> None:
    assert _results(tmp_path, _facts(valid=said("caddy validate", exit_code, reason))) == {
        "caddy.config_valid[edge]": f"UNKNOWN could not be evaluated: {reason}"
    }


def test_another_configuration_runs(tmp_path: Path) -> None:
    assert _results(tmp_path, _facts(_caddy(difference="apps.http"))) == {
        "caddy.config_loaded[edge]": "FAIL edge running configuration: expected the one on disk, "
        "observed another one: apps.http differs"
    }


def test_without_the_admin_api(tmp_path: Path) -> None:
    """It is unknown, unless the environment declares that there is none."""
    off = Caddy(difference=OFF, passes=OFF, upstreams=OFF)
    results = _results(tmp_path, _facts(off))
    assert set(results.values()) == {f"UNKNOWN could not be evaluated: {OFF.reason}"}
    assert results.keys() == {
        "caddy.config_loaded[edge]", "caddy.upstreams[edge]", "caddy.routed[home]"
    }  # fmt: skip
    ran = _ran(tmp_path, _facts(off), proxies={"caddy": {"edge": {"admin": "off"}}})
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output
    checks = {each["id"] for each in ran.verdict("shop")["checks"]}
    assert checks == {"caddy.config_valid[edge]", "caddy.log[edge]"}


@pytest.mark.parametrize(
    ("changes", "observed"),
    [
        ({"error": "connection refused"}, "api:5000: connection refused"),
        (
            {"fails": 2, "max_fails": 2, "error": "no connection within 2 s"},
            "api:5000: no connection within 2 s",
        ),
        ({"fails": 3, "max_fails": 2}, "api:5000: not used after 3 failed requests"),
        ({"address": "shop-api:5000", "error": "x"}, "shop-api:5000: x"),
    ],
)
def test_an_upstream_that_is_down(changes: dict[str, Any], observed: str, tmp_path: Path) -> None:
    upstream = API.model_copy(update=changes)
    assert _results(tmp_path, _facts(_caddy(upstreams=(API, upstream)))) == {
        "caddy.upstreams[edge]": "FAIL edge upstreams: expected each to accept a connection, "
        f"observed {observed}"
    }


@pytest.mark.parametrize("changes", [{"fails": 2, "max_fails": 3}, {"fails": 9}])
def test_failures_that_caddy_tolerates(changes: dict[str, Any], tmp_path: Path) -> None:
    upstream = API.model_copy(update=changes)
    assert _results(tmp_path, _facts(_caddy(upstreams=(upstream,)))) == {}


def test_an_upstream_that_is_not_declared(tmp_path: Path) -> None:
    other = CaddyUpstream(address="elsewhere.test:443", error="connection refused")
    ran = _ran(tmp_path, _facts(_caddy(upstreams=(API, other))))
    assert (ran.exit_code, ran.results("shop")) == (0, {})
    warned = "edge upstreams: expected each to accept a connection, observed elsewhere.test:443"
    assert warned in " ".join(ran.output.split())


def test_an_upstream_that_could_not_be_tried(tmp_path: Path) -> None:
    untried = API.model_copy(update={"tried": False})
    reason = "api:5000 could not be tried in Caddy's container"
    assert _results(tmp_path, _facts(_caddy(upstreams=(untried,)))) == {
        "caddy.upstreams[edge]": f"UNKNOWN could not be evaluated: {reason}"
    }
    socket = CaddyUpstream(address="unix//run/php.sock", tried=False)
    assert _results(tmp_path, _facts(_caddy(upstreams=(API, socket)))) == {}


ELSEWHERE = (CaddyPass(conditions=((CaddyMatcher(hosts=("a.test",)),),), upstreams=("api:5000",)),)
WRONG = (CaddyPass(upstreams=("web:3000",)),)
ROUTED_TO_WEB = {"web": {"url": "http://web.test/", "service": "web"}}


@pytest.mark.parametrize(
    ("passes", "observed"),
    [
        (WRONG, "web:3000"),
        ((CaddyPass(upstreams=("api:5001",)),), "api:5001"),
        ((), "no reverse_proxy"),
        (ELSEWHERE, "no reverse_proxy"),
    ],
)
def test_the_wrong_upstream(passes: tuple[CaddyPass, ...], observed: str, tmp_path: Path) -> None:
    routes = {**SHOP["routes"], **ROUTED_TO_WEB}
    facts = _facts(_caddy(passes=passes))
    facts = facts.model_copy(update={"responses": {**facts.responses, "web": OFF}})
    results = _results(tmp_path, facts, routes=routes)
    assert results["caddy.routed[home]"] == (
        f"FAIL home in Caddy's configuration: expected to lead to api at 5000, observed {observed}"
    )
    assert _results(tmp_path, _facts(_caddy(passes=passes)), **IDENTITY) == {}


@pytest.mark.parametrize(
    ("each", "reason"),
    [
        (
            CaddyPass(upstreams=("gateway:80", "web:3000")),
            "Caddy passes the route to gateway:80, web:3000, which may lead to api; "
            "declare its identity",
        ),
        (
            CaddyPass(decided=False),
            "Caddy decides for each request where the route leads; declare its identity",
        ),
    ],
)
def test_where_it_leads_is_undecided(each: CaddyPass, reason: str, tmp_path: Path) -> None:
    facts = _facts(_caddy(passes=(each,)))
    assert _results(tmp_path, facts) == {
        "caddy.routed[home]": f"UNKNOWN could not be evaluated: {reason}"
    }
    assert _results(tmp_path, facts, **IDENTITY) == {}


def test_an_error_in_its_log(tmp_path: Path) -> None:
    entry = LogEntry(at=shop.AT, line="admin.api: request error: loading config: no such file")
    assert _results(tmp_path, _facts(log=(entry,))) == {
        "caddy.log[edge]": "FAIL edge log: expected no error since it last loaded its "
        f"configuration, observed {entry.line}"
    }


def test_behind_another_proxy_its_routes_are_not_judged(tmp_path: Path) -> None:
    both: dict[str, Any] = {"caddy": {"edge": {}}, "other": {"web": {}}}
    ran = _ran(tmp_path, _facts(), proxies=both)
    assert "caddy.routed[home]" not in {each["id"] for each in ran.verdict("shop")["checks"]}
