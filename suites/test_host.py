"""The engine and its machine can run the stack."""

import re
from collections.abc import Callable, Iterable, Iterator

from stackproof.environment.machine import Host
from stackproof.environment.model import Environment
from stackproof.facts.machine import Capacity, FileSystem, Machine, MountSource
from stackproof.finding import Finding, finding
from stackproof.fixtures.session.collection import declares
from stackproof.hint import advice, here, server
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved, UnobservedError, observed

_DIGITS = 18
_ROOM = 10 * 1024**3
"""Bytes: on a disk with so much left, writes succeed for a while."""
_MANY_INODES = 1_000_000
# `20.10.24+dfsg1`, `v28.0.0-rc.1`, `27.0.0~rc1`, `23.0.0-dev`; of `28.x`, the number is 28.
_VERSION = re.compile(
    r"v?(?P<numbers>\d+(?:\.\d+)*)(?P<before>[-~.+]?(?:alpha|beta|rc|pre|tp|dev))?", re.IGNORECASE
)


@declares("engine_version")
def test_engine_version(host: Host, machine: Machine) -> None:
    """An engine that is too old ignores settings of the compose file that it does not know."""
    oldest = host.engine_version or ""
    if machine.product != "Docker":
        raise UnobservedError(
            f"the engine is {machine.product} {machine.engine_version}, not a version of Docker"
        )
    assert _is_at_least(machine.engine_version, oldest), finding(
        host,
        "engine version",
        expected=f"at least {oldest}",
        observed=machine.engine_version,
        hint=(
            server("docker version"),
            advice("upgrade the engine: https://docs.docker.com/engine/install/"),
        ),
    )


@declares("clock_skew")
def test_clock(host: Host, machine: Machine) -> None:
    """If clocks differ, tokens are refused, certificates are not yet valid, and logs mislead."""
    most = host.clock_skew or 0
    # The duration of the request explains some of the difference; only the rest is the clock's.
    skew = max(0.0, abs(machine.clock_ahead_s) - machine.clock_uncertain_s)
    assert skew < most, finding(
        host,
        "clock",
        expected=f"within {most:g} s of the one here",
        observed=f"{skew:.1f} s {'ahead' if machine.clock_ahead_s > 0 else 'behind'}",
        hint=(
            server("date -u"),
            here("date -u"),
            advice("one of the two is not synchronised: start NTP there"),
        ),
    )


def test_disk(host: Host, disk: Capacity, machine: Machine) -> None:
    """On a full disk nothing can be written: no log, no row, no image of the next deploy."""
    assert disk.free_ratio >= host.disk_free, finding(
        host,
        "disk",
        expected=f"at least {host.disk_free:.0%} free",
        observed=f"{disk.free_ratio:.1%} ({Bytes(disk.free)} of {Bytes(disk.total)})",
        evidence={"engine's data": machine.data_directory, "mounted at": disk.where},
        hint=(
            server("docker system df -v"),
            server("df -h -- {}", machine.data_directory),
        ),
    )


def test_inodes(host: Host, inodes: Capacity, machine: Machine) -> None:
    """Without free inodes no file can be created, even with gigabytes of free space."""
    assert inodes.free_ratio >= host.inodes_free, finding(
        host,
        "inodes",
        expected=f"at least {host.inodes_free:.0%} free",
        observed=f"{inodes.free_ratio:.1%} ({inodes.free} of {inodes.total})",
        evidence={"engine's data": machine.data_directory, "mounted at": inodes.where},
        hint=(
            server("df -i -- {}", machine.data_directory) or server("df -i"),
            server("du --inodes -xS -- {} | sort -n | tail", inodes.where),
        ),
    )


def test_memory(
    host: Host,
    memory: Capacity,
    environment: Environment,
    machine: Machine,
    warn: Callable[[Finding], None],
) -> None:
    """When memory runs out, the kernel may kill any process, including the engine.

    Limits that add up to more than the machine has only warn: services may use that much, but
    usually do not.
    """
    services = environment.services.values()
    cpus = sum((each.limits.cpus or 0) * each.instances for each in services)
    most = Bytes(sum((each.limits.memory or 0) * each.instances for each in services))
    if cpus > machine.cpus or most > machine.memory:
        warn(
            finding(
                environment,
                "limits together",
                expected=f"at most the machine's {machine.cpus} CPUs and {machine.memory}",
                observed=f"{cpus:g} CPUs and {most}",
            )
        )
    assert memory.free_ratio >= host.memory_available, finding(
        host,
        "memory",
        expected=f"at least {host.memory_available:.0%} available",
        observed=f"{memory.free_ratio:.1%} ({Bytes(memory.free)} of {Bytes(memory.total)})",
        hint=(
            server("docker stats --no-stream"),
            server("ps -eo pid,rss,args --sort=-rss | head"),
        ),
    )


