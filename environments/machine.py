"""Where the engine is, and what its machine must offer."""

from typing import Annotated

from pydantic import Field, SecretStr

from environments.declared import Declared
from environments.values import EngineAddress, HostKeys, Share, Version

DEFAULT_ENGINE = "unix:///var/run/docker.sock"


class Engine(Declared):
    """Where the Docker engine is: `unix://`, `tcp://` or `ssh://`; empty is the local socket."""

    address: EngineAddress = DEFAULT_ENGINE
    key: SecretStr | None = None
    """The private key itself, as CI secrets hold it, for an `ssh://` address."""
    host_key: HostKeys | None = None
    """The server's public host keys, a line each, as `ssh-keyscan` prints them. Where there is one,
    known hosts count no more."""


class Host(Declared):
    """The engine and its machine."""

    name: str = "host"
    engine_version: Version | None = None
    """The oldest version that will do."""
    clock_skew: Annotated[float, Field(gt=0)] | None = None
    """Seconds between the clock here and the engine's. Tokens and certificates go by them."""
    disk_free: Share = 0.05
    """Share of the disk that holds the engine's data. On a small disk one deploy takes the rest."""
    inodes_free: Share = 0.05
    """Share of that disk's inodes. Images are many small files: they run out of these first."""
    memory_available: Share = 0.05
    """Share of the memory that can be taken without swapping. The kernel kills when it is gone."""
    overcommit: bool = False
    """Whether the services' limits may come to more than the machine has."""

    @property
    def holds_limits(self) -> bool:
        """`overcommit: false`, the default: the machine has what all limits together come to."""
        return not self.overcommit
