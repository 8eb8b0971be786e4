"""A small environment of which all is well, and the facts of it, to be varied by a test."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from stackproof.facts.command import CommandResult
from stackproof.facts.container import (
    Container,
    Creation,
    HealthCheckRun,
    HealthState,
    ListedContainer,
    Usage,
)
from stackproof.facts.machine import Capacity, HostState, Machine
from stackproof.facts.proxy import Destination, Proxy, Worker
from stackproof.facts.response import Hop, Response
from stackproof.facts.snapshot import Facts
from stackproof.probes.snapshot import Snapshot
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved
from tests import in_process
from tests.command_line import Ran

MIB = 1024**2
GIB = 1024**3
AT = datetime(2026, 11, 24, 7, 30, 30, tzinfo=UTC)
STUCK = Unobserved(reason="no answer within 8 s")
MACHINE = Machine(
    engine_version="20.10.24", cpus=8, memory=Bytes(8 * GIB), cgroup_version="2",
    log_driver="json-file",
)  # fmt: skip
LIMITS = {"cpus": 1.5, "memory": "512M"}
HEALTHY = HealthState(
    status="healthy", failing_streak=0, log=(HealthCheckRun(at=AT, exit_code=0, output="well"),)
)
CREATION = Creation(
    image="shop:1", image_id="sha256:5409", compose_project="shop",
    compose_files=("/opt/shop/compose.yaml",), restart="unless-stopped", has_health_check=True,
    privileged=False, network_mode="shop_default", log_driver="json-file",
    log_max_size=Bytes(10 * MIB), mounts=(), secret_variables={},
)  # fmt: skip

CONTAINER = Container(
    name="shop", id="c0ffee", status="running", exit_code=0, started_at=AT, restart_count=0,
    oom_killed=False, health=HEALTHY, cpu_limit=1.5, memory_limit=Bytes(512 * MIB),
    addresses={"shop_default": ("172.20.0.5",)}, published={}, creation=CREATION,
)  # fmt: skip
HOST = HostState(
    disk=Capacity(total=100 * GIB, free=50 * GIB, where="/var/lib/docker"),
    inodes=Capacity(total=1000, free=900, where="/var/lib/docker"),
    memory=Capacity(total=8 * GIB, free=4 * GIB),
    data=(),
)
USAGE = Usage(memory_limit=Bytes(512 * MIB), memory_used=Bytes(100 * MIB), cpu_periods=100)
PROXY = Proxy(
    destinations={},
    files={"/etc/nginx/nginx.conf": AT},
    workers=(Worker(started_at=AT, shutting_down=False),),
    addresses={},
)
STATE = {"in_recovery": False, "read_only": False, "connections": 6, "max_connections": 100}
STATISTICS: dict[str, Any] = {
    "replication_slots": [],
    "archiver": {"archives": False, "failed_wal": None, "failed_at": None, "archived_at": None},
    "synchronous_standbys": {"names": "", "connected": 0, "hidden": 0},
    "ids": {"database": "shop", "transaction_ids": 9, "multixact_ids": 0, "autovacuum": True},
    "open_transactions": [],
    "lock_waits": [],
}
INFO = {
    "role": "master", "loading": 0, "rdb_last_bgsave_status": "ok", "aof_enabled": 1,
    "aof_last_write_status": "ok", "aof_last_bgrewrite_status": "ok", "used_memory": 900,
    "maxmemory": 0,
}  # fmt: skip


def container(**changes: Any) -> Container:
    return CONTAINER.model_copy(update=changes)


def created(**changes: Any) -> Creation:
    return CREATION.model_copy(update=changes)


def health(status: str, *outputs: str) -> HealthState:
    log = tuple(HealthCheckRun(at=AT, exit_code=1, output=output) for output in outputs)
    return HealthState(status=status, failing_streak=len(outputs), log=log)


def usage(limit: int) -> Usage:
    return USAGE.model_copy(update={"memory_limit": Bytes(limit)})


def answered(*hops: tuple[str, int] | tuple[str, int, str], **more: Any) -> Response:
    """Answers on the way to the last: URL, status, and `Location` where there is one."""
    seen = tuple(
        Hop(url=hop[0], status=hop[1], location=hop[2] if len(hop) == 3 else None) for hop in hops
    )
    return Response(hops=seen, elapsed_ms=3.5, **more)


def leads(*places: str, **more: Any) -> Destination:
    """Where nginx leads a request: hosts and ports, or nothing for nginx itself."""
    return Destination(leads_to=places or ("",), **{"server": "shop.example", **more})


def said(command: str, exit_code: int | None, output: str, **more: Any) -> CommandResult:
    return CommandResult(command=command, exit_code=exit_code, output=output, **more)


def psql(**changes: Any) -> CommandResult:
    """The rows of a server; a row of statistics that is None is missing."""
    rows = {**STATISTICS, **{name: row for name, row in changes.items() if name not in STATE}}
    state = {**STATE, **{name: value for name, value in changes.items() if name in STATE}}
    printed = [{name: row} for name, row in rows.items() if row is not None]
    return said("psql", 0, "\n".join(map(json.dumps, [*printed, state])))


def postgres_df(**free: int) -> CommandResult:
    """The disks of a server, each with 100 KiB and so many free: `data`, `wal` and `shm`."""
    places = {"data": "/", "wal": "/", "shm": "/dev/shm"}  # noqa: S108 - a mount point
    rows = [
        "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
        f"/dev/vda 100 {100 - free.get(name, 50)} {free.get(name, 50)} 50% {where}"
        for name, where in places.items()
    ]
    return said("df", 0, "\n".join(["directory /data/pgdata", *rows]))


def redis_info(**changes: Any) -> CommandResult:
    fields = {**INFO, **changes}
    return said("redis-cli info", 0, "\r\n".join(f"{key}:{fields[key]}" for key in fields))


def facts(**observed: Any) -> Facts:
    """What is given; what the engine lists and what tags point to agrees with the containers."""
    there: dict[str, Container] = {
        service: each
        for service, each in observed.get("containers", {}).items()
        if isinstance(each, Container)
    }
    return Snapshot(
        **{
            "environment": "shop",
            "run": "c0ffee",
            "gathered_at": AT,
            "duration_s": 0.4,
            "machine": MACHINE,
            "host": HOST,
            "listed": {
                service: ListedContainer(
                    id=each.id,
                    state=each.status,
                    project=each.creation.compose_project,
                    service=service,
                    networks=tuple(each.addresses),
                )
                for service, each in there.items()
            },
            "networks": {"shop_default": ("172.20.0.0/16",)},
            "images": {service: each.creation.image_id for service, each in there.items()},
            "containers": {},
            "usage": {},
            "commands": {},
            "responses": {},
            **observed,
        }
    )


def save(folder: Path, environment: Mapping[str, Any], observed: Facts) -> tuple[str, str]:
    """Write the environment and the snapshot; return the options that lead to them."""
    declared = folder / "environments"
    declared.mkdir(exist_ok=True)
    (declared / "shop.yaml").write_text(yaml.safe_dump(dict(environment)), encoding="utf-8")
    snapshot = folder / "facts.json"
    snapshot.write_text(observed.model_dump_json(), encoding="utf-8")
    return f"--environments={declared}", f"--facts={snapshot}"


def replay(folder: Path, environment: Mapping[str, Any], observed: Facts, *arguments: str) -> Ran:
    """Verify the environment by what the snapshot says of it."""
    options = save(folder, environment, observed)
    return in_process.run(folder / "out", "-m", "shop", *options, *arguments)
