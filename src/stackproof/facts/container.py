"""Containers, as the engine lists and inspects them."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from stackproof.facts.fields import Count, Moment
from stackproof.facts.root_access import RootAccess
from stackproof.facts.settings import Namespace, Settings
from stackproof.frozen import Frozen
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")


class HealthCheckRun(Frozen):
    """One run of a container's health check."""

    at: Moment
    exit_code: int
    output: str


class HealthState(Frozen):
    """The state of a container's health check."""

    status: str
    """`starting`, `healthy` or `unhealthy`."""
    failing_streak: int
    log: tuple[HealthCheckRun, ...]
    """The latest runs, oldest first."""


_PODMAN_STATES = {"configured": "created", "initialized": "created", "stopped": "exited"}


def docker_state(state: str) -> str:
    """Return the word of Docker for the state of a container; Podman has further ones."""
    return _PODMAN_STATES.get(state, state)


class Endpoint(Frozen):
    """The address of a container in one network."""

    address: str
    prefix: int
    """The length of the network's prefix: 16 for `172.20.0.2/16`; 0 if the engine reports none."""
    gateway: str
    """The address of the network's gateway, which is the engine's machine; empty if none."""


class ListedContainer(Frozen):
    """A container as the engine lists it."""

    id: str
    state: str
    project: str
    """The Compose project in its labels; empty if Compose did not create it."""
    service: str
    """The Compose service in its labels; empty for a one-off command."""
    number: Count = 0
    """Its number among the instances of the service; 0 if it has none, or in an old snapshot."""
    networks: tuple[str, ...]
    address: str = ""
    """Its address in the first network that gives it one, or that of the container whose network
    it shares; empty if there is none."""
    endpoints: tuple[Endpoint, ...] = ()
    """Its addresses in all networks, IPv4 first."""
    traefik_names: tuple[str, ...] = ()
    """The routers, services and middlewares of Traefik in its labels, in lower case."""


class Mount(Frozen):
    """A mount of a container: a path of the host, a volume or a tmpfs."""

    kind: str
    """`bind`, `volume` or `tmpfs`."""
    source: str
    target: str
    name: str = ""
    """The volume's name in the engine."""
    read_only: bool = False

    @property
    def is_anonymous(self) -> bool:
        """Return whether it is a volume that the engine created without a name."""
        return self.kind == "volume" and _ANONYMOUS.fullmatch(self.name) is not None

    def __str__(self) -> str:
        """Return the mount in Compose's notation."""
        return f"{self.name or self.source or self.kind}:{self.target}"


class Creation(Frozen):
    """How a container was created. Only `docker update` and a new container change it."""

    image: str
    """The image that was requested, by tag or by digest."""
    image_id: str
    """The id of that image when the container was created."""
    compose_project: str
    """Empty, like the files, if Compose did not create it."""
    compose_files: tuple[str, ...]
    config_hash: str = ""
    """Compose's digest of the configuration; empty if Compose did not create it."""
    restart: str
    has_health_check: bool
    privileged: bool
    network_mode: str
    log_driver: str
    log_max_size: Bytes | None
    log_options_reported: bool = True
    """Whether the engine reports the options of the log driver."""
    mounts: tuple[Mount, ...]
    secret_variables: Mapping[str, str]
    """Environment variables that look like secrets, and why. Values are not kept."""
    settings: Settings | None = None
    """None in an old snapshot, whose mounts have no names and are never read-only."""
    secret_arguments: Mapping[str, str] = {}
    """Options whose values look like secrets, and where: `its command`. Values are not kept."""
    root_access: Mapping[str, RootAccess] = {}
    """Settings that give root access to the host (`pid: host`), and the permission for each."""

    def of_host(self, folder: str) -> dict[str, str]:
        """Return the bind mounts at or below a path: by target, the path on the host."""
        return {
            mount.target: mount.source
            for mount in self.mounts
            if mount.kind == "bind" and PurePosixPath(mount.target).is_relative_to(folder)
        }


class Container(Frozen):
    """A container as the engine's inspect shows it."""

    name: str
    id: str
    created_at: Moment | None = None
    """None in an old snapshot."""
    status: str
    """`created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`."""
    exit_code: int
    started_at: Moment
    restart_count: int
    oom_killed: bool
    health: HealthState | None
    """None if the container has no health check."""
    cpu_limit: float | None
    """CPUs, from nano-CPUs or from quota and period."""
    memory_limit: Bytes | None
    addresses: Mapping[str, tuple[str, ...]]
    """By network; empty if the container does not run."""
    published: Mapping[str, int]
    """By published port (`443` on every address, `127.0.0.1:5432` on one): the container port."""
    creation: Creation
    hostname: str = ""
    """Empty if the engine reports none, and in an old snapshot."""
    namespace: Namespace | None = None
    """The container whose network it shares, if it has none of its own."""
    unmounted_secrets: Mapping[str, bool | Unobserved] = {}
    """By path: whether a declared secret without a mount of its own exists in the container."""
    same_files: Mapping[str, bool] = {}
    """By path: whether the content of a config or a secret is that of the Compose files. Those that
    could not be read or that were changed in the container are left out."""
    log_tail: tuple[str, ...] = ()
    """The last lines of its log; kept only if something is wrong with the container."""

    @property
    def own_addresses(self) -> frozenset[str]:
        """Return its addresses in all networks; if it shares a network, those of the other."""
        shared = self.namespace.addresses if self.namespace else ()
        own = (each for addresses in self.addresses.values() for each in addresses)
        return frozenset((*own, *shared))


CgroupVersion = Literal["1", "2"]
"""The version of a machine's cgroups, as the engine reports it."""


class Process(Frozen):
    """A process of a container that does nothing any more."""

    name: str
    pid: int
    """Its number in the container."""
    is_dead: bool = False
    """Whether it has ended, and others of the container go on. Otherwise a signal stopped it."""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.name} (PID {self.pid}) {'dead' if self.is_dead else 'stopped by a signal'}"


class OpenFiles(Frozen):
    """The files and connections that a process of a container has open."""

    name: str
    used: Count
    limit: Count | None
    """The limit in force for it; None if there is none."""

    @property
    def ratio(self) -> float:
        """Return the share of its limit that it has open, from 0."""
        return self.used / self.limit if self.limit else 0.0


class Usage(Frozen):
    """The limits and the usage of a container's cgroup."""

    memory_limit: Bytes
    """The limit in force; the machine's memory if there is no limit."""
    memory_used: Bytes
    cpu_periods: Count = 0
    """Periods in which it was runnable since it started; not counted without a CPU limit."""
    cpu_throttled_periods: Count = 0
    """Periods in which its CPU limit throttled it."""
    includes_cache: bool = False
    """Whether the memory in use includes page cache that can be dropped."""
    oom_kills: Count | None = None
    """Processes in it that the kernel killed for want of memory since it started; None if not
    counted."""
    pids: Count | None = None
    """Its processes and threads; None if they were not counted, or in an old snapshot."""
    pids_limit: Count | None = None
    """The limit of those in force; None if there is none."""
    most_files: OpenFiles | Unobserved | None = None
    """Its process that is nearest to its limit of open files; None if that was not requested."""
    stopped: tuple[Process, ...] | None = None
    """Its stopped processes; None if they were not observed."""
