"""A container that Compose created has its service's name as an alias in its networks."""

from typing import Any

import pytest

from stackproof.environment.services import Service
from stackproof.facts.container import Container, ListedContainer
from stackproof.suites.services import test_networks as suite
from tests.suites.containers.test_checks_instances import finding_of
from tests.suites.specified import BACK, changed

ID = changed().id[:12]
WEB = Service.model_validate({"name": "web", "networks": {"shop_back": None}})


def _in_back(aliases: list[str] | None, **more: Any) -> Container:
    return changed(Networks={"shop_back": {**BACK, "Aliases": aliases, **more}})


def _check(
    container: Container, service: Service = WEB, label: str = "web", project: str = "shop"
) -> tuple[Any, ...]:
    """Return the arguments of the check."""
    listed = {
        container.name: ListedContainer(
            id=container.id, state="running", project=project, service=label, networks=()
        )
    }
    return service, container, container.creation.settings, listed


@pytest.mark.parametrize(
    ("aliases", "more", "observed"),
    [
        # Docker adds the short id; since Docker 25, it reports names of its own in DNSNames.
        ([ID], {}, "shop-web-1 in shop_back"),
        (["wrong", ID], {}, "shop-web-1 in shop_back, wrong in shop_back"),
        (None, {"DNSNames": ["shop-web-1", ID]}, "shop-web-1 in shop_back"),
    ],
)
def test_lost(aliases: list[str] | None, more: dict[str, Any], observed: str) -> None:
    found = finding_of(suite.test_aliases, *_check(_in_back(aliases, **more)))
    assert found.headline == f"web aliases: expected web in shop_back, observed {observed}"


def test_lost_with_a_declared_one() -> None:
    service = WEB.model_validate(
        {"name": "web", "networks": {"shop_back": {"aliases": ["primary"]}}}
    )
    found = finding_of(suite.test_aliases, *_check(_in_back([ID]), service))
    assert found.headline == (
        "web aliases: expected web in shop_back, primary in shop_back, "
        "observed shop-web-1 in shop_back"
    )


@pytest.mark.parametrize(
    ("container", "how"),
    [
        (_in_back(["shop-web-1", "web", ID]), {}),
        (_in_back(None, DNSNames=["shop-web-1", "web", ID]), {}),
        # Engines ignore the case of names.
        (_in_back(["Web", ID]), {}),
        # The container's own name resolves.
        (_in_back([ID]).model_copy(update={"name": "web"}), {}),
        # Another service of Compose runs in it, or none does.
        (_in_back(["shop-redis-1", "redis", ID]), {"label": "redis"}),
        (_in_back([ID]), {"label": "", "project": ""}),
        (_in_back([ID]), {"label": ""}),
        # An engine that does not report aliases.
        (_in_back(None), {}),
        # A network that it is not in is the other check's.
        (changed(Networks={}), {}),
    ],
    ids=[
        "there",
        "as-docker-25",
        "case",
        "by-name",
        "label",
        "by-hand",
        "one-off",
        "unseen",
        "absent",
    ],
)
def test_not_lost(container: Container, how: dict[str, Any]) -> None:
    suite.test_aliases(*_check(container, **how))


def test_in_the_engines_own_network() -> None:
    container = changed(Networks={"bridge": {**BACK, "Aliases": [ID]}})
    service = Service.model_validate({"name": "web", "networks": {"bridge": None}})
    suite.test_aliases(*_check(container, service))
