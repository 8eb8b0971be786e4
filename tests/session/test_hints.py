"""A run completes hints: with places, containers, Compose's options, and redirected addresses."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackproof.environment.compose import command
from stackproof.environment.loader import load
from stackproof.environment.model import Environment
from stackproof.facts.container import ListedContainer
from stackproof.fixtures.session.hints import Run
from stackproof.gate import Gate
from stackproof.hint import (
    NOT_SAFE,
    SERVER,
    Hint,
    compose,
    compose_here,
    compose_key,
    curl,
    here,
    in_container,
    log_of,
    recreate,
    server,
    tls_client,
    up,
)


@pytest.fixture(autouse=True)
def _compose_of_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "to_type", lambda: ("docker", "compose"))


LOCAL = "unix:///var/run/docker.sock"
REMOTE = "ssh://deploy@shop.example:22"
SHOP: Mapping[str, Any] = {"services": {"web": {}, "db": {}}, "compose_project": "shop"}
LOG = "docker logs --tail 50 shop-web-1"
UP = "docker compose -p shop up -d web"


def _environment(**changes: Any) -> Environment:
    return Environment.model_validate({**SHOP, "name": "shop", **changes})


def _listed(state: str, project: str = "shop") -> dict[str, ListedContainer]:
    each = ListedContainer(id="1", state=state, project=project, service="web", networks=())
    return {f"{project}-web-1": each}


def _complete(
    *hints: Hint,
    environment: Environment | None = None,
    engine: str = LOCAL,
    listed: Mapping[str, ListedContainer] | None = None,
) -> list[tuple[str, str]]:
    run = Run(environment or _environment(), engine, listed)
    return [(each.place, each.text) for each in run.complete(hints)]


@pytest.mark.parametrize(
    ("engine", "checkout", "on_server", "in_checkout"),
    [
        (LOCAL, "", "here", "in the checkout"),
        ("", "", "here", "in the checkout"),
        (LOCAL, "/opt/shop", "here", "in /opt/shop"),
        (REMOTE, "", "on shop.example", "in the checkout on shop.example"),
        (REMOTE, "/opt/shop", "on shop.example", "in /opt/shop on shop.example"),
        ("tcp://10.0.0.7:2376", "", "on 10.0.0.7", "in the checkout on 10.0.0.7"),
        ("ssh://deploy@[redacted]:22", "", "on the server", "in the checkout on the server"),
        ("ssh://deploy@a b", "", "on the server", "in the checkout on the server"),
        ("ssh://[redacted]@shop.example", "", "on the server", "in the checkout on the server"),
    ],
)
def test_places(engine: str, checkout: str, on_server: str, in_checkout: str) -> None:
    places = _complete(
        here("date -u"), server("docker ps"), compose("ps"),
        environment=_environment(checkout=checkout), engine=engine,
    )  # fmt: skip
    assert [place for place, _ in places] == ["here", on_server, in_checkout]


@pytest.mark.parametrize(
    ("state", "start"),
    [
        ("running", []),
        ("restarting", []),
        ("exited", [("here", "docker start shop-web-1")]),
        ("created", [("here", "docker start shop-web-1")]),
        ("paused", [("here", "docker unpause shop-web-1")]),
    ],
)
def test_the_first_hint_starts_a_container_that_is_down(
    state: str, start: list[tuple[str, str]]
) -> None:
    found = _complete(curl("-sv", "http://shop"), log_of("web"), listed=_listed(state))
    assert found == [*start, ("here", "curl -sv http://shop"), ("here", LOG)]


def test_a_missing_container_is_created_first() -> None:
    found = _complete(curl("-sv", "http://shop"), in_container("web", "nginx -t"), listed={})
    assert found == [("in the checkout", UP), ("here", "curl -sv http://shop")]


@pytest.mark.parametrize("job", [{"one_shot": True}, {"one_shot": "kept"}, {"may_end": True}])
def test_a_job_is_not_started_again(job: Mapping[str, Any]) -> None:
    environment = _environment(services={"web": job})
    found = _complete(log_of("web"), environment=environment, listed=_listed("exited"))
    assert found == [("here", LOG)]


def test_of_an_unobserved_container_compose_finds_the_name() -> None:
    assert _complete(log_of("web"), in_container("web", "nginx -t")) == [
        ("in the checkout", "docker compose -p shop logs --tail 50 web"),
        ("in the checkout", "docker compose -p shop exec -T web nginx -t"),
    ]


def test_the_instance_of_the_check() -> None:
    environment = _environment(services={"web": {"instances": 2}})
    listed = {
        f"shop-web-{number}": ListedContainer(
            id=f"{number}", state="running", project="shop", service="web", number=number,
            networks=(),
        )
        for number in (1, 2)
    }  # fmt: skip
    found = _complete(log_of("web#2"), environment=environment, listed=listed)
    assert found == [("here", "docker logs --tail 50 shop-web-2")]


def test_each_hint_is_given_once() -> None:
    assert _complete(log_of("web"), log_of("web"), listed=_listed("running")) == [("here", LOG)]


@pytest.mark.parametrize(
    ("changes", "project", "command"),
    [
        ({}, "shop", "docker compose -p shop up -d web"),
        ({"compose_file": "deploy/compose.yaml"}, "shop",
         "docker compose -f deploy/compose.yaml -p shop up -d web"),
        # The project that its containers are of.
        ({"compose_project": ""}, "other", "docker compose -p other up -d web"),
        ({"compose_project": ""}, "-x; touch gone", "docker compose up -d web"),
    ],
)  # fmt: skip
def test_options_of_compose(changes: Mapping[str, Any], project: str, command: str) -> None:
    found = _complete(
        compose("up -d {}", "web"),
        environment=_environment(**changes), listed=_listed("running", project),
    )  # fmt: skip
    assert found == [("in the checkout", command)]


@pytest.fixture
def with_compose_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment whose specification are Compose files, with all that can be declared."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b.yaml").write_text("services: {web: {image: web, profiles: [all]}}")
    (tmp_path / "prod.env").write_text("TAG=1\n")
    declared = {
        "files": "a b.yaml",
        "project": "shop",
        "env_files": "prod.env",
        "profiles": ["all"],
    }
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "shop.yaml").write_text(yaml.safe_dump({"compose": declared}))
    return load("shop", folder)


@pytest.mark.parametrize(
    ("has_default", "options"),
    [(False, "--env-file=lab.env"), (True, "--env-file=.env --env-file=lab.env")],
)
def test_variables_that_the_environment_supplies_to_compose(
    has_default: bool, options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them, Compose would recreate containers with empty values."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'web:$TAG'}}")
    (tmp_path / "lab.env").write_text("TAG=1\n")
    if has_default:
        (tmp_path / ".env").write_text("OTHER=1\n")
    declared = {"env_file": "lab.env", "compose": {"project": "shop"}}
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(declared))
    found = _complete(up("web"), environment=load("shop", tmp_path))
    assert found == [("here", f"docker compose -f compose.yaml -p shop {options} up -d web")]


@pytest.mark.parametrize(
    ("engine", "program"), [(LOCAL, "'/opt/a b/docker-compose'"), (REMOTE, "docker compose")]
)
def test_the_compose_that_was_found_here(
    engine: str, program: str, with_compose_files: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker has no plugin here; what the engine's machine has is unknown."""
    monkeypatch.setattr(command, "to_type", lambda: ("/opt/a b/docker-compose",))
    ((_, text),) = _complete(up("web"), environment=with_compose_files, engine=engine)
    assert text.startswith(f"{program} -f 'a b.yaml' ")


