"""A service's containers: the one with its name, and those with Compose's labels."""

from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.container import ListedContainer
from stackproof.probes.containers import instances
from stackproof.unobserved import UnobservedError

SHOP = Environment.model_validate({"name": "shop", "services": {"api": {}, "db": {}}})
NAMED = SHOP.model_copy(update={"compose_project": "shop"})


def _listed(
    service: str, state: str = "running", project: str = "shop", number: int = 0
) -> ListedContainer:
    return ListedContainer(
        id=service, state=state, project=project, service=service, number=number, networks=()
    )


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ({"api": _listed("api")}, ("api",)),
        ({"api": _listed("api"), "shop-api-2": _listed("api")}, ("api", "shop-api-2")),
        ({"shop-api-2": _listed("api")}, ("shop-api-2",)),
        ({"shop_api_1": _listed("api")}, ("shop_api_1",)),
        (
            {"shop-api-1": _listed("api", "exited"), "shop-api-2": _listed("api")},
            ("shop-api-2", "shop-api-1"),
        ),
        ({"renamed": _listed("api")}, ("renamed",)),
        ({"other-api-1": _listed("api", project="other")}, ()),
        ({"x/shop-api-1": _listed("api")}, ()),
        ({"api": _listed("", project="")}, ()),
        ({}, ()),
    ],
    ids=[
        "named", "second", "numbered", "older", "running first", "renamed", "of another project",
        "linked", "made by hand", "none",
    ],
)  # fmt: skip
def test_containers_of_a_service(
    others: dict[str, ListedContainer], found: tuple[str, ...]
) -> None:
    listed = {"db": _listed("db"), **others}
    assert instances.of_all(NAMED, listed) == {"api": found, "db": ("db",)}


def test_a_project_that_is_not_declared_is_that_of_the_containers_with_their_names() -> None:
    listed = {"db": _listed("db"), "shop-api-1": _listed("api")}
    assert instances.of_all(SHOP, listed)["api"] == ("shop-api-1",)


def _of(services: dict[str, Any], **more: Any) -> Environment:
    return Environment.model_validate({"name": "shop", "services": services, **more})


def _named(*names: str, state: str = "running") -> dict[str, ListedContainer]:
    """Containers with Compose's names, such as `shop-api-1`."""
    return {name: _listed(name.split("-")[1], state, name.split("-")[0]) for name in names}


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        (_named("shop-api-10", "shop-api-2", "shop-api-1"),
         ("shop-api-1", "shop-api-2", "shop-api-10")),
        (
            {**_named("shop-api-1", state="exited"), **_named("shop-api-2", "shop-api-3")},
            ("shop-api-2", "shop-api-3", "shop-api-1"),
        ),
        ({"a": _listed("api", number=2), "b": _listed("api", number=1)}, ("b", "a")),
        ({"vpn-api": _listed("", project=""), **_named("shop-api-1", "shop-api-2")},
         ("shop-api-1", "shop-api-2", "vpn-api")),
    ],
    ids=["by number", "running ones first", "by label", "named by hand"],
)  # fmt: skip
def test_instances_of_a_service(listed: dict[str, ListedContainer], found: tuple[str, ...]) -> None:
    """The declared number of them comes first, in the order of Compose's numbers."""
    of = _of({"api": {"instances": 2}}, container_prefix="vpn-", compose_project="shop")
    assert instances.of_all(of, listed)["api"] == found
    names = instances.by_instance(of, listed)
    assert (names["api#1"], names["api#2"]) == found[:2]
    assert names["api"] == found[0]


def test_the_instance_that_is_missing() -> None:
    """Compose's number says which one it is, unless the numbers are higher than the count."""
    of = _of({"api": {"instances": 3}}, compose_project="shop")

    def found(*names: str) -> list[str]:
        by_instance = instances.by_instance(of, _named(*names))
        return [by_instance[f"api#{number}"] for number in (1, 2, 3)]

    assert found("shop-api-1", "shop-api-3") == ["shop-api-1", "", "shop-api-3"]
    assert found("shop-api-2") == ["", "shop-api-2", ""]
    assert found("shop-api-3", "shop-api-4") == ["shop-api-3", "shop-api-4", ""]


@pytest.mark.parametrize(
    ("declared", "container"),
    [
        ({"container": "vpn-api"}, "shop-api-1"),
        ({"container": "vpn-api"}, "vpn-api"),
        ({}, "shop_frontend_prod"),
    ],
)
def test_prefix_and_project_together(declared: dict[str, Any], container: str) -> None:
    of = _of({"api": declared}, container_prefix="vpn-", compose_project="shop")
    assert instances.of_all(of, {container: _listed("api")})["api"] == (container,)


def test_a_fixed_name_that_another_container_does_not_have() -> None:
    of = _of({"api": {"container": "api"}}, compose_project="shop")
    assert instances.by_instance(of, {"renamed": _listed("api")}) == {"api": "api"}


TWO: dict[str, Any] = {"api": {}, "db": {}}


@pytest.mark.parametrize(
    ("services", "listed", "project"),
    [
        (TWO, _named("shop-api-1", "shop-db-1", "other-db-1"), "shop"),
        (TWO, _named("shop-api-1"), "shop"),
        (TWO, {**_named("shop-api-1", "shop-db-1"), "db": _listed("db", project="")}, "shop"),
        ({**TWO, "web": {}}, _named("shop-api-1", "shop-db-1", "o-db-1", "o-x-1"), "shop"),
    ],
    ids=["all", "the only one", "one is named by hand", "most"],
)
def test_the_only_project_that_has_such_services(
    services: dict[str, Any], listed: dict[str, ListedContainer], project: str
) -> None:
    its = instances.projects(_of(services), listed)
    assert its.names == {project}
    assert f"the containers are those of {project}, the only project" in its.note


@pytest.mark.parametrize(
    "listed",
    [
        _named("a-api-1", "a-db-1", "b-api-1", "b-db-1"),
        _named("a-api-1", "b-db-1"),
        _named("a-api-1", "a-db-1", "a-web-1", "b-api-1", "b-db-1"),
    ],
    ids=["both have all", "each has one", "one may be the same with a service missing"],
)
def test_several_projects_that_qualify(listed: dict[str, ListedContainer]) -> None:
    of = _of({**TWO, "web": {}} if "a-web-1" in listed else TWO)
    with pytest.raises(UnobservedError, match=r"services \(a, b\): declare compose_project$"):
        instances.of_all(of, listed)


@pytest.mark.parametrize(
    "listed",
    [
        {"api": _listed("", project=""), "db": _listed("", project="")},
        {"api": _listed("", project=""), "other-db-1": _listed("db", project="other")},
        {},
    ],
    ids=["made by hand", "one by hand, one in another stack", "none"],
)
def test_services_that_no_project_has(listed: dict[str, ListedContainer]) -> None:
    its = instances.projects(_of(TWO), listed)
    assert (its.names, its.note, its.by_name) == (frozenset(), "", True)
