"""The engine and its machine are fit to run the stack."""

from collections.abc import Callable

from environments.machine import Host
from environments.model import Environment
from environments.sizes import Bytes
from fixtures.collection import declares
from fixtures.facts import Machine
from fixtures.host import Room
from reports.finding import Finding, finding
from reports.hint import command

_DIGITS = 18


@declares("engine_version")
def test_engine_version(host: Host, machine: Machine) -> None:
    """An engine that is too old takes a compose file and leaves out what it does not know."""
    oldest = host.engine_version or ""
    assert _numbers(machine.engine_version) >= _numbers(oldest), finding(
        host,
        "engine version",
        expected=f"at least {oldest}",
        observed=machine.engine_version,
        hint="upgrade the engine: https://docs.docker.com/engine/install/",
    )


@declares("clock_skew")
def test_clock(host: Host, machine: Machine) -> None:
    """Where clocks differ, tokens are refused, certificates are not yet valid, and logs mislead."""
    most = host.clock_skew or 0
    # Only what the time that asking took cannot explain is sure to be the clock's.
    skew = max(0.0, abs(machine.clock_ahead_s) - machine.clock_uncertain_s)
    assert skew < most, finding(
        host,
        "clock",
        expected=f"within {most:g} s of the one here",
        observed=f"{skew:.1f} s {'ahead' if machine.clock_ahead_s > 0 else 'behind'}",
        hint="timedatectl on the server, then here: one of them is not synchronised",
    )


def test_disk(host: Host, disk: Room, machine: Machine) -> None:
    """On a full disk nothing is written: no log, no row, and no image of the next deploy."""
    assert disk.share >= host.disk_free, finding(
        host,
        "disk",
        expected=f"at least {host.disk_free:.0%} free",
        observed=f"{disk.share:.1%} ({Bytes(disk.free)} of {Bytes(disk.total)})",
        evidence={"engine's data": machine.data_directory, "mounted at": disk.where},
        hint=command("docker system df -v; df -h -- {}", machine.data_directory)
        or "docker system df -v",
    )


def test_inodes(host: Host, inodes: Room, machine: Machine) -> None:
    """Without inodes no file can be made, and the disk is full with gigabytes free."""
    assert inodes.share >= host.inodes_free, finding(
        host,
        "inodes",
        expected=f"at least {host.inodes_free:.0%} free",
        observed=f"{inodes.share:.1%} ({inodes.free} of {inodes.total})",
        evidence={"engine's data": machine.data_directory, "mounted at": inodes.where},
        hint=command(
            "df -i -- {}; du --inodes -xS -- {} | sort -n | tail",
            machine.data_directory,
            inodes.where,
        )
        or "df -i",
    )


def test_memory(
    host: Host,
    memory: Room,
    environment: Environment,
    machine: Machine,
    warn: Callable[[Finding], None],
) -> None:
    """Where memory runs out the kernel kills what it likes, and the engine is as good as any.

    Limits that come to more than the machine has only warn: they are the most that services may
    take, and not what they take.
    """
    limits = [service.limits for service in environment.services.values()]
    cpus = sum(each.cpus or 0 for each in limits)
    most = Bytes(sum(each.memory or 0 for each in limits))
    if cpus > machine.cpus or most > machine.memory:
        warn(
            finding(
                environment,
                "limits together",
                expected=f"at most the machine's {machine.cpus} CPUs and {machine.memory}",
                observed=f"{cpus:g} CPUs and {most}",
            )
        )
    assert memory.share >= host.memory_available, finding(
        host,
        "memory",
        expected=f"at least {host.memory_available:.0%} available",
        observed=f"{memory.share:.1%} ({Bytes(memory.free)} of {Bytes(memory.total)})",
        hint="docker stats --no-stream; ps -eo pid,rss,args --sort=-rss | head",
    )


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: 20.10.24 of `20.10.24+dfsg1`."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits[:_DIGITS]))
        if digits != part:
            break
    return tuple(numbers)
