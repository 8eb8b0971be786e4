"""Practices are warnings: failures only where the environment forbids them."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.container import Container, Mount
from tests import shop
from tests.shop import container, created
from tests.suites.specified import changed

SOCKET = Mount(kind="bind", source="/var/run/docker.sock", target="/var/run/docker.sock")
SILENCED = changed(
    Config={"Healthcheck": {"Test": ["CMD-SHELL", "curl -f x || true"]}}
).creation.settings
PASSWORD = {"POSTGRES_PASSWORD": "its name"}
FOUND: dict[str, tuple[str, dict[str, Any], Container, str]] = {
    "secret-environment": (
        "configuration.secret_variables",
        {},
        container(creation=created(secret_variables=PASSWORD, image="postgres:16")),
        "secrets in its environment: expected none, observed POSTGRES_PASSWORD",
    ),
    "secret-environment on a command line": (
        "configuration.secret_variables",
        {},
        container(creation=created(secret_arguments={"--requirepass": "its command"})),
        "secrets on its command line: expected none, observed --requirepass",
    ),
    "latest-tag": (
        "identity.image",
        {},
        container(creation=created(image="shop/api")),
        "image: expected a tag with a version, observed shop/api",
    ),
    "latest-tag as declared": (
        "identity.image",
        {"image": "shop/api"},
        container(creation=created(image="shop/api:latest")),
        "image: expected a tag with a version, observed shop/api:latest",
    ),
    "no-restart-policy": (
        "containers.restart_policy",
        {},
        container(creation=created(restart="no")),
        "restart policy: expected one that restarts it, observed no",
    ),
    "no-restart-policy as declared": (
        "containers.restart_policy",
        {"restart": "no"},
        container(creation=created(restart="no")),
        "restart policy: expected one that restarts it, observed no",
    ),
    "privileged": (
        "configuration.privileged",
        {"granted": ["privileged"]},
        container(creation=created(privileged=True)),
        "privileges: expected unprivileged, observed privileged",
    ),
    "engine-socket": (
        "configuration.engine_socket",
        {"granted": ["engine-socket"]},
        container(creation=created(mounts=(SOCKET,))),
        f"engine socket: expected not mounted, observed {SOCKET}",
    ),
    "host-network": (
        "configuration.host_network",
        {"granted": ["host-network"]},
        container(creation=created(network_mode="host")),
        "network mode: expected a network of its own, observed host",
    ),
    "host-namespaces": (
        "configuration.root_access",
        {"root_access": ["pid: host"]},
        container(creation=created(root_access={"pid: host": "host-namespaces"})),
        "root access to the host: expected none, observed pid: host",
    ),
    "no-health-check": (
        "containers.health_check",
        {},
        container(health=None, creation=created(has_health_check=False)),
        "health check: expected one that runs, observed none",
    ),
    "no-health-check that can fail": (
        "containers.health_check",
        {"healthcheck": "required"},
        container(creation=created(settings=SILENCED)),
        "health check: expected one that can fail, "
        "observed one whose exit code is always 0: curl -f x || true",
    ),
}
"""By practice: the check that finds it, what is declared, what is observed, and the headline."""


@pytest.mark.parametrize("found", FOUND)
def test_practice(found: str, tmp_path: Path) -> None:
    practice = found.partition(" ")[0]
    check, declared, observed, line = FOUND[found]
    services = {"api": declared, "accepts": {**declared, "may": [practice]}}
    facts = shop.facts(containers=dict.fromkeys(services, observed))

    ran = shop.replay(tmp_path, {"services": services}, facts)
    assert (ran.exit_code, ran.results("shop")) == (0, {})
    warnings = {each["id"]: each["warnings"] for each in ran.verdict("shop")["checks"]}
    assert {id_: lines for id_, lines in warnings.items() if lines} == {
        f"{check}[api]": [f"api {line}"]
    }

    ran = shop.replay(tmp_path, {"services": services, "forbid": [practice]}, facts)
    assert ran.results("shop") == {f"{check}[api]": ("FAIL", f"api {line}")}


def test_a_single_setting_may_be_allowed(tmp_path: Path) -> None:
    """What is granted later is a warning again."""
    both = {"pid: host": "host-namespaces", "uts: host": "host-namespaces"}
    services = {
        name: {"root_access": [*both], "may": may}
        for name, may in {
            "one": ["pid: host"], "unquoted": [{"pid": "host"}, {"uts": "host"}], "all": [*both],
        }.items()
    }  # fmt: skip
    observed = container(creation=created(root_access=both))
    facts = shop.facts(containers=dict.fromkeys(services, observed))
    ran = shop.replay(tmp_path, {"services": services}, facts)
    assert (ran.exit_code, ran.results("shop")) == (0, {})
    warnings = [line for each in ran.verdict("shop")["checks"] for line in each["warnings"]]
    assert warnings == ["one root access to the host: expected none, observed uts: host"]


def test_none(tmp_path: Path) -> None:
    """What is public, built here, runs once or is asked in another way is nothing to warn of."""
    bare = {"health": None}
    no_check = created(has_health_check=False)
    public = created(secret_variables={"NEXT_PUBLIC_ANON_KEY": "its value holds a JSON web token"})
    services: dict[str, tuple[dict[str, Any], Container]] = {
        "public": ({"public_variables": ["NEXT_PUBLIC_ANON_KEY"]}, container(creation=public)),
        "built": ({}, container(creation=created(image="shop-built"))),
        "pinned": ({}, container(creation=created(image="shop/api@sha256:" + "5" * 64))),
        "migrate": (
            {"one_shot": True},
            container(
                status="exited",
                creation=created(has_health_check=False, restart="no"),
                **bare,
            ),
        ),
        "cache": ({}, container(creation=no_check, **bare)),
        "optional": ({"healthcheck": "if-present"}, container(creation=no_check, **bare)),
    }
    environment = {
        "services": {name: declared for name, (declared, _) in services.items()},
        "datastores": {"redis": {"cache": {}}},
        "forbid": ["secret-environment", "latest-tag", "no-restart-policy", "no-health-check"],
    }
    observed = shop.facts(
        containers={name: each for name, (_, each) in services.items()},
        commands={
            "redis_ping cache": shop.said("redis-cli ping", 0, "PONG"),
            "redis_info cache": shop.redis_info(),
        },
    )
    ran = shop.replay(tmp_path, environment, observed)
    assert (ran.exit_code, ran.results("shop")) == (0, {})


def test_a_variable_of_another_name_is_not_public(tmp_path: Path) -> None:
    creation = created(secret_variables={"ANON_KEY": "its name", "SERVICE_KEY": "its name"})
    ran = shop.replay(
        tmp_path,
        {"services": {"api": {"public_variables": ["ANON_KEY"]}}, "forbid": ["secret-environment"]},
        shop.facts(containers={"api": container(creation=creation)}),
    )
    assert ran.results("shop") == {
        "configuration.secret_variables[api]": (
            "FAIL", "api secrets in its environment: expected none, observed SERVICE_KEY",
        )
    }  # fmt: skip


@pytest.mark.parametrize(
    ("image", "variable", "hint"),
    [
        ("postgres:16", "POSTGRES_PASSWORD", "pass them as files with POSTGRES_PASSWORD_FILE, and"),
        (
            "docker.io/library/mariadb:11@sha256:" + "5" * 64,
            "MARIADB_ROOT_PASSWORD",
            "pass them as files with MARIADB_ROOT_PASSWORD_FILE, and",
        ),
        (
            "ghcr.io/mastodon/mastodon:v4",
            "SECRET_KEY_BASE",
            "pass them as files if the image supports it, and",
        ),
        ("postgres:16", "PGPASSWORD", "pass them as files if the image supports it, and"),
    ],
)
def test_hint_names_no_variable_that_does_not_exist(
    image: str, variable: str, hint: str, tmp_path: Path
) -> None:
    creation = created(image=image, secret_variables={variable: "its name"})
    ran = shop.replay(
        tmp_path,
        {"services": {"api": {}}, "forbid": ["secret-environment"]},
        shop.facts(containers={"api": container(creation=creation)}),
        "-k", "secret_variables",
    )  # fmt: skip
    (check,) = ran.verdict("shop")["checks"]
    assert check["hint"] == f"{hint} rotate them: they were exposed"


def test_an_environment_whose_secrets_are_files_forbids_them_in_variables() -> None:
    services = {"services": {"api": {}}, "name": "shop"}
    assert Environment.model_validate(services).forbidden == frozenset()
    files = Environment.model_validate({**services, "secrets": {"directory": "./secrets"}})
    assert files.forbidden == {"secret-environment"}
