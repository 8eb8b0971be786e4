"""Before a deploy, what it replaces need not be as the new Compose file specifies it."""

from pathlib import Path

import pytest

from stackproof.facts.container import Container
from tests import shop
from tests.command_line import Ran
from tests.shop import answered, container, created

COMPOSE = """
name: shop
services:
  web: {image: "shop:2", mem_limit: 512m, command: [serve], networks: [default, proxy]}
  api: {image: "shop:1"}
networks: {proxy: {}}
"""
CHANGED = {
    "identity.image[web]", "resources.memory_limit[web]", "networks.networks[web]",
    "networks.created[shop_proxy]",
}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "red"),
    [
        ((), CHANGED),
        (("--gate=pre", "--services=web"), set()),
        (("--gate=pre", "--services=api"), CHANGED - {"networks.created[shop_proxy]"}),
    ],
)
def test_a_release_that_changes_the_file(
    tmp_path: Path, options: tuple[str, ...], red: set[str]
) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    creation = created(
        image="shop:1", compose_project="shop", network_mode="shop_default", restart="no"
    )
    there = {
        name: container(name=f"shop-{name}-1", creation=creation, memory_limit=None)
        for name in ("web", "api")
    }
    observed = shop.facts(containers=there, networks={"shop_default": ("172.20.0.0/16",)})
    environment = {"compose": {"files": "compose.yaml"}}
    ran = shop.replay(tmp_path, environment, observed, *options)
    failed = {check for check, (outcome, _) in ran.results("shop").items() if outcome == "FAIL"}
    assert {check for check in failed if not check.startswith("predeploy.")} == red


NEW = """
name: shop
services:
  web: {image: "shop:1"}
  worker:
    image: "shop:1"
    ports: ["8080:80"]
    mem_limit: 1g
    labels: {team: shop}
    healthcheck: {test: [CMD, "true"]}
"""
ROUTE = {"worker": {"url": "http://shop.example/", "service": "worker"}}


def _deploy(folder: Path, *options: str, worker: Container | None = None) -> Ran:
    (folder / "compose.yaml").write_text(NEW, encoding="utf-8")
    creation = created(
        image="shop:1", compose_project="shop", network_mode="shop_default", restart="no"
    )
    web = container(name="shop-web-1", creation=creation, memory_limit=None)
    observed = shop.facts(
        containers={"web": web, "worker": worker},
        networks={"shop_default": ("172.20.0.0/16",)},
        responses={"worker": answered(("http://shop.example/", 502))},
    )
    environment = {"compose": {"files": "compose.yaml"}, "routes": ROUTE}
    return shop.replay(folder, environment, observed, *options)


def _of_worker(ran: Ran) -> set[str]:
    return {
        check
        for check in ran.results("shop")
        if check.endswith("[worker]") and not check.startswith(("predeploy", "compose_file"))
    }


def test_a_service_that_the_deploy_creates(tmp_path: Path) -> None:
    ran = _deploy(tmp_path, "--gate=pre", "--services=worker")
    assert _of_worker(ran) == set()
    warnings = [line for each in ran.verdict("shop")["checks"] for line in each["warnings"]]
    line = "worker exists: expected a container of service worker in project shop, observed none"
    assert warnings.count(line) == 1


def test_a_service_that_the_deploy_leaves_out_is_missing(tmp_path: Path) -> None:
    ran = _deploy(tmp_path, "--gate=pre", "--services=web")
    assert {"containers.exists[worker]", "routes.status[worker]"} <= _of_worker(ran)


def test_a_service_that_an_earlier_deploy_had_is_missing(tmp_path: Path) -> None:
    worker = container(name="shop-worker-1")
    _deploy(tmp_path, "--gate=pre", "--services=web", worker=worker)
    ran = _deploy(tmp_path, "--gate=pre", "--services=worker")
    assert ran.results("shop")["containers.exists[worker]"][0] == "FAIL"


def test_after_the_deploy_it_must_be_there(tmp_path: Path) -> None:
    ran = _deploy(tmp_path, "--gate=rollback")
    assert "containers.exists[worker]" in _of_worker(ran)
