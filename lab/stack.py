"""The stack, in one shape or the other: brought up whole, taken down, and its parts replaced."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lab import (
    OUT,
    address,
    certificates,
    checkout,
    compose,
    containers,
    engine,
    images,
    machine,
    nginx_config,
    secret_files,
    shapes,
)
from lab.containers import Inspected
from lab.engine import docker
from lab.process import LabError, run, say
from lab.shapes import DEVELOPMENT, PRODUCTION, Shape

DEADLINE = 120
"""Seconds in which the whole stack must be healthy."""


def up(shape: Shape = PRODUCTION, *, heals: bool = False) -> None:
    """Have a whole and healthy stack of this shape, whatever there is now.

    What is well is left alone; the other shape is taken down, its images and secrets stay.

    Args:
        shape: which one.
        heals: only a fault is undone: Compose's own file is as it was when the stack came up, so
            that Compose has nothing to do where all containers are well.
    """
    machine.restore()
    OUT.mkdir(exist_ok=True)
    engine.ensure()
    containers.refuse_foreign(shape)
    present = containers.inspect(shape)
    published = containers.published(present | containers.inspect(shapes.other(shape)))
    address.refuse_taken(shape, published)
    images.ensure()
    if containers.is_up(shapes.other(shape)):
        say(f"taking {shapes.other(shape).title} down: one is up at a time")
        _take_down(shapes.other(shape))
    _remove_strays(shape)
    _remove(shape, containers.altered(present))
    _remove_stray_networks(shape)
    if shape is PRODUCTION:
        secret_files.ensure()
        certificates.ensure()
        address.choose(certificates.AUTHORITY, published).save()
        if not nginx_config.DIRECTORY.exists():
            # A container goes on seeing the directory that was deleted, not the one to be made.
            _remove(shape, ["nginx"])
        nginx_config.render()
    else:
        _remove(shape, containers.mounting(present, checkout.render()))
    if not (heals and containers.are_well(shape)):
        _start(shape)
    _settle(shape)


def down() -> None:
    """Remove the stack with its data, and stop the engine if the lab started it."""
    machine.restore()
    if not engine.answers():
        say("no Docker engine answers: there is nothing to take down")
        return
    for shape in shapes.ALL.values():
        _take_down(shape)
    engine.stop()


def _take_down(shape: Shape) -> None:
    _remove_strays(shape)
    if shape is DEVELOPMENT:
        # Compose cannot take down what it cannot read.
        checkout.render()
    compose.compose(shape, "down", "--volumes", "--remove-orphans", "--timeout=1")
    _remove_stray_networks(shape)


def _remove(shape: Shape, services: Sequence[str]) -> None:
    if services:
        docker("rm", "--force", "--volumes", *map(containers.name, services))
        volumes = (f"{shape.project}_{service}" for service in services)
        docker("volume", "rm", "--force", *volumes)


def _remove_strays(shape: Shape) -> None:
    if strays := containers.strays(shape):
        docker("rm", "--force", "--volumes", *strays)


def _remove_stray_networks(shape: Shape) -> None:
    if strays := containers.stray_networks(shape):
        docker("network", "rm", *strays)


def _start(shape: Shape) -> None:
    """Start what does not run, and wait until it is healthy."""
    try:
        compose.compose(
            shape, "up", "--detach", "--wait", f"--wait-timeout={DEADLINE}", "--remove-orphans",
            deadline=DEADLINE + 30, variables=address.variables(shape),
        )  # fmt: skip
    except LabError as error:
        raise LabError("\n".join((str(error), *_diagnosis(shape)))) from None


def _settle(shape: Shape) -> None:
    """Wait until all that runs answers, nginx knows it, and how it was made is on record."""
    present = containers.inspect(shape)
    for container in present.values():
        _await_listening(container)
    if shape is PRODUCTION and _nginx_is_behind(present):
        nginx_config.reload()
    containers.remember(present)


def _await_listening(container: Inspected) -> None:
    """Wait for the ports of a container that has no health check to wait for."""
    if "Health" in container["State"]:
        return
    for port in container["Config"]["ExposedPorts"]:
        number = port.partition("/")[0]
        attempt = f"until (: </dev/tcp/127.0.0.1/{number}) 2>/dev/null; do sleep 0.05; done"
        docker("exec", container["Id"], "timeout", "10", "bash", "-c", attempt)


def _nginx_is_behind(present: dict[str, Inspected]) -> bool:
    """Tell whether nginx runs with a configuration or with addresses of before."""
    started = {
        service: datetime.fromisoformat(container["State"]["StartedAt"]).timestamp()
        for service, container in present.items()
    }
    loaded = max(started["nginx"], nginx_config.last_reload())
    return loaded < max(*started.values(), nginx_config.newest_file())


def _diagnosis(shape: Shape) -> Iterator[str]:
    """Say which containers are in trouble, what their health check said, and their last log."""
    present = containers.inspect(shape)
    for service in shape.services:
        name = containers.name(service)
        if service not in present:
            yield f"{name}: does not exist"
        elif trouble := containers.trouble(present[service]):
            yield f"{name}: {trouble}"
            looks = present[service]["State"].get("Health", {}).get("Log") or ()
            if looks:
                yield f"  health check: {looks[-1]['Output'].strip()}"
            log = run("docker", "logs", "--tail=15", name, deadline=10, errors_too=True)
            yield from (f"  {line}" for line in log.splitlines())
