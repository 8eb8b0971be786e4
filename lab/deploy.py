"""A deploy of the lab as its operator does one, and the steps of it, to leave some of them out."""

import json
import os
from collections.abc import Mapping

from lab import OUT, address, images, nginx_config
from lab.compose import compose
from lab.engine import docker
from lab.process import run
from lab.shapes import PRODUCTION

PROXY = "nginx"
NO_FIXED_NAME = "services: {{{service}: {{container_name: !reset null}}}}"
"""Compose refuses to scale a service whose container has one."""
OVERRIDE = OUT / "release" / "override.yaml"
_RELEASE = OVERRIDE.parent
_PROJECT = f"label=com.docker.compose.project={PRODUCTION.project}"
_HEALTHY_SECONDS = 60


def build(service: str, release: str, *instructions: str) -> str:
    """Build a new image under the service's tag, as a registry would bring it; return its id.

    Args:
        service: whose image it is.
        release: what tells it from every other.
        instructions: further lines of its Dockerfile.
    """
    _RELEASE.mkdir(parents=True, exist_ok=True)
    lines = [f"FROM {_first()[images.tag(service)]}", f"LABEL release={release}", *instructions]
    (_RELEASE / "Dockerfile").write_text("\n".join(lines) + "\n")
    # The legacy builder asks no registry for an image that it has.
    run(
        "docker", "build", "--quiet", f"--tag={images.tag(service)}", str(_RELEASE),
        deadline=60, environment={**os.environ, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
    return docker("image", "inspect", "--format={{.Id}}", images.tag(service)).strip()


def recreate(*services: str, override: str = "", wait: bool = True) -> None:
    """Make containers of services anew, and nothing else; await their health.

    Args:
        services: which.
        override: a second compose file that is laid over the first, as text.
        wait: whether to await that they are healthy.
    """
    arguments = ["up", "--detach", "--no-deps", "--force-recreate", *services]
    if wait:
        arguments[1:1] = ["--wait", f"--wait-timeout={_HEALTHY_SECONDS}"]
    _compose(*arguments, override=override)


def scale(service: str, number: int, override: str) -> None:
    """Have so many instances of a service, and leave those that are there already."""
    _compose(
        "up", "--detach", "--no-deps", "--no-recreate", "--wait",
        f"--wait-timeout={_HEALTHY_SECONDS}", f"--scale={service}={number}", service,
        override=override,
    )  # fmt: skip


def deploy(services: tuple[str, ...], release: str) -> None:
    """Bring new images of services into service, one after the other, and reload nginx last."""
    for service in services:
        if service != PROXY:
            build(service, release)
            recreate(service)
    if PROXY in services:
        nginx_config.reload()


def blue_green(service: str, release: str) -> None:
    """Bring a new image into service beside the old one, and take that away once it is healthy.

    nginx knows both while there are two, and is reloaded last. No request is lost: what a worker
    of before has accepted, it sends to the old container alone, so that goes after those workers.
    """
    build(service, release)
    label = f"label=com.docker.compose.service={service}"
    old = docker("ps", "--quiet", "--no-trunc", f"--filter={_PROJECT}", f"--filter={label}").split()
    scale(service, len(old) + 1, NO_FIXED_NAME.format(service=service))
    nginx_config.reload()
    nginx_config.await_old_workers()
    docker("stop", *old)
    docker("rm", *old)
    nginx_config.reload()


def restore() -> None:
    """Have every tag lead to the image that the lab was built with."""
    for tag, image in _first().items():
        docker("tag", image, tag)


def _first() -> Mapping[str, str]:
    """The images that the lab was built with, by tag."""
    built: dict[str, dict[str, str]] = json.loads((OUT / "images.json").read_text())
    return built["images"]


def _compose(*arguments: str, override: str) -> None:
    variables = address.variables(PRODUCTION)
    if not override:
        compose(PRODUCTION, *arguments, variables=variables)
        return
    _RELEASE.mkdir(parents=True, exist_ok=True)
    OVERRIDE.write_text(override)
    compose(PRODUCTION, f"--file={OVERRIDE}", *arguments, variables=variables)
