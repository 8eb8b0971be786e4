"""The checks of Traefik turn red, unknown or yellow where they should, and nowhere else."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.container import ListedContainer
from stackproof.facts.traefik import Traefik, TraefikItem
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import Ran
from tests.shop import container

GOOD = Traefik(routers=2, servers={"api@docker": {"http://172.20.0.5:80": "UP"}})
SHOP: dict[str, Any] = {
    "compose_project": "shop",
    "services": {"edge": {}, "api": {}},
    "proxies": {"traefik": {"edge": {}}},
    "routes": {"home": {"url": "http://shop.test/", "service": "api"}},
}
BLOG = ListedContainer(
    id="b106", state="running", project="blog", service="page", networks=(),
    traefik_names=("blog", "secure"),
)  # fmt: skip


def _disabled(name: str, **changes: Any) -> TraefikItem:
    fields = {"kind": "http router", "status": "disabled", "problem": "the service is gone"}
    return TraefikItem(name=name, **{**fields, **changes})


def _ran(folder: Path, traefik: Traefik | Unobserved, **declared: Any) -> Ran:
    observed = shop.facts(
        containers={name: container() for name in SHOP["services"]}, traefiks={"edge": traefik}
    )
    observed = observed.model_copy(update={"listed": {**observed.listed, "blog-page-1": BLOG}})
    return shop.replay(folder, {**SHOP, **declared}, observed, "-m", "shop and traefik")


def _results(folder: Path, traefik: Traefik | Unobserved, **declared: Any) -> dict[str, str]:
    results = _ran(folder, traefik, **declared).results("shop")
    return {check: f"{outcome} {line}" for check, (outcome, line) in results.items()}


def test_all_is_well(tmp_path: Path) -> None:
    ran = _ran(tmp_path, GOOD)
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output
    checks = {each["id"] for each in ran.verdict("shop")["checks"]}
    assert checks == {
        "traefik.configuration[edge]", "traefik.routers[edge]", "traefik.servers[edge]"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["api@docker", "api@file", "blog@file", "shop-blog@docker"])
def test_a_router_that_is_disabled(name: str, tmp_path: Path) -> None:
    traefik = GOOD.model_copy(update={"problems": (_disabled(name),)})
    assert _results(tmp_path, traefik) == {
        "traefik.configuration[edge]": "FAIL edge configuration: expected every router, service "
        f"and middleware to be enabled, observed http router {name} disabled: the service is gone"
    }


@pytest.mark.parametrize("name", ["Blog@docker", "secure@docker", "page-blog@docker"])
def test_of_another_project_it_is_a_warning(name: str, tmp_path: Path) -> None:
    down = {name: {"http://172.21.0.2:80": "DOWN"}}
    traefik = GOOD.model_copy(update={"problems": (_disabled(name),), "servers": down})
    ran = _ran(tmp_path, traefik)
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output
    assert f"observed http router {name} disabled" in " ".join(ran.output.split())
    assert f"observed {name}: http://172.21.0.2:80 DOWN" in " ".join(ran.output.split())


def test_a_warning_of_traefik_is_one(tmp_path: Path) -> None:
    item = _disabled("api@docker", status="warning", problem='entryPoint "x" doesn\'t exist')
    ran = _ran(tmp_path, GOOD.model_copy(update={"problems": (item,)}))
    assert ran.exit_code == 0
    warned = 'http router api@docker warning: entryPoint "x" doesn\'t exist'
    assert warned in " ".join(ran.output.split())


def test_no_router(tmp_path: Path) -> None:
    empty = Traefik(routers=0)
    assert _results(tmp_path, empty) == {
        "traefik.routers[edge]": "FAIL edge routers: expected at least one, "
        "observed none apart from its own"
    }
    assert _results(tmp_path, empty, routes={}) == {}


def test_servers_that_are_down(tmp_path: Path) -> None:
    servers = {"http://172.20.0.5:80": "DOWN", "http://172.20.0.6:80": "UP"}
    ran = _ran(tmp_path, GOOD.model_copy(update={"servers": {"api@docker": servers}}))
    assert (ran.exit_code, ran.results("shop")) == (0, {})
    assert "api@docker: http://172.20.0.5:80 DOWN" in " ".join(ran.output.split())
    down = dict.fromkeys(servers, "DOWN")
    assert _results(tmp_path, GOOD.model_copy(update={"servers": {"api@docker": down}})) == {
        "traefik.servers[edge]": "FAIL edge servers: expected one of each service that is UP, "
        "observed api@docker: http://172.20.0.5:80, http://172.20.0.6:80 DOWN"
    }


def test_without_its_api(tmp_path: Path) -> None:
    reason = "Traefik's API at http://172.20.0.5:8080/api/overview: connection refused"
    results = _results(tmp_path, Unobserved(reason=reason))
    assert results == dict.fromkeys(
        ("traefik.configuration[edge]", "traefik.routers[edge]", "traefik.servers[edge]"),
        f"UNKNOWN could not be evaluated: {reason}",
    )
