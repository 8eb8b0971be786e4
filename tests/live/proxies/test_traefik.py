"""Traefik with the engine's labels: routers of this project fail, those of others are warnings."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import stack
from lab.engine import traefik
from lab.engine.compose import command
from lab.engine.daemon import docker
from lab.process import run
from lab.shapes import PROXIES
from tests import in_process
from tests.command_line import Ran

pytestmark = pytest.mark.live

PROJECT, OTHER_PROJECT = "stackproof-traefik", "stackproof-traefik-2"
ADDRESS = "172.29.3.82"
SITE = "traefik.http.routers.{}.rule"
EDGE: dict[str, Any] = {
    "image": "stackproof-lab/traefik:1",
    "command": [
        "traefik", "--api.insecure=true", "--entrypoints.web.address=:80",
        "--providers.docker.exposedbydefault=false",
    ],
    "volumes": [
        f"{traefik.PROGRAM}:/usr/local/bin/traefik:ro",
        "/var/run/docker.sock:/var/run/docker.sock:ro",
    ],
    "networks": {"default": {"ipv4_address": ADDRESS}},
}  # fmt: skip
ENVIRONMENT: dict[str, Any] = {
    "compose_project": PROJECT,
    "services": {"edge": {"ports": [80]}, "shop": {"ports": [8000]}},
    "proxies": {"traefik": {"edge": {}}},
    "resolve": {"shop.test:80": f"{ADDRESS}:80"},
    "routes": {"home": {"url": "http://shop.test/", "service": "shop"}},
}


def _site(name: str, **labels: str) -> dict[str, Any]:
    port = f"traefik.http.services.{name}.loadbalancer.server.port"
    enabled = {"traefik.enable": "true", port: "8000"}
    return {"image": "stackproof-lab/shop:1", "labels": {**enabled, **labels}}


@pytest.fixture
def verify(tmp_path: Path) -> Iterator[Callable[..., Ran]]:
    """Starts a Traefik, the service of this project and one of another, and verifies this one."""
    stack.up(PROXIES)  # for its images
    started: list[tuple[str, ...]] = []

    def start(project: str, subnet: str, **services: Any) -> None:
        file = tmp_path / f"{project}.yaml"
        networks = {"default": {"ipam": {"config": [{"subnet": subnet}]}}}
        file.write_text(yaml.safe_dump({"services": services, "networks": networks}))
        compose = (*command(), f"--project-name={project}", f"--file={file}")
        started.append(compose)
        run(*compose, "up", "--detach", deadline=60)

    def check(shop: dict[str, str], other: dict[str, str], until: str) -> Ran:
        start(OTHER_PROJECT, "172.29.4.0/24", other=_site("other", **other))
        start(PROJECT, "172.29.3.0/24", edge=EDGE, shop=_site("shop", **shop))
        asked = f"curl -s http://127.0.0.1:8080/api/http/routers | grep -q '{until}'"
        script = f"until {asked}; do sleep 0.1; done"
        docker("exec", f"{PROJECT}-edge-1", "timeout", "20", "bash", "-c", script)
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump(ENVIRONMENT))
        folder = f"--environments={tmp_path}"
        return in_process.run(tmp_path / "out", "-m", "shop and (traefik or routes)", folder)

    yield check
    for compose in started:
        run(*compose, "down", "--timeout=0", deadline=60)
    stack.take_down(PROXIES)


def test_a_router_that_is_disabled(verify: Callable[..., Ran]) -> None:
    rule = {SITE.format("Shop"): "Host(`shop.test`)"}
    gone = {"traefik.http.routers.other.middlewares": "gone"}
    other = {SITE.format("other"): "Host(`other.test`)", **gone}
    ran = verify(rule, other, "shop.test.*gone@docker.*does")
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output
    warned = 'http router other@docker disabled: middleware "gone@docker" does not exist'
    assert warned in " ".join(ran.output.split())
    ran = verify({SITE.format("Shop"): "Hst(`shop.test`)"}, other, "unsupported")
    assert ran.results("shop")["traefik.configuration[edge]"] == (
        "FAIL",
        "edge configuration: expected every router, service and middleware to be enabled, observed "
        "http router Shop@docker disabled: error while parsing rule Hst(`shop.test`): parsing rule "
        "Hst(`shop.test`): unsupported function: Hst",
    )
