"""The shapes of the lab: production, development, kinds and proxies.

Production and development are not up at the same time. Kinds and proxies can be up beside
either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml

from lab import HERE, OUT

ShapeName = Literal["prod", "dev", "kinds", "proxies"]


@dataclass(frozen=True)
class ImageSources:
    """What the images of a shape are built from."""

    dockerfile: Path
    """It has one target for each service."""
    packages: str
    """The target that they share."""
    context: Path
    record: Path
    """Records what was built, and from what."""


@dataclass(frozen=True)
class Shape:
    """A stack that the lab can run, and the environment that verifies it."""

    name: ShapeName
    environment: str
    """The environment's name, as in `pytest -m`."""
    project: str
    """Its Compose project, which is a label of everything that belongs to it."""
    template: Path
    """Its compose file in the repository."""
    file: Path
    """The compose file from which its containers are created."""
    sources: ImageSources
    prefix: str = "vpn-"
    """The start of the names of its containers."""

    @property
    def title(self) -> str:
        """Its name in messages."""
        adjective = {"prod": "production", "dev": "development"}.get(self.name, self.name)
        return f"the {adjective} shape"

    @property
    def up_command(self) -> str:
        """The command that brings it up."""
        return "scripts/lab up" if self is PRODUCTION else f"scripts/lab up --shape={self.name}"

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The names of its services."""
        return tuple(self._services)

    @cached_property
    def ports(self) -> Mapping[int, str]:
        """The ports of the host that its compose file names, with the service of each."""
        return {
            int(port.partition(":")[0]): name
            for name, service in self._services.items()
            for port in service.get("ports", ())
            if port[0].isdecimal()
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of its secrets."""
        return tuple(self._definition.get("secrets", ()))

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return self.prefix + service

    @property
    def _services(self) -> dict[str, Any]:
        services: dict[str, Any] = self._definition["services"]
        return services

    @cached_property
    def _definition(self) -> dict[str, Any]:
        definition: dict[str, Any] = yaml.safe_load(self.template.read_text())
        return definition


CHECKOUT = OUT / "checkout"
"""A developer's checkout, so that faults edit the copy and not the repository."""

_SOURCES = ImageSources(HERE / "Dockerfile", "packages", HERE / "services", OUT / "images.json")
PRODUCTION = Shape(
    "prod",
    "lab",
    "stackproof-lab",
    HERE / "compose.yaml",
    HERE / "compose.yaml",
    _SOURCES,
)
DEVELOPMENT = Shape(
    "dev",
    "dev",
    "stackproof-lab-dev",
    HERE / "compose.dev.yaml",
    CHECKOUT / "infrastructure/docker/docker-compose.dev.yml",
    _SOURCES,
)
_KINDS = HERE / "kinds"
KINDS = Shape(
    "kinds",
    "kinds",
    "stackproof-lab-kinds",
    _KINDS / "compose.yaml",
    _KINDS / "compose.yaml",
    ImageSources(_KINDS / "Dockerfile", "kinds-packages", _KINDS, OUT / "kinds-images.json"),
    prefix="kinds-",
)
"""The kinds of datastores that production does not have."""
_PROXIES = HERE / "proxies"
PROXIES = Shape(
    "proxies",
    "proxies",
    "stackproof-lab-proxies",
    _PROXIES / "compose.yaml",
    _PROXIES / "compose.yaml",
    ImageSources(
        _PROXIES / "Dockerfile", "proxies-packages", _PROXIES, OUT / "proxies-images.json"
    ),
    prefix="proxies-",
)
"""The kinds of reverse proxies that production does not have."""
ALL: Mapping[ShapeName, Shape] = MappingProxyType(
    {each.name: each for each in (PRODUCTION, DEVELOPMENT, KINDS, PROXIES)}
)


def other(shape: Shape) -> Shape | None:
    """Return the shape that cannot be up at the same time, if there is one."""
    return {PRODUCTION.name: DEVELOPMENT, DEVELOPMENT.name: PRODUCTION}.get(shape.name)
