"""A declared service: its container, what it may use, and what it says of its own health."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from environments.answers import Answer
from environments.declared import Declared, refuse
from environments.sizes import Bytes
from environments.values import (
    AbsolutePath,
    Line,
    Name,
    Port,
    PublishedPort,
    Share,
    Statuses,
    UrlPath,
)


class Limits(Declared):
    """The most that a container may use: CPUs (1.5 is one and a half cores) and memory in bytes."""

    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    memory: Annotated[Bytes, Field(gt=0)] | None = None
    memory_used: Share = 0.9
    """Share of the memory that may be in use. Above it, one busy minute ends in a kill."""
    cpu_throttled: Share = 0.25
    """Share of its busy periods in which it may have been held back. More is felt as latency."""


class Health(Answer):
    """What a service itself says of its health, asked at its container's own address."""

    path: UrlPath
    port: Port | None = None
    """The first of the service's ports where not given."""
    status: Statuses = (200,)


class Service(Declared):
    """A service of the stack and the one container that runs it."""

    name: str
    container: Name
    """Name of its container; the environment's prefix and the service's name where not given."""
    ports: tuple[Port, ...] = ()
    """Ports that it listens on inside the network."""
    publish: tuple[PublishedPort, ...] = ()
    """Ports that it publishes on the host, and no others: `443`, or on one address alone."""
    image: Line = ""
    """The image that it must run, as the compose file names it."""
    restart: Literal["no", "always", "unless-stopped", "on-failure"] | None = None
    """What the engine does when it ends."""
    secrets: tuple[Name, ...] = ()
    """Secrets that it must see as files, by name, in the environment's `secrets.mount`."""
    code: Literal["live"] | None = None
    """`live`: it runs code that is mounted from the host, wherever in the container that is."""
    host_mounts: tuple[AbsolutePath, ...] = ()
    """Paths inside it where something of the host may be mounted although code is not."""
    may: tuple[Literal["privileged", "engine-socket", "host-network"], ...] = ()
    """What is as good as root on the host, and yet allowed to it."""
    limits: Limits = Limits()
    healthcheck: Literal["required", "if-present"] | None = None
    """Whether the container must report that it is healthy; `if-present`: only where it can."""
    one_shot: bool = False
    """It runs once and ends, as a migration does: that it exited with code 0 is right."""
    max_restarts: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Restarts by the engine since the container was created. One is already a crash."""
    health: Health | None = None
    models: tuple[Line, ...] = ()
    """Models that the ollama of this service must hold; a name without a tag means `:latest`."""

    @property
    def health_check_required(self) -> bool:
        """`healthcheck: required`: it must report that it is healthy."""
        return self.healthcheck == "required"

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if (self.models and not self.ports) or (
            self.health and not self.health.port and not self.ports
        ):
            refuse([(("ports",), "expected the port at which its health is asked")])
        return self
