"""The stack in one of its shapes: bringing it up, taking it down, replacing parts of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lab import (
    OUT,
    address,
    certificates,
    checkout,
    containers,
    machine,
    nginx_config,
    secret_files,
    shapes,
)
from lab.containers import Inspected
from lab.engine import compose, daemon, images, traefik
from lab.engine.daemon import docker
from lab.process import LabError, run, say
from lab.shapes import DEVELOPMENT, PRODUCTION, PROXIES, Shape

DEADLINE = 120
"""Seconds in which the whole stack must be healthy."""


def up(shape: Shape = PRODUCTION, *, heals: bool = False) -> None:
    """Bring up a complete and healthy stack of this shape, whatever is running now.

    Healthy containers are kept. The other shape is taken down, without its images and secrets.

    Args:
        shape: the shape to bring up.
        heals: only undo a fault: the compose file has not changed, so Compose is not run if all
            containers are healthy.
    """
    machine.restore()
    OUT.mkdir(exist_ok=True)
    daemon.ensure()
    containers.refuse_foreign(shape)
    present = containers.inspect(shape)
    other = shapes.other(shape)
    published = containers.published(present | (containers.inspect(other) if other else {}))
    address.refuse_taken(shape, published)
    images.ensure(shape)
    if other and containers.is_up(other):
        say(f"taking {other.title} down: one is up at a time")
        take_down(other)
    _remove_strays(shape)
    _remove(shape, containers.altered(present))
    _remove_stray_networks(shape)
    secret_files.ensure(shape.secrets)
    if shape is PRODUCTION:
        certificates.ensure()
        address.choose(certificates.AUTHORITY, published).save()
        if not nginx_config.DIRECTORY.exists():
            # A container keeps a deleted directory mounted, not the one that replaces it.
            _remove(shape, ["nginx"])
        nginx_config.render()
    elif shape is DEVELOPMENT:
        _remove(shape, containers.mounting(present, checkout.render()))
    elif shape is PROXIES:
        traefik.ensure()
    if not (heals and containers.are_well(shape)):
        _start(shape)
    _settle(shape)


def down() -> None:
    """Remove the stack with its data, and stop the engine if the lab started it."""
    machine.restore()
    if not daemon.answers():
        say("no Docker engine is running: there is nothing to take down")
        return
    for shape in shapes.ALL.values():
        take_down(shape)
    daemon.stop()


def take_down(shape: Shape) -> None:
    """Remove the containers, networks and volumes of a shape."""
    _remove_strays(shape)
    if shape is DEVELOPMENT:
        # Compose needs a readable file to take the stack down.
        checkout.render()
    compose.compose(shape, "down", "--volumes", "--remove-orphans", "--timeout=1")
    _remove_stray_networks(shape)


def _remove(shape: Shape, services: Sequence[str]) -> None:
    if services:
        docker("rm", "--force", "--volumes", *map(shape.container, services))
        volumes = (f"{shape.project}_{service}" for service in services)
        docker("volume", "rm", "--force", *volumes)


def _remove_strays(shape: Shape) -> None:
    if strays := containers.strays(shape):
        docker("rm", "--force", "--volumes", *strays)


def _remove_stray_networks(shape: Shape) -> None:
    if strays := containers.stray_networks(shape):
        docker("network", "rm", *strays)


def _start(shape: Shape) -> None:
    """Start what is not running, and wait until it is healthy."""
    try:
        compose.compose(
            shape, "up", "--detach", "--wait", f"--wait-timeout={DEADLINE}", "--remove-orphans",
            deadline=DEADLINE + 30, variables=address.variables(shape),
        )  # fmt: skip
    except LabError as error:
        raise LabError("\n".join((str(error), *_diagnosis(shape)))) from None


def _settle(shape: Shape) -> None:
    """Wait until every service responds and nginx is up to date; record how they were created."""
    present = containers.inspect(shape)
    for container in present.values():
        _await_listening(container)
    if shape is PRODUCTION and _nginx_is_behind(present):
        nginx_config.reload()
    containers.remember(present)


def _await_listening(container: Inspected) -> None:
    """Wait for the ports of a container without a health check."""
    if "Health" in container["State"]:
        return
    for port in container["Config"].get("ExposedPorts", ()):
        number = port.partition("/")[0]
        attempt = f"until (: </dev/tcp/127.0.0.1/{number}) 2>/dev/null; do sleep 0.05; done"
        docker("exec", container["Id"], "timeout", "60", "bash", "-c", attempt, deadline=65)


def _nginx_is_behind(present: dict[str, Inspected]) -> bool:
    """Return whether nginx runs with an outdated configuration or outdated addresses."""
    started = {
        service: datetime.fromisoformat(container["State"]["StartedAt"]).timestamp()
        for service, container in present.items()
    }
    loaded = max(started["nginx"], nginx_config.last_reload())
    return loaded < max(*started.values(), nginx_config.newest_file())


def _diagnosis(shape: Shape) -> Iterator[str]:
    """Yield lines about unhealthy containers: state, output of the health check, end of the log."""
    present = containers.inspect(shape)
    for service in shape.services:
        name = shape.container(service)
        if service not in present:
            yield f"{name}: does not exist"
        elif trouble := containers.trouble(present[service]):
            yield f"{name}: {trouble}"
            checks = present[service]["State"].get("Health", {}).get("Log") or ()
            if checks:
                yield f"  health check: {checks[-1]['Output'].strip()}"
            log = run("docker", "logs", "--tail=15", name, deadline=10, errors_too=True)
            yield from (f"  {line}" for line in log.splitlines())
