"""A deploy of the lab as an operator does it, and its single steps."""

import json
import os
from collections.abc import Mapping

from lab import OUT, address, nginx_config
from lab.engine import images
from lab.engine.compose import compose
from lab.engine.daemon import docker
from lab.process import run
from lab.shapes import PRODUCTION

PROXY = "nginx"
NO_FIXED_NAME = "services: {{{service}: {{container_name: !reset null}}}}"
"""Compose refuses to scale a service whose container has a fixed name."""
OVERRIDE = OUT / "release" / "override.yaml"
_RELEASE = OVERRIDE.parent
_PROJECT = f"label=com.docker.compose.project={PRODUCTION.project}"
_HEALTHY_SECONDS = 60


def build(service: str, release: str, *instructions: str) -> str:
    """Build a new image under the service's tag, as a pull would; return its ID.

    Args:
        service: the service that uses the image.
        release: a label that makes the image unique.
        instructions: more lines for its Dockerfile.
    """
    _RELEASE.mkdir(parents=True, exist_ok=True)
    lines = [f"FROM {_first()[images.tag(service)]}", f"LABEL release={release}", *instructions]
    (_RELEASE / "Dockerfile").write_text("\n".join(lines) + "\n")
    # The legacy builder does not ask a registry for a local image.
    run(
        "docker", "build", "--quiet", f"--tag={images.tag(service)}", str(_RELEASE),
        deadline=60, environment={**os.environ, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
    return docker("image", "inspect", "--format={{.Id}}", images.tag(service)).strip()


def recreate(*services: str, override: str = "", wait: bool = True) -> None:
    """Recreate the containers of services, and no others; wait until they are healthy.

    Args:
        services: their names.
        override: the text of a second compose file that overrides the first.
        wait: whether to wait until they are healthy.
    """
    arguments = ["up", "--detach", "--no-deps", "--force-recreate", *services]
    if wait:
        arguments[1:1] = ["--wait", f"--wait-timeout={_HEALTHY_SECONDS}"]
    _compose(*arguments, override=override)


def scale(service: str, number: int, override: str) -> None:
    """Scale a service to a number of instances; keep the existing ones."""
    _compose(
        "up", "--detach", "--no-deps", "--no-recreate", "--wait",
        f"--wait-timeout={_HEALTHY_SECONDS}", f"--scale={service}={number}", service,
        override=override,
    )  # fmt: skip


def deploy(services: tuple[str, ...], release: str) -> None:
    """Build and start new images of services, one after the other; reload nginx last."""
    for service in services:
        if service != PROXY:
            build(service, release)
            recreate(service)
    if PROXY in services:
        nginx_config.reload()


def blue_green(service: str, release: str) -> None:
    """Start a container with a new image next to the old one, and remove that once it is healthy.

    nginx balances between the two meanwhile, and is reloaded last. No request is lost: the previous
    workers send requests only to the old container, so it is removed after those workers ended.
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
    """Reset every tag to the image that the lab was built with."""
    for tag, image in _first().items():
        docker("tag", image, tag)


def _first() -> Mapping[str, str]:
    """Return the images that the lab was built with, by tag."""
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
