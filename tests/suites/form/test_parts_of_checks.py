"""The parts of checks that decide by themselves."""

from contextlib import nullcontext
from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.container import Mount
from stackproof.facts.image import full_name
from stackproof.facts.root_access import exposes_engine
from stackproof.suites.services.test_configuration import _mounts_of_code
from stackproof.suites.services.test_identity import _is_of
from stackproof.suites.services.test_identity import test_origin as check_origin
from tests import shop


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("nginx", "nginx:latest"),
        ("docker.io/library/nginx:1.27", "nginx:1.27"),
        ("ghcr.io:443/a/b", "ghcr.io:443/a/b:latest"),
        ("a/b@sha256:00ff", "a/b@sha256:00ff"),
        ("a/b:1@sha256:00ff", "a/b@sha256:00ff"),
        ("localhost:5000/a/b@sha256:00ff", "localhost:5000/a/b@sha256:00ff"),
        # As Podman names what has no registry.
        ("localhost/stackproof-lab/nginx:1", "stackproof-lab/nginx:1"),
        ("localhost/nginx", "nginx:latest"),
        ("localhost:5000/nginx:1", "localhost:5000/nginx:1"),
        ("docker.io/grafana/grafana:10", "grafana/grafana:10"),
        ("docker.io/library/redis", "redis:latest"),
        ("index.docker.io/library/redis:7", "redis:7"),
        ("library/redis:7", "redis:7"),
        ("quay.io/library/redis:7", "quay.io/library/redis:7"),
        ("ghcr.io/localhost/redis:7", "ghcr.io/localhost/redis:7"),
    ],
)
def test_name_of_an_image(short: str, full: str) -> None:
    assert full_name(short) == full


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
    ("files", "project", "is_declared"),
    [
        (("/opt/app/compose.yml",), "shop", True),
        (("/opt/app/compose.yml", "/opt/app/more.yml"), "shop", True),
        (("/opt/app/compose.yml", "/opt/app/other.yml"), "shop", False),
        (("/opt/app/more.yml",), "shop", False),
        (("/opt/app/compose.yml",), "store", False),
        ((), "shop", False),
        ((), "", False),
    ],
)
def test_origin_of_a_container(files: tuple[str, ...], project: str, is_declared: bool) -> None:
    declared: dict[str, Any] = {
        "services": {"api": {}},
        "checkout": "/opt/app",
        "compose_file": "compose.yml",
        "compose_overrides": ["more.yml"],
        "compose_project": "shop",
    }
    environment = Environment(name="e", **declared)
    created = shop.created(compose_files=files, compose_project=project)
    container = shop.container(creation=created)
    refused = pytest.raises(AssertionError, match=r"api origin: expected ")
    with nullcontext() if is_declared else refused:
        check_origin(environment.services["api"], container, environment)


@pytest.mark.parametrize(
    ("source", "exposes"),
    [
        ("/var/run/docker.sock", True),
        ("/run/docker.sock", True),
        ("/run/containerd/containerd.sock", True),
        ("/run/containerd", True),
        ("/run/podman/podman.sock", True),
        ("/run/podman", True),
        ("/run/user", False),
        ("/var/run/containerd", True),
        ("/run/user/1000/docker.sock", True),
        ("/var/run", True),
        ("/", True),
        ("/var/lib/app", False),
        ("/var/run/app", False),
    ],
)
def test_engine_socket(source: str, exposes: bool) -> None:
    assert exposes_engine(source) is exposes


DECLARED = Environment.model_validate(
    {"name": "e", "services": {"api": {"host_mounts": ["/declared"]}}}
)


@pytest.mark.parametrize(
    ("target", "is_code"),
    [
        ("/etc", False), ("/etc/nginx/nginx.conf", False), ("/run/app", False), ("/tmp", False),  # noqa: S108
        ("/var/cache/app", False), ("/var/lib/app", False), ("/var/log/app", False),
        ("/var/run/app.sock", False), ("/declared", False), ("/declared/a", False),
        ("/app", True), ("/var/www", True), ("/etcetera", True), ("/declared-not", True),
        ("/var", True), ("/", True),
    ],
)  # fmt: skip
def test_mount_with_code(target: str, is_code: bool) -> None:
    mount = Mount(kind="bind", source="/opt/shop/x", target=target)
    container = shop.container(creation=shop.created(mounts=(mount,)))
    assert _mounts_of_code(DECLARED.services["api"], container) == ([mount] if is_code else [])


def test_volume_has_no_code() -> None:
    volume = Mount(kind="volume", source="/var/lib/docker/volumes/x", target="/app")
    container = shop.container(creation=shop.created(mounts=(volume,)))
    assert _mounts_of_code(DECLARED.services["api"], container) == []
