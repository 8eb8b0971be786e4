"""Routes of a reverse proxy of the project, as an environment file declares them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackproof.cli.draft.project import Project

DEFAULT_PORTS = {"http": 80, "https": 443}
HERE = "127.0.0.1"


@dataclass(frozen=True)
class Route:
    """A URL, and the service that responds."""

    url: str
    """With expressions of an environment file."""
    service: str
    resolve: Mapping[str, str] = field(default_factory=dict)
    """The entry of `resolve` with which requests reach the port that is published here."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other fields."""


@dataclass(frozen=True)
class Routes:
    """What was found of the routes of a proxy."""

    routes: tuple[Route, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    """By service, the port to which requests are passed."""
    todo: tuple[str, ...] = ()
    """Why others were not found, a line each."""


def published_at(project: Project, service: str) -> dict[int, str]:
    """Return where the engine's machine has the ports of a service: `127.0.0.1:8443` by port."""
    return {port["target"]: address for port, address in _published(project.services[service])}


def service_names(project: Project) -> Iterator[tuple[str, str]]:
    """Yield each name by which a service can be reached, and the service."""
    for name, service in project.services.items():
        yield name, name
        if service.get("container_name"):
            yield service["container_name"], name
        for network in (service.get("networks") or {}).values():
            for alias in (network or {}).get("aliases") or ():
                yield alias, name


def _published(service: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    for port in service.get("ports") or ():
        number = str(port.get("published") or "")
        if number.isdigit() and port.get("protocol", "tcp") == "tcp":
            address = port.get("host_ip") or ""
            address = HERE if address in ("", "0.0.0.0", "::") else address  # noqa: S104
            yield port, f"[{address}]:{number}" if ":" in address else f"{address}:{number}"


def url(scheme: str, host: str, address: str | None, path: str = "/") -> str:
    """Return a URL at a host's port that is published at an address; None for the default port."""
    port = int(address.rpartition(":")[2]) if address else DEFAULT_PORTS[scheme]
    colon = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host}{colon}{path if path != '/' else ''}"


def resolve(address: str | None) -> dict[str, str]:
    """Return the entry of `resolve` with which requests reach a published port."""
    return {f"*:{address.rpartition(':')[2]}": address} if address else {}