def test_compose_is_not_searched_for_without_compose_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "to_type", pytest.fail)
    assert _complete(up("web")) == [("in the checkout", UP)]


COMPOSE = "docker compose -f 'a b.yaml' -p shop --env-file=prod.env --profile=all"


@pytest.mark.parametrize(
    ("engine", "place"), [(LOCAL, "here"), (REMOTE, "in the checkout on shop.example")]
)
def test_declared_compose_files(engine: str, place: str, with_compose_files: Environment) -> None:
    """They are the specification: there is nothing to fix in them."""
    hints = recreate("volumes", "web")
    found = _complete(*hints, environment=with_compose_files, engine=engine)
    assert found == [(place, f"{COMPOSE} up -d web")]


BESIDE = ("", "web is not in the compose file: add it there, or create its container by hand")


@pytest.mark.parametrize(
    ("hint", "listed", "expected"),
    [
        (up("web"), _listed("exited"), [BESIDE]),
        (log_of("web"), _listed("running"), [("here", LOG)]),
        (log_of("web"), {}, [BESIDE]),
        (log_of("web"), None, [BESIDE]),
        (in_container("web", "nginx -t"), {}, [BESIDE]),
    ],
    ids=["up", "log", "log of a missing one", "log of an unknown one", "command"],
)
def test_a_service_beside_the_compose_files(
    hint: Hint, listed: Mapping[str, ListedContainer] | None, expected: list[tuple[str, str]]
) -> None:
    """Compose knows nothing of it."""
    environment = _environment()
    origin = replace(environment.origin, beside_compose_files=frozenset({"web"}))
    beside = environment.from_origin(origin)
    assert _complete(hint, environment=beside, listed=listed) == expected


