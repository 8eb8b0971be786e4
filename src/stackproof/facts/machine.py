"""The engine and the machine that it runs on."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from stackproof.facts.container import CgroupVersion
from stackproof.facts.fields import Count
from stackproof.frozen import Frozen
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved

MOST_SECONDS = 1e12
"""More than there are between any two dates."""

Limit = Literal["memory", "CPU", "process"]
"""A kind of limit of a container."""


class Machine(Frozen):
    """The engine and the machine that it runs on."""

    engine_version: str
    cpus: Count
    memory: Bytes
    cgroup_version: CgroupVersion
    name: str = ""
    """Its host name."""
    data_directory: str = ""
    """The directory of the engine's images, volumes and logs."""
    clock_ahead_s: Annotated[float, Field(ge=-MOST_SECONDS, le=MOST_SECONDS)] = 0
    """Seconds by which its clock is ahead of the clock here; negative if it is behind."""
    clock_uncertain_s: float = 0
    """The uncertainty of that: half the duration of the request."""
    id: str = ""
    """The engine's id, which lasts as long as its data; empty if it has none."""
    log_driver: str = ""
    """The logging driver of containers that name none; empty in an old snapshot."""
    product: Literal["Docker", "Podman"] = "Docker"
    rootless: bool = False
    """Whether the engine runs without root, so that its networks are not those of its machine."""
    not_enforced: tuple[Limit, ...] = ()
    """Limits that the engine accepts but cannot enforce, because a cgroup controller is missing."""


class Capacity(Frozen):
    """The size of a resource of a machine, and how much of it is free."""

    total: Count
    """Bytes or inodes; 0 if there is no limit, as for the inodes of some file systems."""
    free: Count
    where: str = ""
    """The mount point of the file system; empty for memory."""

    @property
    def free_ratio(self) -> float:
        """Return the free part, from 0 to 1."""
        return self.free / self.total if self.total else 1.0


class HostFile(Frozen):
    """The mode, the owner and the size of a file."""

    mode: int
    owner: str
    size: int | None = None
    """Bytes; None in an old snapshot."""


SourceState = str | Unobserved
"""What became of the source of a mount: empty if it is what is mounted, `deleted`, or
`moved to /opt/old`."""


class FileSystem(Frozen):
    """A file system of a machine."""

    device: str
    """Its number in the kernel: `254:1`."""
    disk: Capacity
    """Bytes."""
    inodes: Capacity
    was_made_read_only: bool
    """Whether it was mounted for writing, and the kernel writes nothing to it any more."""
    has_engine_data: bool
    """Whether the engine's data lies on it as well."""


class MountSource(Frozen):
    """A path on the engine's machine that containers may write to."""

    path: str
    mounted_by: tuple[str, ...]
    """Containers and the paths there: `shop-db /var/lib/postgresql/data`."""
    file_system: FileSystem | Unobserved


class HostState(Frozen):
    """The engine's machine, as the login user observes it."""

    disk: Capacity | Unobserved
    """The file system of the engine's data, in bytes, as `df` reports it."""
    inodes: Capacity | Unobserved
    memory: Capacity | Unobserved
    """Memory available without swapping, in bytes, as the kernel estimates it."""
    files: Mapping[str, HostFile] = {}
    """By path: the requested files, and the files below requested directories."""
    closed: tuple[str, ...] = ()
    """Requested paths for which the login user lacks permission."""
    sources: Mapping[str, Mapping[str, SourceState]] | None = None
    """By running container and path in it: the state of the source of a mount. None in an old
    snapshot."""
    data: tuple[MountSource, ...] | Unobserved | None = None
    """What running containers may write to; None if not requested, or in an old snapshot."""
    unusable: Mapping[str, str] = {}
    """By path that was not requested, why: `unusable path '-exec'`."""
