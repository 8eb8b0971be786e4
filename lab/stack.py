"""The stack: brought up whole, taken down, and its parts replaced."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lab import (
    OUT,
    address,
    certificates,
    compose,
    containers,
    engine,
    images,
    nginx_config,
    secret_files,
)
from lab.containers import Inspected
from lab.engine import docker
from lab.process import LabError, run, say

DEADLINE = 120
"""Seconds in which the whole stack must be healthy."""


def up() -> None:
    """Have a whole and healthy stack, whatever there is now; what is well is left alone."""
    OUT.mkdir(exist_ok=True)
    engine.ensure()
    containers.refuse_foreign()
    images.ensure()
    secret_files.ensure()
    certificates.ensure()
    present = containers.inspect()
    address.choose(certificates.AUTHORITY, _published(present)).save()
    _remove_strays()
    _remove(containers.altered(present))
    if not nginx_config.DIRECTORY.exists():
        # A container goes on seeing the directory that was deleted, not the one to be made.
        _remove(["nginx"])
    _start(())


def down() -> None:
    """Remove the stack with its data, and stop the engine if the lab started it."""
    if not engine.answers():
        say("no Docker engine answers: there is nothing to take down")
        return
    _remove_strays()
    compose.compose("down", "--volumes", "--remove-orphans", "--timeout=1")
    engine.stop()


def recreate(*services: str) -> None:
    """Replace services by pristine ones, data and all, and bring nginx back into line with them."""
    containers.refuse_foreign()
    _remove(services)
    _start(services)


def _remove(services: Sequence[str]) -> None:
    if services:
        docker("rm", "--force", "--volumes", *map(containers.name, services))
        volumes = (f"{compose.PROJECT}_{service}" for service in services)
        docker("volume", "rm", "--force", *volumes)


def _remove_strays() -> None:
    if strays := containers.strays():
        docker("rm", "--force", "--volumes", *strays)


def _start(services: Sequence[str]) -> None:
    """Start the services, or the whole stack where none is named, and wait until all is well."""
    nginx_config.render()
    which = ("--no-deps", *services) if services else ("--remove-orphans",)
    try:
        compose.compose(
            "up", "--detach", "--wait", f"--wait-timeout={DEADLINE}", *which,
            deadline=DEADLINE + 30, variables=address.load().variables(),
        )  # fmt: skip
    except LabError as error:
        raise LabError("\n".join((str(error), *_diagnosis()))) from None
    present = containers.inspect()
    started = {name: present[name] for name in services or present}
    for container in started.values():
        _await_listening(container)
    if _nginx_is_behind(present):
        nginx_config.reload()
    containers.remember(started)


def _published(present: dict[str, Inspected]) -> frozenset[int]:
    """Return the ports of the host that lead into the lab."""
    return frozenset(
        int(binding["HostPort"])
        for container in present.values()
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or ()
    )


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


def _diagnosis() -> Iterator[str]:
    """Say which containers are in trouble, what their health check said, and their last log."""
    present = containers.inspect()
    for service in compose.services():
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
