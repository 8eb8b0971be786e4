"""The checks of the host, and of health checks that flap."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.container import HealthCheckRun, HealthState
from stackproof.facts.machine import Capacity, FileSystem, HostState, MountSource
from stackproof.facts.snapshot import Facts
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import Ran
from tests.shop import AT, GIB, MIB, STUCK, container

MACHINE: dict[str, Any] = {"services": {"api": {}}, "host": {}}


def verified(folder: Path, environment: dict[str, Any], observed: Facts, checks: str) -> Ran:
    return shop.replay(folder, environment, observed, "-m", f"shop and ({checks})")


def warnings(ran: Ran, check: str) -> list[str]:
    """What the check warns of."""
    checks = ran.verdict("shop")["checks"]
    return [text for each in checks if each["id"] == check for text in each["warnings"]]


def host(**changes: Any) -> HostState:
    return shop.HOST.model_copy(update=changes)


@pytest.mark.parametrize(
    ("seen", "results"),
    [
        (
            host(
                disk=Capacity(total=1000 * MIB, free=50 * MIB, where="/"),
                inodes=Capacity(total=64, free=4, where="/"),
                memory=Capacity(total=100 * GIB, free=5 * GIB),
            ),
            {},
        ),
        (
            host(
                disk=Capacity(total=1000 * MIB, free=49 * MIB, where="/"),
                inodes=Capacity(total=64, free=3, where="/"),
                memory=Capacity(total=100 * GIB, free=4 * GIB),
            ),
            {
                "disk": "FAIL host disk: expected at least 5% free, "
                "observed 4.9% (49 MiB of 1000 MiB)",
                "inodes": "FAIL host inodes: expected at least 5% free, observed 4.7% (3 of 64)",
                "memory": "FAIL host memory: expected at least 5% available, "
                "observed 4.0% (4 GiB of 100 GiB)",
            },
        ),
        (
            host(
                disk=Unobserved(reason="disk of the engine's data: no answer"),
                inodes=Capacity(total=0, free=0, where="/"),
            ),
            {"disk": "UNKNOWN could not be evaluated: disk of the engine's data: no answer"},
        ),
        (
            STUCK,
            dict.fromkeys(
                ("disk", "inodes", "memory", "mounts_free", "mounts_writable"),
                "UNKNOWN could not be evaluated: no answer within 8 s",
            ),
        ),
    ],
    ids=["boundary", "used-up", "endless-inodes", "unseen"],
)
def test_the_host(tmp_path: Path, seen: HostState | Unobserved, results: dict[str, str]) -> None:
    ran = verified(tmp_path, MACHINE, shop.facts(host=seen), "host")
    assert {check: " ".join(each) for check, each in ran.results("shop").items()} == {
        f"host.{check}[host]": line for check, line in results.items()
    }
    assert warnings(ran, "host.memory[host]") == []


def source(path: str, *, free: int = 50, was_made_read_only: bool = False) -> MountSource:
    """A path that a container writes to, on a disk of its own."""
    return MountSource(
        path=path,
        mounted_by=(f"shop-db {path}",),
        file_system=FileSystem(
            device=path,
            disk=Capacity(total=1000 * MIB, free=free * MIB, where=path),
            inodes=Capacity(total=0, free=0, where=path),
            was_made_read_only=was_made_read_only,
            has_engine_data=False,
        ),
    )


UNSEEN = MountSource(
    path="/c", mounted_by=("shop-db /c",), file_system=Unobserved(reason="permission denied")
)
DENIED = "UNKNOWN could not be evaluated: permission denied"
FULL = (
    "FAIL host disks of mounts: expected at least 5% free, observed 4.9% (49 MiB of 1000 MiB) at /a"
)
OLD = "UNKNOWN could not be evaluated: the snapshot does not hold the file systems of mounts"


@pytest.mark.parametrize(
    ("data", "free", "writable"),
    [
        ((), "", ""),
        ((source("/a"), source("/b")), "", ""),
        ((source("/a", free=49), source("/b")), FULL, ""),
        ((UNSEEN, source("/a")), DENIED, DENIED),
        ((UNSEEN, source("/a", free=49)), FULL, DENIED),
        (
            (UNSEEN, source("/a", was_made_read_only=True), source("/b", was_made_read_only=True)),
            DENIED,
            "FAIL host disks of mounts: expected writable, "
            "observed read-only file system at /a, read-only file system at /b",
        ),
        (Unobserved(reason="permission denied"), DENIED, DENIED),
        (None, OLD, OLD),
    ],
)
def test_disks_of_mounts(data: object, free: str, writable: str, tmp_path: Path) -> None:
    ran = verified(tmp_path, MACHINE, shop.facts(host=host(data=data)), "host")
    assert {check: " ".join(each) for check, each in ran.results("shop").items()} == {
        f"host.{check}[host]": line
        for check, line in {"mounts_free": free, "mounts_writable": writable}.items()
        if line
    }


@pytest.mark.parametrize(
    ("limits", "results"),
    [
        ({"cpus": 4, "memory": "4G"}, []),
        (
            {"cpus": 4.5, "memory": "1G"},
            [
                "shop limits together: expected at most the machine's 8 CPUs and 8 GiB, "
                "observed 9 CPUs and 2 GiB"
            ],
        ),
        (
            {"memory": "6G"},
            [
                "shop limits together: expected at most the machine's 8 CPUs and 8 GiB, "
                "observed 0 CPUs and 12 GiB"
            ],
        ),
    ],
    ids=["fit", "cpus", "memory"],
)
def test_limits_together_only_warn(
    tmp_path: Path, limits: dict[str, Any], results: list[str]
) -> None:
    services = {"api": {"limits": limits}, "web": {"limits": limits}, "db": {}}
    ran = verified(tmp_path, {"services": services, "host": {}}, shop.facts(), "host")
    assert ran.exit_code == 0, ran.output
    assert warnings(ran, "host.memory[host]") == results


def runs(codes: str, *, started: int = 0, status: str = "healthy") -> HealthState:
    """A container's latest runs of its health check: `.` went well, `x` failed.

    Args:
        codes: the runs, oldest first.
        started: how many of them were made before the container last started.
        status: what the engine made of them.
    """
    return HealthState(
        status=status,
        failing_streak=0,
        log=tuple(
            HealthCheckRun(
                at=AT + timedelta(seconds=2 * (number - started) + 1),
                exit_code=int(code == "x"),
                output="",
            )
            for number, code in enumerate(codes)
        ),
    )


ONE = "recent health: expected no failure, observed 1 in its latest 5 runs"
TWO = "recent health: expected at most 1 failure, observed 2 in its latest 5 runs"
RECOVERED = "recent health: expected no failure, observed 2 in its latest 5 runs"
FLAPPING: dict[str, tuple[HealthState, str | None]] = {
    "well": (runs("....."), None),
    "was-starting": (runs("xxx.."), None),
    "was-starting-once": (runs("xx.x."), ONE),
    "once": (runs("...x."), ONE),
    "once-now": (runs("....x"), ONE),
    "twice": (runs(".x.x."), TWO),
    "every-other": (runs("x.x.x"), TWO),
    "in-a-row": (runs("..xx."), TWO),
    "recovered": (runs(".xx.."), RECOVERED),
    "recovered-from-more": (
        runs("..xxx.."),
        "recent health: expected no failure, observed 3 in its latest 7 runs",
    ),
    "started-again": (runs(".xxx.", started=4), None),
    "started-again-once": (runs(".xx.x", started=3), ONE),
    "no-runs": (runs(""), None),
    "ill": (runs(".x.xx", status="unhealthy"), None),
    "starting": (runs(".x.xx", status="starting"), None),
}


def test_flapping(tmp_path: Path) -> None:
    observed = shop.facts(
        containers={name: container(health=seen) for name, (seen, _) in FLAPPING.items()}
    )
    environment = {"services": {name: {"healthcheck": "required"} for name in FLAPPING}}
    ran = verified(tmp_path, environment, observed, "containers")
    results = ran.results("shop")
    for name, (_, wrong) in FLAPPING.items():
        check = f"containers.flapping[{name}]"
        assert results.get(check) == (("FAIL", f"{name} {TWO}") if wrong == TWO else None)
        assert warnings(ran, check) == ([f"{name} {wrong}"] if wrong not in (None, TWO) else [])
