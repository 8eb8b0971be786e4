"""Where the engine is, and what its machine must offer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, SecretStr

from environments.declared import Declared
from environments.values import EngineAddress, HostKeys, Share, Version
from stackproof.secrets import redact

DEFAULT_ENGINE = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class EngineTls:
    """How a `tcp://` engine is reached with TLS."""

    verify: bool
    """Whether its certificate must be valid."""
    ca: Path | None = None
    """Certificates to trust instead of the system's, PEM."""
    client: tuple[Path, Path] | None = None
    """Our certificate and its private key, PEM."""


class Engine(Declared):
    """Where the Docker engine is: `unix://`, `tcp://` or `ssh://`.

    The loader puts the address that Docker would use where the file declares none.
    """

    address: EngineAddress = DEFAULT_ENGINE
    key: SecretStr | None = None
    """The private key itself, as CI secrets hold it, for an `ssh://` address."""
    host_key: HostKeys | None = None
    """The server's public host keys, a line each, as `ssh-keyscan` prints them. Where there is one,
    known hosts count no more."""
    _source: str = PrivateAttr(default="")
    _tls: EngineTls | None = PrivateAttr(default=None)

    @property
    def source(self) -> str:
        """What named the address, such as `DOCKER_HOST`; empty for the file and the default."""
        return self._source

    @property
    def tls(self) -> EngineTls | None:
        """TLS for a `tcp://` address, None without."""
        return self._tls

    @property
    def shown(self) -> str:
        """The address as outputs show it, without any secret."""
        return redact(self.address)

    @property
    def named(self) -> str:
        """The address as messages name it, with what it came from: `tcp://h:1 (DOCKER_HOST)`."""
        return f"{self.shown} ({self.source})" if self.source else self.shown

    def at(self, address: str, source: str, tls: EngineTls | None) -> Self:
        """Return this engine at an address that has been resolved."""
        engine = self.model_copy(update={"address": address})
        engine._source, engine._tls = source, tls
        return engine


class Host(Declared):
    """The engine and its machine."""

    name: str = "host"
    engine_version: Version | None = None
    """The oldest version that will do."""
    clock_skew: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] | None = None
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
