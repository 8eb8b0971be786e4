"""Settings of a container: what its program is, and what it may do."""

import shlex
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Self

from stackproof.facts.fields import Moment
from stackproof.facts.options import OptionValue
from stackproof.frozen import Frozen
from stackproof.secrets import redact
from stackproof.sizes import Bytes

DEFAULT_SHM_SIZE = Bytes(64 * 1024**2)
ALL = "ALL"
"""All capabilities."""
CAPABILITIES = frozenset(
    {
        "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE",
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER",
        "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN",
        "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP",
        "SETUID", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT",
        "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "SYSLOG",
        "WAKE_ALARM",
    }
)  # fmt: skip
ALL_ACCESS = "rwm"
"""Permissions for a device: read, write and mknod."""
_DIGITS = 4
"""Hexadecimal digits of a digest: enough to notice another secret, too few to find one."""


class CommandLine(Frozen):
    """A command or an entrypoint, redacted, and a short digest of it."""

    shown: str
    """Its arguments, quoted for a shell; empty if there are none."""
    digest: str
    is_redacted: bool = False

    @classmethod
    def of(cls, arguments: Iterable[str]) -> Self:
        """Return the command line of some arguments. A single empty one means none."""
        given = list(arguments)
        given = [] if given == [""] else given
        digest = sha256("\0".join(given).encode(errors="replace")).hexdigest()
        line = shlex.join(given)
        shown = redact(line)
        return cls(shown=shown, digest=digest[:_DIGITS], is_redacted=shown != line)

    def matches(self, other: Self) -> bool:
        """Return whether both are the same command, even if only one of them is redacted."""
        is_redacted = self.is_redacted or other.is_redacted
        return self.digest == other.digest and (is_redacted or self.shown == other.shown)


class Ulimit(Frozen):
    """A limit of the kernel for each process: -1 is unlimited."""

    soft: int
    hard: int

    def __str__(self) -> str:
        """Return both, or one if they are the same."""
        return f"{self.soft}" if self.soft == self.hard else f"{self.soft}:{self.hard}"


class DeviceRequest(Frozen):
    """A request for devices of a driver, such as GPUs."""

    driver: str
    count: int
    """-1: all."""
    device_ids: tuple[str, ...]
    capabilities: tuple[tuple[str, ...], ...]
    """Alternatives; each is a list of capabilities that a device must have."""


class Settings(Frozen):
    """Settings with which a container was created."""

    entrypoint: CommandLine
    command: CommandLine
    user: str
    """Empty: root, or the user of the image."""
    read_only: bool
    """Whether its file system is read-only."""
    capabilities: tuple[str, ...]
    """Those that it holds, in capitals and without `CAP_`."""
    default_capabilities: tuple[str, ...]
    """Those that the engine gives to a container."""
    no_new_privileges: bool
    pids: int | None
    """None if there is no limit."""
    ulimits: Mapping[str, Ulimit]
    devices: tuple[str, ...]
    """`HOST:CONTAINER:PERMISSIONS`, or the name of a CDI device."""
    gpus: tuple[DeviceRequest, ...]
    shm_size: Bytes
    extra_hosts: tuple[str, ...]
    """`NAME:ADDRESS`."""
    aliases: Mapping[str, tuple[str, ...]]
    """By network: the names by which the other containers there find it."""
    health_check: CommandLine | None = None
    """The command of its health check; None in an old snapshot."""
    options: Mapping[str, OptionValue] | None = None
    """Further settings by Compose's key, if it has them; None in an old snapshot."""
    variables: Mapping[str, str] | None = None
    """Its environment variables, each with a short digest; None in an old snapshot."""


class Namespace(Frozen):
    """The container whose network another container shares."""

    id: str
    name: str = ""
    """Empty if it no longer exists."""
    service: str = ""
    """The declared service whose container it is; empty if it is none's."""
    started_at: Moment | None = None
    addresses: tuple[str, ...] = ()


def extra_host(text: str) -> str:
    """Return an entry of `/etc/hosts` as `NAME:ADDRESS`, from that or from `NAME=[ADDRESS]`."""
    separator = "=" if "=" in text else ":"
    name, _, address = text.partition(separator)
    return f"{name}:{address.removeprefix('[').removesuffix(']')}"


def variable_digest(name: str, value: str) -> str:
    """Return a short digest of an environment variable."""
    return sha256(f"{name}={value}".encode(errors="replace")).hexdigest()[:_DIGITS]


def content_digest(content: bytes) -> str:
    """Return a short digest of the content of a file."""
    return short_digest(sha256(content).hexdigest())


def short_digest(digest: str) -> str:
    """Return the beginning of a digest."""
    return digest[:_DIGITS]


class ImageDefaults(Frozen):
    """What a container has from its image if its creation says nothing else."""

    entrypoint: CommandLine
    command: CommandLine
    user: str
    health_check: CommandLine | None = None
    """The command of its health check; None in an old snapshot."""
    options: Mapping[str, OptionValue] = {}
    """The other settings of its health check, by Compose's key."""
    process: Mapping[str, OptionValue] | None = None
    """Its stop signal and working directory by Compose's key; None in an old snapshot."""
    volumes: tuple[str, ...] | None = None
    """Paths at which each container has a volume; None in an old snapshot."""
