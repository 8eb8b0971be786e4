"""Containers of nobody in a closed network, and containers with the name of another service."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.container import Endpoint, ListedContainer
from stackproof.probes.containers.instances import by_instance
from tests import shop
from tests.shop import container


def _listed(service: str = "", **changes: Any) -> ListedContainer:
    address = changes.pop("address", "172.20.0.9")
    known: dict[str, Any] = {
        "id": f"{service}-of-{address}", "state": "running", "project": "shop" if service else "",
        "service": service, "networks": ("shop_default",), "address": address,
        "endpoints": (Endpoint(address=address, prefix=16, gateway="172.20.0.1"),),
    }  # fmt: skip
    return ListedContainer(**{**known, **changes})


OWN = {"shop-web-1": _listed("web", number=1)}
STRANGERS: dict[str, tuple[ListedContainer, bool]] = {
    "debug-box": (_listed(address="172.20.0.20"), True),
    "web-debug": (_listed(address="172.20.0.20", project="other", service="web"), True),
    "paused-box": (_listed(address="172.20.0.20", state="paused"), True),
    # `network_mode: container:shop-web-1` has its address, and no network of its own.
    "sidecar": (_listed(id="5e", networks=()), True),
    "elsewhere": (_listed(address="172.21.0.2", networks=("other_default",)), False),
    "stopped": (_listed(state="exited", address="", endpoints=()), False),
    "shop-migrate-run-c0ffee": (_listed(address="172.20.0.20", project="shop"), False),
    "web/alias": (_listed("web", number=1), False),
}
DECLARED: dict[str, dict[str, Any]] = {
    "network.strangers[shop]": {"network": {"subnet": "172.20.0.0/16", "closed": True}},
    "networks.strangers[shop_default]": {"networks": {"shop_default": {"closed": True}}},
}


@pytest.mark.parametrize("check", DECLARED)
@pytest.mark.parametrize("name", STRANGERS)
def test_closed_network(name: str, check: str, tmp_path: Path) -> None:
    stranger, is_one = STRANGERS[name]
    observed = shop.facts(containers={"web": container()}, listed={**OWN, name: stranger})
    environment = {"services": {"web": {}}, "compose_project": "shop", **DECLARED[check]}
    ran = shop.replay(tmp_path, environment, observed, "-k", "strangers")
    results = ran.results("shop")
    assert results.keys() == ({check} if is_one else set())
    assert all(outcome == "FAIL" and name in line for outcome, line in results.values())


def test_the_first_line(tmp_path: Path) -> None:
    observed = shop.facts(listed={**OWN, "debug-box": STRANGERS["debug-box"][0]})
    environment = {"services": {"web": {}}, **DECLARED["network.strangers[shop]"]}
    ran = shop.replay(tmp_path, environment, observed, "-k", "strangers")
    assert ran.results("shop")["network.strangers[shop]"][1] == (
        "shop containers in its networks: expected only those of declared services, "
        "observed debug-box in shop_default"
    )


def test_no_network_was_seen(tmp_path: Path) -> None:
    observed = shop.facts(listed={"shop-web-1": _listed("web", state="exited", networks=())})
    environment = {"services": {"web": {}}, **DECLARED["network.strangers[shop]"]}
    ran = shop.replay(tmp_path, environment, observed, "-k", "strangers")
    assert ran.results("shop")["network.strangers[shop]"] == (
        "UNKNOWN",
        "could not be evaluated: none of its containers is in a network",
    )


@pytest.mark.parametrize(
    ("label", "project", "is_wrong"),
    [
        ("api", "shop", True),
        ("web", "shop", False),
        ("", "", False),
        ("api", "other", False),
        # The environment may name a service otherwise than Compose.
        ("frontend", "shop", False),
    ],
)
def test_a_container_with_the_name_of_another(
    label: str, project: str, is_wrong: bool, tmp_path: Path
) -> None:
    observed = shop.facts(
        containers={"web": container(name="shop-web"), "api": container(name="shop-api")},
        listed={"shop-web": _listed(label, project=project), "shop-api": _listed("api")},
    )
    environment = {
        "compose_project": "shop",
        "services": {"web": {"container": "shop-web"}, "api": {"container": "shop-api"}},
    }
    ran = shop.replay(tmp_path, environment, observed, "-k", "test_service")
    line = (
        "web container: expected shop-web to be the one of web, "
        "observed shop-web is the container of api"
    )
    assert ran.results("shop") == ({"identity.service[web]": ("FAIL", line)} if is_wrong else {})


def test_each_service_keeps_its_container() -> None:
    """The other checks judge the container of the service, whatever its name."""
    services = {"web": {"container": "shop-web"}, "api": {"container": "shop-api"}}
    shop_of = Environment.model_validate(
        {"name": "shop", "compose_project": "shop", "services": services}
    )
    listed = {"shop-web": _listed("api"), "shop-api": _listed("web")}
    assert by_instance(shop_of, listed) == {"web": "shop-api", "api": "shop-web"}
