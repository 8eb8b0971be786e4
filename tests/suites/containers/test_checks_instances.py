"""Instances of services, and containers of the Compose project that are not declared."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.container import Container, ListedContainer
from stackproof.finding import Finding, finding
from stackproof.suites import test_nginx as nginx
from stackproof.suites.services import test_containers as containers
from stackproof.suites.services import test_identity as identity
from stackproof.unobserved import UnobservedError
from tests import shop
from tests.shop import container

Listed = Mapping[str, ListedContainer]


def listed(
    *names: str, state: str = "running", project: str = "shop"
) -> dict[str, ListedContainer]:
    """Containers as Compose names them: `shop-web-1`, or `shop-web-run-c0ffee` for one command."""
    found = {}
    for name in names:
        _, service, number = (*name.split("-")[:2], name.rpartition("-")[2])
        found[name] = ListedContainer(
            id=name, state=state, project=project, service="" if "-run-" in name else service,
            number=int(number) if number.isdecimal() else 0, networks=(),
        )  # fmt: skip
    return found


def environment(services: Mapping[str, Any], **more: Any) -> Environment:
    declared = {"name": "shop", "compose_project": "shop", "services": services, **more}
    return Environment.model_validate(declared)


def finding_of(check: Callable[..., None], *arguments: Any) -> Finding:
    """Return what a check finds wrong; pytest turns the finding of the assert into a text."""
    found: list[Finding] = []

    def record(*given: Any, **more: Any) -> Finding:
        found.append(finding(*given, **more))
        return found[-1]

    with (
        patch.object(sys.modules[check.__module__], "finding", record),
        pytest.raises(AssertionError),
    ):
        check(*arguments)
    return found[-1]


def _instances(number: int, there: Listed) -> tuple[Any, ...]:
    of = environment({"web": {"instances": number}})
    chosen = [name for name in there if "web" in name][:number]
    return of.services["web"], tuple(container(name=name) for name in chosen), there, of


@pytest.mark.parametrize(
    ("number", "there"),
    [
        (1, listed("shop-web-1")),
        (2, listed("shop-web-1", "shop-web-2")),
        (2, listed("shop-web-1", "shop-web-2", "shop-web-run-c0ffee", "shop-db-1")),
        (2, {**listed("shop-web-1", "shop-web-2"), **listed("other-web-3", project="other")}),
        (0, listed()),
        (0, listed("shop-web-1", state="exited")),
    ],
    ids=["one", "two", "one-off", "of another project", "none", "stopped"],
)
def test_as_many_instances_as_declared(number: int, there: Listed) -> None:
    identity.test_instances(*_instances(number, there))


@pytest.mark.parametrize(
    ("number", "there", "headline", "hint"),
    [
        (
            1, listed("shop-web-1", "shop-web-2"),
            "web instances: expected shop-web-1 alone, observed also shop-web-2",
            "docker inspect shop-web-2",
        ),
        (
            2, listed("shop-web-2"),
            "web instances: expected 2, observed 1", "docker compose up -d web",
        ),
        (
            2, listed("shop-web-1", "shop-web-2", "shop-web-10"),
            "web instances: expected 2, observed 3",
            "docker inspect shop-web-10",
        ),
        (2, listed(), "web instances: expected 2, observed 0", "docker compose up -d web"),
        (
            0, listed("shop-web-1"), "web instances: expected 0, observed 1",
            "docker inspect shop-web-1",
        ),
    ],
    ids=["second", "missing", "surplus", "all missing", "one where none may run"],
)  # fmt: skip
def test_another_number_of_instances(number: int, there: Listed, headline: str, hint: str) -> None:
    found = finding_of(identity.test_instances, *_instances(number, there))
    assert (found.headline, found.hints[0].text) == (headline, hint)


@pytest.mark.parametrize("declared", [{}, {"container": "web"}], ids=["by service", "by name"])
@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("web-2", True), ("web_2", True), ("web-3", False), ("web-old", False),
        ("web-2-old", False), ("my-web-2", False), ("web2", False), ("db", False),
    ],
)  # fmt: skip
def test_an_instance_without_labels(declared: dict[str, str], name: str, is_one: bool) -> None:
    """Another service declares `web-3`."""
    of = environment({"web": declared, "other": {"container": "web-3"}}, compose_project="")
    by_hand = listed("shop-web-1", project="")["shop-web-1"].model_copy(update={"service": ""})
    there = {"web": by_hand, "web-3": by_hand, name: by_hand}
    check = (of.services["web"], (container(name="web"),), there, of)
    if not is_one:
        identity.test_instances(*check)
        return
    headline = finding_of(identity.test_instances, *check).headline
    assert headline == f"web instances: expected web alone, observed also {name}"


def test_a_service_without_its_only_container() -> None:
    with pytest.raises(UnobservedError, match="no container of service web in project shop"):
        identity.test_instances(*_instances(1, {}))


COMPOSE = {"compose": {"files": ["compose.yaml"]}}
NAMED = {"web": {"container": "web"}, "other": {}}
WEB = listed("shop-web-1")["shop-web-1"]


@pytest.mark.parametrize(
    ("labels", "observed"),
    [
        ({"project": "", "service": ""}, "was created without Compose"),
        ({"project": "old"}, "is of project old"),
        ({"service": "site"}, "is of service site"),
        ({"service": ""}, "is one of docker compose run"),
        ({"service": "other"}, "is the container of other"),
    ],
    ids=["docker run", "another project", "a former service", "one-off", "another service"],
)
def test_a_container_with_the_name_that_is_not_of_compose(
    labels: dict[str, str], observed: str
) -> None:
    of = environment(NAMED, **COMPOSE)
    there = {"web": WEB.model_copy(update=labels), **listed("shop-other-1")}
    found = finding_of(identity.test_service, of.services["web"], there, of)
    assert found.observed == f"web {observed}"


def test_a_container_with_the_name() -> None:
    """Without Compose files as the specification, anyone may create it."""
    of = environment(NAMED, **COMPOSE)
    identity.test_service(of.services["web"], {"web": WEB}, of)
    by_hand = {"web": WEB.model_copy(update={"project": "", "service": ""})}
    identity.test_service(environment(NAMED).services["web"], by_hand, environment(NAMED))


def test_a_renamed_container() -> None:
    """Compose finds it by its labels, and does not create another one."""
    of, there = environment(NAMED, **COMPOSE), {"web-old": WEB}
    check = (of.services["web"], None, of, there, False, print)
    found = finding_of(containers.test_exists, *check)
    assert found.headline == (
        "web exists: expected a container web, observed its container under the name web-old"
    )
    assert [each.text for each in found.hints] == ["docker rename web-old web"]


def _warnings(of: Environment, there: Listed) -> list[str]:
    """Return the headlines of the warnings of a check that passes."""
    warnings: list[Finding] = []
    identity.test_undeclared(of, there, warnings.append)
    return [each.headline for each in warnings]


ORPHAN = {**listed("shop-web-1", "shop-web-2"), **listed("shop-old-1")}
FOUND = "shop undeclared containers: expected none, observed shop-old-1"
INACTIVE = "shop containers of inactive profiles: expected none, observed shop-old-1"


@pytest.mark.parametrize("prefix", ["", "vpn-"])
def test_an_orphan_of_the_declared_project(prefix: str) -> None:
    of = environment({"web": {"instances": 2}}, container_prefix=prefix)
    found = finding_of(identity.test_undeclared, of, ORPHAN, None)
    assert found.headline == FOUND
    assert [each.text for each in found.hints] == [
        "docker inspect shop-old-1",
        "declare them, or stop them once you know what they do",
    ]


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"compose_project": ""}, FOUND),
        ({"inactive_services": ["old"]}, INACTIVE),
        ({"inactive_services": ["old"], "container_prefix": "shop-"}, INACTIVE),
    ],
    ids=["project not declared", "of an inactive profile", "with the prefix"],
)
def test_an_orphan_that_only_warns(changes: dict[str, Any], warning: str) -> None:
    of = environment({"web": {"instances": 2}}, **changes)
    assert _warnings(of, ORPHAN) == [warning]


@pytest.mark.parametrize(
    "other",
    [
        listed("shop-old-1", state="exited"),
        listed("shop-old-run-c0ffee"),
        listed("shop-web-run-c0ffee"),
        listed("other-old-1", project="other"),
        listed("shop-web-3"),
    ],
    ids=["stopped", "one-off", "one-off of a service", "of another project", "surplus instance"],
)
def test_no_orphan(other: Listed) -> None:
    there = {**listed("shop-web-1", "shop-web-2"), **other}
    assert _warnings(environment({"web": {"instances": 2}}), there) == []


def test_a_one_off_with_the_prefix_of_the_names() -> None:
    """Compose names it after the project. One that was named by hand stays undeclared."""
    of = environment({"web": {}}, container_prefix="shop-")
    assert _warnings(of, listed("shop-web", "shop-web-run-c0ffee")) == []
    by_hand = {"shop-debug": listed("shop-web-run-c0ffee")["shop-web-run-c0ffee"]}
    found = finding_of(identity.test_undeclared, of, {**listed("shop-web"), **by_hand}, None)
    assert found.observed == "shop-debug"


def _resolves(*addresses: str) -> tuple[Any, ...]:
    of = environment({"web": {"instances": 2}})
    containers = tuple(
        container(name=f"shop-web-{number}", addresses={"shop_default": (f"172.20.0.{number}",)})
        for number in (1, 2)
    )
    surplus = listed("shop-web-1", "shop-web-2", "shop-web-3")
    surplus["shop-web-3"] = surplus["shop-web-3"].model_copy(update={"address": "172.20.0.3"})
    return of.services["web"], containers, {"web": addresses}, surplus, of


def test_a_name_that_resolves_to_every_instance() -> None:
    """Another check reports a surplus one."""
    nginx.test_resolves(*_resolves("172.20.0.1", "172.20.0.2"))
    nginx.test_resolves(*_resolves("172.20.0.1", "172.20.0.2", "172.20.0.3"))
    found = finding_of(nginx.test_resolves, *_resolves("172.20.0.1", "172.20.0.4"))
    assert found.observed == "172.20.0.1, 172.20.0.4"


def _waiver(check: str, subject: str) -> dict[str, str]:
    return {"check": check, "subject": subject, "reason": "known", "expires": "2100-01-01"}


REPLICATED = {
    "compose_project": "shop",
    "services": {"web": {"instances": 2, "limits": {"memory": "512M"}}, "job": {"instances": 0}},
    "waivers": [_waiver("containers.restarts", "web"), _waiver("containers.oom_killed", "web#2")],
}


def _named(number: int, **changes: Any) -> Container:
    return container(name=f"shop-web-{number}", id=f"c0ffee{number}", **changes)


def test_each_instance_is_a_subject(tmp_path: Path) -> None:
    instances = {
        "web#1": _named(1, restart_count=9, memory_limit=None),
        "web#2": _named(2, restart_count=9, oom_killed=True),
    }
    observed = shop.facts(
        containers=instances, usage=dict.fromkeys(instances, shop.USAGE),
        listed=listed("shop-web-1", "shop-web-2"),
    )  # fmt: skip
    ran = shop.replay(tmp_path, REPLICATED, observed)
    checks = {each["id"]: each for each in ran.verdict("shop")["checks"]}
    assert ran.exit_code == 1, ran.output
    assert ran.results("shop") == {
        "containers.restarts[web#1]": (
            "WAIVED", "web#1 restarts: expected at most 0, observed 9"
        ),
        "containers.restarts[web#2]": (
            "WAIVED", "web#2 restarts: expected at most 0, observed 9"
        ),
        "containers.oom_killed[web#2]": (
            "WAIVED", "web#2 out of memory: expected no kill, "
            "observed the kernel killed a process in it"
        ),
        "resources.memory_limit[web#1]": (
            "FAIL", "web#1 memory limit: expected 512 MiB, observed none"
        ),
    }  # fmt: skip
    assert checks["containers.running[web#1]"]["service"] == "web"
    assert {"identity.instances[web]", "identity.instances[job]"} <= checks.keys()
    assert not any(
        check.endswith(("[job]", "[job#1]"))
        for check in checks.keys() - {"identity.instances[job]"}
    )


def test_each_instance_of_a_datastore_and_of_nginx(tmp_path: Path) -> None:
    declared = {
        "services": {"cache": {"instances": 2}, "front": {"instances": 2}},
        "datastores": {"redis": {"cache": {}}},
        "nginx": {"service": "front"},
    }
    commands = {
        "redis_ping cache#1": shop.said("redis-cli ping", 0, "PONG"),
        "redis_ping cache#2": shop.said("redis-cli ping", 0, "LOADING"),
        "nginx_test front#1": shop.said("nginx -t", 1, "unexpected end of file"),
        "nginx_test front#2": shop.said("nginx -t", 0, "syntax is ok"),
    }
    ran = shop.replay(
        tmp_path, declared, shop.facts(commands=commands), "-k", "test_ping or config_valid"
    )
    assert ran.results("shop") == {
        "datastores.ping[cache#2]": ("FAIL", "cache#2 PING: expected PONG, observed LOADING"),
        "nginx.config_valid[front#1]": (
            "FAIL", "front#1 configuration: expected nginx -t succeeds, "
            "observed unexpected end of file"
        ),
    }  # fmt: skip


UNNAMED: dict[str, Any] = {"services": {"web": {}, "api": {}}}
BOTH = listed("shop-web-1", "shop-api-1")


def test_the_only_project_with_such_services_is_verified(tmp_path: Path) -> None:
    found = {name: container(name=f"shop-{name}-1") for name in ("web", "api")}
    ran = shop.replay(tmp_path, UNNAMED, shop.facts(containers=found, listed=BOTH))
    assert ran.exit_code == 0, ran.output
    (warning,) = ran.verdict("shop")["warnings"]
    assert warning == (
        "compose_project is not declared: the containers are those of shop, "
        "the only project of the engine with all of the services"
    )
    assert " ".join(ran.output.split()).count(warning) == 1


def test_several_projects_with_such_services(tmp_path: Path) -> None:
    there = {**BOTH, **listed("two-web-1", "two-api-1", project="two")}
    ran = shop.replay(tmp_path, UNNAMED, shop.facts(listed=there))
    reason = (
        "the engine has several projects with these services (shop, two): declare compose_project"
    )
    assert ran.exit_code == 6, ran.output
    assert {outcome for outcome, _ in ran.results("shop").values()} == {"UNKNOWN"}
    assert " ".join(ran.output.split()).count(reason) == 1
