"""The engine's containers: foreign ones, and the state of the lab's own."""

import json
from collections.abc import Set
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from lab import OUT, shapes
from lab.engine.daemon import docker
from lab.process import LabError
from lab.shapes import PRODUCTION, Shape

SUBNET = ip_network("172.20.0.0/16")
_PROJECT = "com.docker.compose.project"
_MADE = OUT / "containers.json"

Inspected = dict[str, Any]
"""What `docker inspect` returns for one container."""


def refuse_foreign(shape: Shape) -> None:
    """Raise an error if containers or networks that the lab did not create are in its way."""
    own = {each.project for each in shapes.ALL.values()}
    rows = docker(
        "ps", "--all", f"--filter=name={shape.prefix}",
        f'--format={{{{.Names}}}} {{{{.Label "{_PROJECT}"}}}}',
    )  # fmt: skip
    for row in rows.splitlines():
        container, _, project = row.partition(" ")
        if container.startswith(shape.prefix) and project not in own:
            raise LabError(
                f"the lab did not create the container {container}, and leaves it alone: "
                f"remove or rename it first"
            )
    if shape is not PRODUCTION:
        return  # the other shapes use any network that the engine assigns
    networks = docker("network", "ls", "--quiet", "--filter=driver=bridge").split()
    for network in json.loads(docker("network", "inspect", *networks)):
        if (network["Labels"] or {}).get(_PROJECT) in own:
            continue
        for subnet in (ip_network(pool["Subnet"]) for pool in network["IPAM"]["Config"] or ()):
            if subnet.version == SUBNET.version and subnet.overlaps(SUBNET):
                raise LabError(
                    f"the network {network['Name']} ({subnet}) overlaps the lab's ({SUBNET}): "
                    f"remove it first"
                )


def inspect(shape: Shape) -> dict[str, Inspected]:
    """Return the shape's containers by service."""
    ids = docker("ps", "--all", "--quiet", _of(shape)).split()
    found = json.loads(docker("inspect", "--type=container", *ids)) if ids else []
    by_name = {container["Name"].removeprefix("/"): container for container in found}
    return {
        service: by_name[name]
        for service in shape.services
        if (name := shape.container(service)) in by_name
    }


def is_up(shape: Shape) -> bool:
    """Return whether any container of the shape exists, in any state."""
    return bool(docker("ps", "--all", "--quiet", _of(shape)).strip())


def strays(shape: Shape) -> list[str]:
    """Return the containers with the shape's label whose name belongs to no service."""
    own = set(map(shape.container, shape.services))
    rows = docker("ps", "--all", _of(shape), "--format={{.Names}}")
    return [container for container in rows.split() if container not in own]


def stray_networks(shape: Shape) -> list[str]:
    """Return the networks with the shape's label that its compose file does not define."""
    rows = docker("network", "ls", _of(shape), "--format={{.Name}}")
    return [network for network in rows.split() if network != f"{shape.project}_default"]


def published(present: dict[str, Inspected]) -> frozenset[int]:
    """Return the ports of the host that the containers publish."""
    return frozenset(
        int(binding["HostPort"])
        for container in present.values()
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or ()
    )


def mounting(present: dict[str, Inspected], changed: Set[Path]) -> list[str]:
    """Return the services whose container mounts one of these files of the host.

    A program keeps running the code that it has loaded, and a mount shows a deleted folder, not the
    one that replaced it.
    """
    return [
        service
        for service, container in present.items()
        if any(
            path.is_relative_to(mount["Source"])
            for mount in container["Mounts"]
            if mount["Type"] == "bind"
            for path in changed
        )
    ]


def remember(present: dict[str, Inspected]) -> None:
    """Record how new containers were created, to recognize altered ones later."""
    made = _made() | {service: _as_made(container) for service, container in present.items()}
    _MADE.write_text(json.dumps(made, indent=2))


def altered(present: dict[str, Inspected]) -> list[str]:
    """Return the services whose container was altered since its creation, or is unhealthy.

    Compose compares only labels: it misses a changed limit, and does not resume a paused container.
    """
    made = _made()
    return [
        service
        for service, container in present.items()
        if made.get(service) != _as_made(container) or not _is_well(container)
    ]


def are_well(shape: Shape) -> bool:
    """Return whether every container of the shape exists, runs and is healthy."""
    present = inspect(shape)
    return present.keys() == set(shape.services) and not any(map(trouble, present.values()))


def trouble(container: Inspected) -> str | None:
    """Return what is wrong with a container; None if nothing is."""
    state = container["State"]
    if state["Status"] != "running":
        return f"{state['Status']}, exit code {state['ExitCode']}"
    health = state.get("Health", {"Status": "healthy"})
    return None if health["Status"] == "healthy" else str(health["Status"])


def _of(shape: Shape) -> str:
    return f"--filter=label={_PROJECT}={shape.project}"


def _made() -> dict[str, Inspected]:
    return json.loads(_MADE.read_text()) if _MADE.exists() else {}


def _is_well(container: Inspected) -> bool:
    state = container["State"]
    restarted = container["RestartCount"] > 0 or state["OOMKilled"]
    return trouble(container) in (None, "starting") and not restarted and not _flapped(state)


def _flapped(state: Inspected) -> bool:
    """Return whether the health check failed more than once after its first success."""
    started = datetime.fromisoformat(state["StartedAt"])
    runs = [
        run["ExitCode"]
        for run in (state.get("Health") or {}).get("Log") or ()
        if datetime.fromisoformat(run["Start"]) >= started
    ]
    return sum(map(bool, runs[runs.index(0) :])) > 1 if 0 in runs else False


def _as_made(container: Inspected) -> Inspected:
    networks = container["NetworkSettings"]["Networks"]
    return {
        "Id": container["Id"],
        "HostConfig": container["HostConfig"],
        "Networks": {network: sorted(at["Aliases"] or ()) for network, at in networks.items()},
    }
