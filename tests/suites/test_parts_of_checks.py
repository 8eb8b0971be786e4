"""The parts of checks that decide by themselves."""

from typing import Any

import pytest

from environments.model import Environment
from fixtures.creation import Mount
from fixtures.images import in_full
from suites.test_configuration import _gives_engine_away
from suites.test_identity import _is_of


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("nginx", "nginx:latest"),
        ("docker.io/library/nginx:1.27", "nginx:1.27"),
        ("ghcr.io:443/a/b", "ghcr.io:443/a/b:latest"),
        ("a/b@sha256:00ff", "a/b@sha256:00ff"),
    ],
)
def test_name_of_an_image(short: str, full: str) -> None:
    assert in_full(short) == full


@pytest.mark.parametrize(
    ("checkout", "path", "is_of"),
    [
        ("/opt/app", "/opt/app/docker/compose.yml", True),
        ("/opt/app/", "/opt/app/docker/compose.yml", True),
        ("/opt/app", "/home/me/app/docker/compose.yml", False),
        ("", "/home/me/app/docker/compose.yml", True),
        ("", "/home/me/app/notdocker/compose.yml", False),
    ],
)
def test_file_of_the_checkout(checkout: str, path: str, is_of: bool) -> None:
    declared: dict[str, Any] = {"services": {"api": {}}, "compose_file": "docker/compose.yml"}
    environment = Environment(name="e", checkout=checkout, **declared)
    assert _is_of(environment, path, environment.compose_file) is is_of


@pytest.mark.parametrize(
    ("source", "away"),
    [
        ("/var/run/docker.sock", True),
        ("/run/user/1000/docker.sock", True),
        ("/var/run", True),
        ("/", True),
        ("/var/lib/app", False),
        ("/var/run/app", False),
    ],
)
def test_engine_socket(source: str, away: bool) -> None:
    assert _gives_engine_away(Mount(kind="bind", source=source, target="/x")) is away
