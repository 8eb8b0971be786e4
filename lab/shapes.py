"""The shapes that the lab can have: production's and development's. One is up at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml

from lab import HERE, OUT

ShapeName = Literal["prod", "dev"]


@dataclass(frozen=True)
class Shape:
    """A stack that the lab can be, and the environment that verifies it."""

    name: ShapeName
    environment: str
    """What `pytest -m` calls it."""
    project: str
    """Its Compose project, which labels all that belongs to it."""
    template: Path
    """Its compose file, as the repository holds it."""
    file: Path
    """Its compose file, as its containers are made from it."""

    @property
    def title(self) -> str:
        """What a person calls it."""
        return {"prod": "the production shape", "dev": "the development shape"}[self.name]

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
        """The ports of the host that its file names, and the service that publishes each."""
        return {
            int(port.partition(":")[0]): name
            for name, service in self._services.items()
            for port in service.get("ports", ())
            if port[0].isdecimal()
        }

    @cached_property
    def _services(self) -> dict[str, Any]:
        services: dict[str, Any] = yaml.safe_load(self.template.read_text())["services"]
        return services


CHECKOUT = OUT / "checkout"
"""What a developer's checkout holds: what is broken there breaks the lab, not the repository."""

PRODUCTION = Shape("prod", "lab", "stackproof-lab", HERE / "compose.yaml", HERE / "compose.yaml")
DEVELOPMENT = Shape(
    "dev",
    "dev",
    "stackproof-lab-dev",
    HERE / "compose.dev.yaml",
    CHECKOUT / "infrastructure/docker/docker-compose.dev.yml",
)
ALL: Mapping[ShapeName, Shape] = MappingProxyType({"prod": PRODUCTION, "dev": DEVELOPMENT})


def other(shape: Shape) -> Shape:
    """Return the shape that cannot be up at the same time."""
    return DEVELOPMENT if shape is PRODUCTION else PRODUCTION
