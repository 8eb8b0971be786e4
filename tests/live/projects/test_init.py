"""`stackproof init`, and `stackproof check` without an environment, with a project that runs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import stack
from stackproof.environment.compose import command
from tests.command_line import Ran, clean_environment

pytestmark = pytest.mark.live

NAME = "stackproof-init-test"
COMPOSE = f"""\
name: {NAME}
services:
  proxy:
    image: stackproof-lab/nginx:1
    restart: always
    ports: ["127.0.0.1:18091:80"]
    volumes: ["./site.conf:/etc/nginx/conf.d/site.conf:ro"]
    depends_on: {{web: {{condition: service_healthy}}}}
  web:
    image: stackproof-lab/web:1
    restart: always
    healthcheck: {{test: "curl -fsS http://127.0.0.1:3000/health || exit 1", interval: 1s}}
    depends_on: {{prepare: {{condition: service_completed_successfully}}}}
  cache: {{image: "stackproof-lab/redis:1", restart: always}}
  prepare: {{image: "stackproof-lab/base:1", command: ["true"]}}
"""
SITE = "server { listen 80; server_name site.example; location / { proxy_pass http://web:3000; } }"
SECONDS = 120


def _stackproof(folder: Path, *arguments: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "stackproof", *arguments], cwd=folder, text=True,
        capture_output=True, check=False, timeout=SECONDS, env=_variables(),
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr, folder / "reports" / "out", False)


def _variables() -> dict[str, str]:
    engine = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    return clean_environment(engine)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of a project that runs."""
    stack.up()  # it builds the images
    folder = tmp_path_factory.mktemp("project")
    (folder / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    (folder / "site.conf").write_text(SITE, encoding="utf-8")
    compose = [*command.find(), f"--file={folder / 'compose.yaml'}"]
    try:
        subprocess.run([*compose, "up", "--detach", "--wait"], check=False, timeout=SECONDS)
        yield folder
    finally:
        subprocess.run([*compose, "down", "--volumes"], check=True, timeout=SECONDS)


def test_check_without_an_environment(project: Path) -> None:
    done = _stackproof(project, "check")
    assert done.exit_code == 0, done.output + done.errors
    assert done.errors.startswith(f"stackproof: verifying project {NAME} against compose.yaml; ")
    assert done.verdict(NAME)["verdict"] == "go"
    assert not (project / "environments").exists()


def test_the_first_verdict(project: Path, tmp_path: Path) -> None:
    """In another directory: the files are those that the project was started from."""
    first = _stackproof(tmp_path, "init", "--from-running", str(project / "compose.yaml"))
    assert first.exit_code == 0, first.output + first.errors
    text = (tmp_path / "environments" / f"{NAME}.yaml").read_text(encoding="utf-8")
    assert "web: {health: {path: /health, port: 3000}}" in text
    assert "web: {url: 'http://site.example:18091', service: web}" in text
    assert "cache: {}" in text
    assert "nginx: {service: proxy" in text, text
    assert "one_shot" not in text, "the loader reads it from the Compose file"
    done = _stackproof(tmp_path, "check")
    assert done.exit_code == 0, done.output + done.errors
    checks = {each["id"] for each in done.verdict(NAME)["checks"]}
    assert {"nginx.routed[web]", "datastores.ping[cache]", "routes.status[web]"} <= checks


def test_what_differs_is_listed_and_not_taken_over(project: Path, tmp_path: Path) -> None:
    _engine("update", "--restart=no", f"{NAME}-cache-1")
    try:
        done = _stackproof(tmp_path, "init", str(project / "compose.yaml"))
    finally:
        _engine("update", "--restart=always", f"{NAME}-cache-1")
    assert "differs from the Compose files:" in done.output
    assert "✗ cache restart policy: expected always, observed no" in done.output
    assert "restart" not in (tmp_path / "environments" / f"{NAME}.yaml").read_text("utf-8")


def _engine(*arguments: str) -> None:
    line = ["docker", *arguments]
    subprocess.run(line, check=True, capture_output=True, timeout=SECONDS)
