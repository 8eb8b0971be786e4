"""The containers that the engine has: foreign ones, and what became of the lab's own."""

import json
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from lab import OUT
from lab.compose import PROJECT, services
from lab.engine import docker
from lab.process import LabError

PREFIX = "vpn-"
SUBNET = ip_network("172.20.0.0/16")
_PROJECT = "com.docker.compose.project"
_MADE = OUT / "containers.json"

Inspected = dict[str, Any]
"""What the engine says of one container."""


def name(service: str) -> str:
    """Return the name of the service's container."""
    return PREFIX + service


def refuse_foreign() -> None:
    """Refuse to work where somebody else has the stack's container names or its network."""
    rows = docker(
        "ps", "--all", f"--filter=name={PREFIX}",
        f'--format={{{{.Names}}}} {{{{.Label "{_PROJECT}"}}}}',
    )  # fmt: skip
    for row in rows.splitlines():
        container, _, project = row.partition(" ")
        if container.startswith(PREFIX) and project != PROJECT:
            raise LabError(
                f"the container {container} was not made by the lab, which leaves it alone: "
                f"remove or rename it first"
            )
    networks = docker("network", "ls", "--quiet", "--filter=driver=bridge").split()
    for network in json.loads(docker("network", "inspect", *networks)):
        if (network["Labels"] or {}).get(_PROJECT) == PROJECT:
            continue
        for subnet in (ip_network(pool["Subnet"]) for pool in network["IPAM"]["Config"] or ()):
            if subnet.version == SUBNET.version and subnet.overlaps(SUBNET):
                raise LabError(
                    f"the network {network['Name']} ({subnet}) overlaps the lab's ({SUBNET}): "
                    f"remove it first"
                )


def inspect() -> dict[str, Inspected]:
    """Return the lab's containers by service."""
    ids = docker("ps", "--all", "--quiet", f"--filter=label={_PROJECT}={PROJECT}").split()
    found = json.loads(docker("inspect", "--type=container", *ids)) if ids else []
    by_name = {container["Name"].removeprefix("/"): container for container in found}
    return {service: by_name[name(service)] for service in services() if name(service) in by_name}


def strays() -> list[str]:
    """Return the containers that carry the lab's label and belong to no service by their name."""
    own = set(map(name, services()))
    rows = docker("ps", "--all", f"--filter=label={_PROJECT}={PROJECT}", "--format={{.Names}}")
    return [container for container in rows.split() if container not in own]


def remember(present: dict[str, Inspected]) -> None:
    """Keep how containers that were just made are, to know later which were altered."""
    made = _made() | {service: _as_made(container) for service, container in present.items()}
    _MADE.write_text(json.dumps(made, indent=2))


def altered(present: dict[str, Inspected]) -> list[str]:
    """Return the services whose container is not as it was made, or not well.

    Compose compares labels alone: it does not see a changed limit, nor mends a paused container.
    """
    made = _made()
    return [
        service
        for service, container in present.items()
        if made.get(service) != _as_made(container) or not _is_well(container)
    ]


def trouble(container: Inspected) -> str | None:
    """Return what is wrong with a container, or nothing."""
    state = container["State"]
    if state["Status"] != "running":
        return f"{state['Status']}, exit code {state['ExitCode']}"
    health = state.get("Health", {"Status": "healthy"})
    return None if health["Status"] == "healthy" else str(health["Status"])


def _made() -> dict[str, Inspected]:
    return json.loads(_MADE.read_text()) if _MADE.exists() else {}


def _is_well(container: Inspected) -> bool:
    state = container["State"]
    restarted = container["RestartCount"] > 0 or state["OOMKilled"]
    return trouble(container) in (None, "starting") and not restarted and not _flapped(state)


def _flapped(state: Inspected) -> bool:
    """Tell whether the latest runs of the health check failed more than once since one did not."""
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
