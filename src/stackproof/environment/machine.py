"""The declared Docker engine, and requirements for its machine."""

from pathlib import Path
from typing import Annotated, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, PrivateAttr, SecretStr

from stackproof.schema.addresses import EngineAddress, HostKeys
from stackproof.schema.declared import Declared
from stackproof.schema.values import Ratio, RelativePath, Version
from stackproof.secrets import redact

DEFAULT_ENGINE = "unix:///var/run/docker.sock"


class EngineTls(NamedTuple):
    """TLS settings of a `tcp://` engine."""

    verify: bool
    """Whether its certificate must be valid."""
    ca: Path | None = None
    """CA certificates to trust instead of the system's, PEM."""
    client: tuple[Path, Path] | None = None
    """The client certificate and its private key, PEM."""


class Engine(Declared):
    """The address of the Docker engine: `unix://`, `tcp://` or `ssh://`.

    If the file declares none, the loader sets the address that Docker would use.
    """

    address: EngineAddress = DEFAULT_ENGINE
    cert_path: RelativePath = ""
    """Directory with `ca.pem`, `cert.pem` and `key.pem` for a `tcp://` address, as in
    `DOCKER_CERT_PATH`. Relative to the environment's file."""
    key: SecretStr | None = None
    """The content of the private key for an `ssh://` address, as CI secrets store it."""
    host_key: HostKeys | None = None
    """The server's public host keys, one per line, as `ssh-keyscan` prints them. They replace the
    `known_hosts` files."""
    _source: str = PrivateAttr(default="")
    _tls: EngineTls | None = PrivateAttr(default=None)

    @property
    def source(self) -> str:
        """Origin of the address, such as `DOCKER_HOST`. Empty for the file and the default."""
        return self._source

    @property
    def tls(self) -> EngineTls | None:
        """TLS settings of a `tcp://` address. None without TLS."""
        return self._tls

    @property
    def socket_path(self) -> str:
        """The path of the engine's socket on the server, if an `ssh://` address has one."""
        where = urlsplit(self.address)
        return unquote(where.path).rstrip("/") if where.scheme == "ssh" else ""

    @property
    def redacted(self) -> str:
        """The address without secrets, for outputs."""
        return redact(self.address)

    @property
    def label(self) -> str:
        """The address and its source for messages: `tcp://h:1 (DOCKER_HOST)`."""
        address = self.redacted
        return f"{address} ({self.source})" if self.source else address

    def resolved(self, address: str, source: str, tls: EngineTls | None) -> Self:
        """Return a copy with the resolved address."""
        engine = self.model_copy(update={"address": address})
        engine._source, engine._tls = source, tls
        return engine


class Host(Declared):
    """Requirements for the engine and its machine."""

    name: str = "host"
    engine_version: Version | None = None
    """The oldest acceptable version of the engine."""
    clock_skew: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] | None = None
    """Maximum difference in seconds between the local clock and the engine's. Tokens and
    certificates depend on both."""
    disk_free: Ratio = 0.05
    """Minimum free share of the disk with the engine's data. One deploy fills a small disk."""
    inodes_free: Ratio = 0.05
    """Minimum free share of its inodes. Images are many small files and use them up first."""
    memory_available: Ratio = 0.05
    """Minimum share of memory that is available without swapping. Without any, the kernel kills."""
    overcommit: bool = False
    """Whether the sum of all limits may be more than the machine has."""
    compare_mounts: bool = False
    """Whether mounted files and directories must be those on the host now. Only root on the
    engine's machine can see that."""

    @property
    def no_overcommit(self) -> bool:
        """`overcommit: false`, the default: the machine has room for all limits together."""
        return not self.overcommit