def test_mounts_free(host: Host, written_mounts: tuple[MountSource, ...]) -> None:
    """A database on a full disk stops at its next write, although the engine's disk has room.

    These are the disks that running containers write to through bind mounts and volumes. One with
    10 GiB and a million inodes left is not full. The engine's own disk is that of `host.disk`.
    """
    full = _by_device(
        (each, system)
        for each, system in _file_systems(written_mounts)
        if not system.has_engine_data and _why_full(host, system)
    )
    assert not full, finding(
        host,
        "disks of mounts",
        expected=f"at least {host.disk_free:.0%} free"
        if any(_is_full(host, system) for _, system in full)
        else f"at least {host.inodes_free:.0%} of the inodes free",
        observed=", ".join(_why_full(host, system) for _, system in full),
        evidence={system.disk.where: ", ".join(each.mounted_by) for each, system in full},
        hint=(
            server("df -h -- {}", tuple(each.path for each, _ in full)),
            server("df -i -- {}", tuple(each.path for each, _ in full)),
        ),
    )
    _require_observed(written_mounts)


def test_mounts_writable(host: Host, written_mounts: tuple[MountSource, ...]) -> None:
    """After an error of a disk, the kernel makes its file system read-only: nothing is saved."""
    stopped = _by_device(
        (each, system)
        for each, system in _file_systems(written_mounts)
        if system.was_made_read_only
    )
    assert not stopped, finding(
        host,
        "disks of mounts",
        expected="writable",
        observed=", ".join(
            f"read-only file system at {system.disk.where}" for _, system in stopped
        ),
        evidence={system.disk.where: ", ".join(each.mounted_by) for each, system in stopped},
        hint=(
            server("df -h -- {}", tuple(each.path for each, _ in stopped)),
            advice("find the error of the disk in the kernel's log (dmesg) before you repair it"),
        ),
    )
    _require_observed(written_mounts)


def _file_systems(mounts: Iterable[MountSource]) -> Iterator[tuple[MountSource, FileSystem]]:
    """Yield what was observed: the mounts and their file systems."""
    for each in mounts:
        if not isinstance(each.file_system, Unobserved):
            yield each, each.file_system


def _by_device(
    found: Iterable[tuple[MountSource, FileSystem]],
) -> list[tuple[MountSource, FileSystem]]:
    """Return the first mount of each file system."""
    first: dict[str, tuple[MountSource, FileSystem]] = {}
    for each, system in found:
        first.setdefault(system.device, (each, system))
    return list(first.values())


def _require_observed(mounts: Iterable[MountSource]) -> None:
    """Raise an error if the file system of a mount was not observed."""
    for each in mounts:
        observed(each.file_system)


def _is_full(host: Host, system: FileSystem) -> bool:
    return system.disk.free_ratio < host.disk_free and system.disk.free < _ROOM


def _why_full(host: Host, system: FileSystem) -> str:
    """Return what is used up of a file system; empty if nothing is."""
    disk, inodes = system.disk, system.inodes
    if _is_full(host, system):
        part = f"{disk.free_ratio:.1%} ({Bytes(disk.free)} of {Bytes(disk.total)})"
        return f"{part} at {disk.where}"
    if inodes.free_ratio < host.inodes_free and inodes.free < _MANY_INODES:
        part = f"{inodes.free_ratio:.1%} of the inodes ({inodes.free} of {inodes.total})"
        return f"{part} at {inodes.where}"
    return ""


def _is_at_least(version: str, oldest: str) -> bool:
    """Return whether a version of Docker is the oldest one, or later.

    Raises:
        UnobservedError: it has no number, as a build of a branch has none, or it is a release
            candidate of the oldest one.
    """
    read = _VERSION.match(version)
    if read is None or not any(numbers := _numbers(read["numbers"])):
        raise UnobservedError(f"the engine's version is {version!r}, which is not a number")
    required = _numbers(oldest)
    length = max(len(numbers), len(required))
    numbers += (0,) * (length - len(numbers))
    required += (0,) * (length - len(required))
    if read["before"] and numbers == required:
        raise UnobservedError(f"the engine's version is {version}, which precedes {oldest}")
    return numbers >= required


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part[:_DIGITS]) for part in version.split("."))
