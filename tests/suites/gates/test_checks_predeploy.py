"""The checks of the pre gate fail for a deploy that must not begin, and say why."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.facts.machine import Capacity
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved
from tests import shop
from tests.shop import GIB, MIB
from tests.suites.gates.predeploys import ABSENT, IMAGE, SHOP, facts, host, images, judged, results


def test_a_good_deploy(tmp_path: Path) -> None:
    ran = judged(tmp_path, facts())
    assert (ran.exit_code, results(ran)) == (0, {})
    assert ran.verdict("shop")["gate"] == "pre"


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ("redis", {}),
        ("web,nginx", {}),
        ("redis,api,nginx", {}),
        (
            "api,web",
            {"predeploy.proxy_last[nginx]": "FAIL nginx in the deploy: expected last, "
             "because it routes to api, web, observed not in it"},
        ),
        (
            "nginx,web",
            {"predeploy.proxy_last[nginx]": "FAIL nginx in the deploy: expected last, "
             "because it routes to web, observed before web"},
        ),
        (
            "web,api,nginx",
            {"predeploy.order[shop]": "FAIL shop deploy order: expected api, web, "
             "observed web, api"},
        ),
        (
            "apy,database-manager",
            {
                "predeploy.services[shop]": "FAIL shop services to deploy: expected declared "
                "ones, observed apy (the nearest is api), database-manager (the nearest is nginx)",
                "compose_file.services[shop]": "FAIL shop services of the compose file: expected "
                "all that are declared or deployed, observed no apy, no database-manager",
            },
        ),
    ],
)  # fmt: skip
def test_the_list_of_services(tmp_path: Path, services: str, expected: dict[str, str]) -> None:
    ran = judged(tmp_path, facts(), services)
    assert results(ran) == expected
    assert ran.exit_code == (1 if expected else 0)


def test_what_the_deploy_needs(tmp_path: Path) -> None:
    environment = {**SHOP, "deploy": {**SHOP["deploy"], "required_variables": ["HOST", "KEY"]}}
    seen = facts(unset_variables=("KEY",), missing_secrets=("db",))
    assert results(judged(tmp_path, seen, environment=environment)) == {
        "predeploy.variables[shop]": "FAIL shop variables of the deploy: expected HOST, KEY set, "
        "observed KEY unset",
        "predeploy.secrets[shop]": "FAIL shop files of the secrets: expected on the engine's "
        "machine, observed no file of db",
    }


def test_an_external_volume(tmp_path: Path) -> None:
    declared = {"pgdata": {"external": True}, "cache": {}, "files": {"external": True}}
    environment = {**SHOP, "volumes": declared}
    seen = facts(volumes=("files", "other"))
    assert results(judged(tmp_path, seen, environment=environment)) == {
        "predeploy.volumes[shop]": "FAIL shop external volumes: expected that they exist, "
        "observed no pgdata"
    }


def test_an_image_that_is_nowhere(tmp_path: Path) -> None:
    refused = ABSENT.model_copy(update={"refused": "manifest unknown"})
    seen = facts(new_images=images(api=refused, redis=refused))
    assert results(judged(tmp_path, seen)) == {
        "predeploy.image[api]": "FAIL api new image: expected shop/api:2 at the engine or its "
        "registry, observed manifest unknown"
    }


def test_a_registry_that_does_not_answer(tmp_path: Path) -> None:
    unseen = Unobserved(reason="shop/api:2 at its registry: no such host")
    ran = judged(tmp_path, facts(new_images=images(api=unseen)))
    assert ran.exit_code == 6
    assert results(ran) == dict.fromkeys(
        ("predeploy.image[api]", "predeploy.disk[host]"),
        "UNKNOWN could not be evaluated: shop/api:2 at its registry: no such host",
    )


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (8 * GIB, {}),
        (
            8 * GIB - 1,
            {"predeploy.disk[host]": "FAIL host disk for new images: expected 3 GiB in addition "
             "to the 5% that must stay free, observed 3.0 GiB"},
        ),
    ],
)  # fmt: skip
def test_disk_for_new_images(tmp_path: Path, free: int, expected: dict[str, str]) -> None:
    disk = Capacity(total=100 * GIB, free=free, where="/")
    seen = facts(new_images=images(api=ABSENT), host=host(disk=disk))
    assert results(judged(tmp_path, seen)) == expected


def test_a_new_image_that_replaces_none(tmp_path: Path) -> None:
    seen = facts(new_images=images(api=ABSENT.model_copy(update={"replaced_size": None})))
    ran = judged(tmp_path, seen)
    assert ran.exit_code == 0
    (check,) = (e for e in ran.verdict("shop")["checks"] if e["id"] == "predeploy.disk[host]")
    assert check["warnings"] == [
        "host disk for new images: expected an estimated size, "
        "observed none for api, which replace no image"
    ]


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (512 * MIB, {}),
        (
            511 * MIB,
            {"predeploy.memory[api]": "FAIL api memory for a second instance: "
             "expected 512 MiB available, observed 511 MiB"},
        ),
    ],
)  # fmt: skip
def test_memory_for_a_second_instance(tmp_path: Path, free: int, expected: dict[str, str]) -> None:
    memory = Capacity(total=8 * GIB, free=free)
    assert results(judged(tmp_path, facts(host=host(memory=memory)))) == expected


@pytest.mark.parametrize(
    ("declared", "limits", "expected"),
    [
        ({}, {"cpus": 8, "memory": "8G"}, None),
        ({"overcommit": True}, {"cpus": 9, "memory": "9G"}, None),
        (
            {},
            {"cpus": 8, "memory": "8.5G"},
            "FAIL host limits together: expected at most the machine's 8 CPUs and 8 GiB, "
            "observed 8 CPUs and 8.5 GiB",
        ),
        (
            {},
            {"cpus": 8.5, "memory": "8G"},
            "FAIL host limits together: expected at most the machine's 8 CPUs and 8 GiB, "
            "observed 8.5 CPUs and 8 GiB",
        ),
    ],
)
def test_limits_together(
    tmp_path: Path, declared: dict[str, Any], limits: dict[str, Any], expected: str | None
) -> None:
    environment = {"host": declared, "services": {"api": {"limits": limits}}}
    api = ComposeService(cpus=limits["cpus"], memory=Bytes.parse(limits["memory"]))
    read = ComposeFile(path="/opt/shop/compose.yaml", services={"api": api})
    seen = facts(compose_file=read, new_images={"api": IMAGE})
    assert results(judged(tmp_path, seen, "api", environment)).get(
        "predeploy.limits_together[host]"
    ) == expected  # fmt: skip


def test_limits_together_only_warn_where_nothing_is_deployed(tmp_path: Path) -> None:
    environment = {"host": {}, "services": {"api": {"limits": {"cpus": 8.5}}}}
    ran = shop.replay(tmp_path, environment, facts(), "-k", "host")
    assert ran.results("shop") == {}
    line = "shop limits together: expected at most the machine's 8 CPUs and 8 GiB, observed "
    results = {each["id"]: each["warnings"] for each in ran.verdict("shop")["checks"]}
    assert results["host.memory[host]"] == [f"{line}8.5 CPUs and 0 B"]
    assert not [check for check in results if check.startswith("predeploy.")]


def test_an_order_that_is_not_alphabetical(tmp_path: Path) -> None:
    environment = {**SHOP, "deploy": {**SHOP["deploy"], "order": ["web", "api", "nginx"]}}
    assert results(judged(tmp_path, facts(), "web,api,nginx", environment)) == {}
