"""Replicas, orphans and services without declared names, in a Compose project of a real engine."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.engine.compose import command
from lab.engine.daemon import docker
from lab.process import run
from tests import in_process
from tests.command_line import Ran

pytestmark = pytest.mark.live

PROJECT = "stackproof-replicas"
OTHER_PROJECT = "stackproof-replicas-2"
IMAGE = "stackproof-lab/nginx:1"  # has nginx and Python
ASK = "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/')"
SITE = """\
events {}
http { server { listen 80; server_name pages.test; location / { proxy_pass http://pages:8000; } } }
"""
STACK: dict[str, Any] = {
    "services": {
        "pages": {
            "image": IMAGE,
            "command": ["python3", "-m", "http.server", "8000"],
            "init": True,
            "deploy": {"replicas": 2},
            "healthcheck": {
                "test": ["CMD", "python3", "-c", ASK], "interval": "1s", "start_period": "20s"
            },
        },
        "front": {
            "image": IMAGE,
            "init": True,
            "depends_on": ["pages"],
            "configs": [{"source": "site", "target": "/etc/nginx/nginx.conf"}],
        },
    },
    "configs": {"site": {"content": SITE}},
}  # fmt: skip
PAGES = {"instances": 2, "ports": [8000], "healthcheck": "required", "health": {"path": "/"}}
DECLARED: dict[str, Any] = {
    "compose_project": PROJECT,
    "services": {"pages": PAGES, "front": {"ports": [80]}},
    "nginx": {"service": "front"},
}
UNNAMED = {"services": {"pages": {"instances": 2}, "front": {}}}

Compose = Callable[..., str]
Verify = Callable[..., Ran]


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """Compose, for a project as specified, and for another one with the same file."""
    file = tmp_path_factory.mktemp("project") / "compose.yaml"
    file.write_text(yaml.safe_dump(STACK), encoding="utf-8")

    def call(*arguments: str, project: str = PROJECT) -> str:
        return run(
            *command(), f"--project-name={project}", f"--file={file}", *arguments, deadline=120
        )

    try:
        yield call
    finally:
        for project in (PROJECT, OTHER_PROJECT):
            call("down", "--timeout=0", "--remove-orphans", project=project)


@pytest.fixture
def verify(compose: Compose, tmp_path: Path) -> Verify:
    """Verifies the project, which is as specified at first."""
    compose("up", "--detach", "--wait", "--remove-orphans")
    reload()

    def check(declared: dict[str, Any], *options: str) -> Ran:
        (front,) = _containers("front")
        address = docker("inspect", f"--format={_ADDRESS}", front).strip()
        folder = tmp_path / "environments"
        folder.mkdir(exist_ok=True)
        route = {"url": "http://pages.test/", "service": "pages"}
        resolve = {"pages.test:80": f"{address}:80"}
        routed = {"routes": {"home": route}, "resolve": resolve} if "nginx" in declared else {}
        (folder / "shop.yaml").write_text(yaml.safe_dump({**declared, **routed}))
        return in_process.run(tmp_path / "out", "-m", "shop", f"--environments={folder}", *options)

    return check


_ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"


def _containers(service: str, project: str = PROJECT) -> list[str]:
    """Return the names of the containers of a service, in the order of their numbers."""
    labels = {"project": project, "service": service, "oneoff": "False"}
    filters = [f"--filter=label=com.docker.compose.{key}={labels[key]}" for key in labels]
    return sorted(docker("ps", "--all", *filters, "--format={{.Names}}").split())


def reload() -> None:
    """Have nginx resolve the names of its upstreams again."""
    for front in _containers("front"):
        docker("exec", front, "nginx", "-s", "reload")


def _red(ran: Ran) -> dict[str, str]:
    return {
        check: line for check, (outcome, line) in ran.results("shop").items() if outcome == "FAIL"
    }


def test_each_replica_is_verified(verify: Verify) -> None:
    ran = verify(DECLARED)
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output
    checks = {each["id"] for each in ran.verdict("shop")["checks"]}
    for number in (1, 2):
        assert {f"containers.healthy[pages#{number}]", f"health.answers[pages#{number}]"} <= checks
    assert {"identity.instances[pages]", "nginx.resolves[pages]"} <= checks


def test_a_deploy_of_a_replicated_service(verify: Verify, compose: Compose) -> None:
    services = "--services=pages,front"
    verify(DECLARED, "--gate=pre", services)
    compose("up", "--detach", "--wait", "--no-deps", "--force-recreate", "pages")
    reload()
    ran = verify(DECLARED, "--gate=post", services, "--wait=30")
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output


def test_a_deploy_that_replaces_one_of_two(verify: Verify, compose: Compose) -> None:
    services = "--services=pages,front"
    verify(DECLARED, "--gate=pre", services)
    docker("rm", "--force", _containers("pages")[1])
    compose("up", "--detach", "--wait", "--no-deps", "--no-recreate", "pages")
    reload()
    ran = verify(DECLARED, "--gate=post", services, "--wait=30")
    (line,) = _red(ran).values()
    assert line.startswith("pages#1 container: expected one created by the deploy, observed the ")


def test_a_replica_that_was_killed(verify: Verify) -> None:
    docker("kill", _containers("pages")[1])
    ran = verify(DECLARED)
    line = "pages#2 running: expected running, observed exited with code 137"
    assert _red(ran)["containers.running[pages#2]"] == line
    assert not [check for check in _red(ran) if "pages#1" in check]


def test_a_replica_that_is_missing(verify: Verify) -> None:
    docker("rm", "--force", _containers("pages")[0])
    reload()
    red = _red(verify(DECLARED))
    assert red["identity.instances[pages]"] == "pages instances: expected 2, observed 1"
    assert red["containers.exists[pages#1]"] == (
        f"pages#1 exists: expected a container of service pages in project {PROJECT} "
        "(instance 1 of 2), observed none"
    )
    assert not [check for check in red if "pages#2" in check]


def test_a_surplus_replica(verify: Verify, compose: Compose) -> None:
    compose("up", "--detach", "--wait", "--no-deps", "--no-recreate", "--scale=pages=3", "pages")
    reload()
    ran = verify(DECLARED)
    third = _containers("pages")[2]
    assert _red(ran) == {"identity.instances[pages]": "pages instances: expected 2, observed 3"}
    (found,) = (each for each in ran.verdict("shop")["checks"] if each["outcome"] == "FAIL")
    assert found["hint"] == f"docker inspect {third}"


def test_an_orphan(verify: Verify, compose: Compose) -> None:
    """A container of one command is none."""
    compose("run", "--detach", "--no-deps", "pages", "sleep", "60")
    assert verify(DECLARED).exit_code == 0
    docker(
        "run", "--detach", "--network=none", "--name=stackproof-orphan",
        f"--label=com.docker.compose.project={PROJECT}", "--label=com.docker.compose.service=old",
        IMAGE, "sleep", "60",
    )  # fmt: skip
    line = "shop undeclared containers: expected none, observed stackproof-orphan"
    try:
        assert _red(verify(DECLARED)) == {"identity.undeclared[shop]": line}
        ran = verify({**DECLARED, "inactive_services": ["old"]})
        listed = "shop containers of inactive profiles: expected none, observed stackproof-orphan"
        assert (ran.exit_code, listed in " ".join(ran.output.split())) == (0, True)
    finally:
        docker("rm", "--force", "stackproof-orphan")


def test_neither_names_nor_a_project(verify: Verify, compose: Compose) -> None:
    ran = verify(UNNAMED)
    assert ran.exit_code == 0, ran.output
    assert ran.verdict("shop")["warnings"] == [
        f"compose_project is not declared: the containers are those of {PROJECT}, "
        "the only project of the engine with all of the services"
    ]
    compose("up", "--detach", "--no-deps", "front", "pages", project=OTHER_PROJECT)
    ran = verify(UNNAMED)
    assert ran.exit_code == 6, ran.output
    projects = ", ".join(sorted((PROJECT, OTHER_PROJECT)))
    reason = f"the engine has several projects with these services ({projects}): declare compose"
    assert {reason in line for _, line in ran.results("shop").values()} == {True}