def test_services_beside_the_compose_files_are_noted(with_compose_files: Environment) -> None:
    folder = with_compose_files.origin.directory
    declared = yaml.safe_load((folder / "shop.yaml").read_text())
    (folder / "shop.yaml").write_text(yaml.safe_dump({**declared, "services": {"cron": {}}}))
    assert load("shop", folder).origin.beside_compose_files == {"cron"}


@pytest.mark.parametrize(("instances", "scale"), [(1, ""), (3, "--scale web=3 ")])
def test_no_declared_instance_is_removed(instances: int, scale: str) -> None:
    """Compose would remove those that the file leaves out."""
    environment = _environment(services={"web": {"instances": instances}})
    found = _complete(up("web"), up("web", "--no-deps"), environment=environment)
    assert [text for _, text in found] == [
        f"docker compose -p shop up -d {scale}web",
        f"docker compose -p shop up -d {scale}--no-deps web",
    ]


def test_compose_files_that_are_not_the_specification() -> None:
    found = _complete(compose_key("volumes", "web"))
    assert found == [("", "fix volumes of web in the compose file")]


REDIRECTED: Mapping[str, Any] = {
    "resolve": {"*:443": "127.0.0.1:8443", "six:80": "[::2]:80", "far:80": "10.0.0.7:80"},
    "ca_file": "/etc/the ca.crt",
}


@pytest.mark.parametrize(
    ("hint", "command"),
    [
        (
            curl("-sv", "https://shop.example/a"),
            "curl --connect-to shop.example:443:127.0.0.1:8443 --cacert '/etc/the ca.crt' "
            "-sv https://shop.example/a",
        ),
        (curl("-sv", "http://six/"), "curl --connect-to 'six:80:[::2]:80' -sv http://six/"),
        (curl("-sv", "http://shop.example/"), "curl -sv http://shop.example/"),
        (curl("-sv", "http://shop/a[1]"), "curl --globoff -sv 'http://shop/a[1]'"),
        (curl("-sv", "http://shop/?a={1}"), "curl --globoff -sv 'http://shop/?a={1}'"),
        (curl("-sv", "http://far/"), "curl --connect-to far:80:10.0.0.7:80 -sv http://far/"),
        # From the server, only what leads to the server itself is redirected.
        (curl("-sv", "http://far/", place=SERVER), "curl -sv http://far/"),
        (
            tls_client("shop.example", 443, "-showcerts", "openssl x509 -noout"),
            "openssl s_client -CAfile '/etc/the ca.crt' -connect 127.0.0.1:8443 "
            "-servername shop.example -showcerts </dev/null | openssl x509 -noout",
        ),
    ],
)
def test_requests_go_where_the_checks_went(hint: Hint, command: str) -> None:
    found = _complete(hint, environment=_environment(**REDIRECTED))
    assert found == [("here", command)]


def test_a_command_that_a_report_would_cut_is_left_out() -> None:
    names = [f"{number:0199}" for number in range(4)]
    long = server("docker inspect {} {}", names, names)
    assert _complete(long) == [("", NOT_SAFE)]


def test_a_container_with_a_hostile_name_is_left_out() -> None:
    listed = {"shop\nweb; touch gone": _listed("running")["shop-web-1"]}
    found = _complete(log_of("web"), in_container("web", "nginx -t"), listed=listed)
    assert found == [("", NOT_SAFE)]


def test_where_two_projects_have_the_service_compose_finds_the_container() -> None:
    both = {**_listed("running", "old"), **_listed("running", "new")}
    found = _complete(log_of("web"), environment=_environment(compose_project=""), listed=both)
    assert found == [("in the checkout", "docker compose logs --tail 50 web")]


def test_a_removed_job_is_not_run_again() -> None:
    environment = _environment(services={"web": {"one_shot": True}})
    found = _complete(log_of("web"), environment=environment, listed={})
    assert found == [("in the checkout", "docker compose -p shop logs --tail 50 web")]


def test_the_files_that_a_gate_verifies(tmp_path: Path) -> None:
    first, second = tmp_path / "compose.yaml", tmp_path / "scaled.yaml"
    gate = Gate(
        "pre", compose_files=(first, second), project_directory=tmp_path,
        compose_env_files=(tmp_path / "prod.env",), compose_profiles=("all",),
    )  # fmt: skip
    (found,) = Run(_environment(), REMOTE, None, gate).complete((compose_here("config --quiet"),))
    assert (found.place, found.text) == (
        "here",
        f"docker compose -f {first} -f {second} --env-file={tmp_path}/prod.env --profile=all "
        f"--project-directory={tmp_path} config --quiet",
    )
