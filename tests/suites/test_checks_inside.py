"""What databases, services and the engine say of themselves turns red exactly what it should.

Each subject below is one case. All of them are verified in one run of the suites.
"""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.command import CommandResult
from stackproof.facts.container import Usage
from stackproof.facts.response import Response
from stackproof.sizes import Bytes
from tests import shop
from tests.command_line import Ran
from tests.shop import GIB, MIB, STUCK, answered, psql, redis_info, said

Failures = dict[str, str]
"""What is said by each check that does not pass."""

POSTGRESQL: dict[str, tuple[Failures, CommandResult]] = {
    "pg-fine": ({}, psql(connections=79)),
    "pg-standby": (
        {"datastores.writable": "pg-standby writes: expected writable, observed in recovery"},
        psql(in_recovery=True, read_only=True),
    ),
    "pg-read-only": (
        {"datastores.writable": "pg-read-only writes: expected writable, observed read-only"},
        psql(read_only=True),
    ),
    "pg-full": (
        {
            "datastores.connections_free": "pg-full connections in use: "
            "expected under 80% of 100, observed 80 (80%)"
        },
        psql(connections=80),
    ),
    "pg-no-database": (
        {
            "datastores.query": "pg-no-database query: expected a result for role app in "
            "database shop, observed no such database",
            "datastores.writable": "?PostgreSQL did not answer a query: no such database",
            "datastores.connections_free": "?PostgreSQL did not answer a query: no such database",
            **dict.fromkeys(
                (
                    "postgresql.archiving",
                    "postgresql.lock_waits",
                    "postgresql.open_transactions",
                    "postgresql.replication_slots",
                    "postgresql.synchronous_standbys",
                    "postgresql.transaction_ids",
                ),
                "?PostgreSQL did not answer a query: no such database",
            ),
        },
        said("psql", 2, "no such database"),
    ),
}
_NO_INFO = "?Redis did not answer INFO: no answer in time"
REDIS: dict[str, tuple[Failures, CommandResult]] = {
    "redis-fine": ({}, redis_info()),
    "redis-loads": (
        {"datastores.loaded": "redis-loads data: expected loaded, observed still loading"},
        redis_info(loading=1),
    ),
    "redis-replica": (
        {"datastores.master": "redis-replica role: expected master, observed slave"},
        redis_info(role="slave"),
    ),
    "redis-unsaved": (
        {"datastores.saves": "redis-unsaved last save: expected ok, observed err"},
        redis_info(rdb_last_bgsave_status="err"),
    ),
    "redis-unwritten": (
        {"datastores.appends": "redis-unwritten append-only write: expected ok, observed err"},
        redis_info(aof_last_write_status="err"),
    ),
    "redis-without-a-file": ({}, redis_info(aof_enabled=0, aof_last_write_status="err")),
    "redis-below-its-maximum": ({}, redis_info(maxmemory=1001)),
    "redis-full": (
        {
            "datastores.memory_free": "redis-full memory in use: "
            "expected under 90% of its maximum 1000 B, observed 900 B (90%)"
        },
        redis_info(maxmemory=1000),
    ),
    "redis-hangs": (
        dict.fromkeys(
            [
                f"datastores.{check}"
                for check in ("loaded", "master", "replicas", "saves", "appends")
            ]
            + ["datastores.memory_free"],
            _NO_INFO,
        ),
        said("redis-cli info", 137, "", timed_out=True),
    ),
}
URL = "http://172.20.0.2/up"
HEALTHS: dict[str, tuple[Failures, Response]] = {
    "well": ({}, answered((URL, 200), body='{"status": "ok", "queue": 3, "text": "up"}')),
    "degraded": (
        {"health.says": "degraded /up says: expected status: ok, observed status: poor"},
        answered((URL, 200), body='{"status": "poor", "text": "up"}'),
    ),
    "no-json": (
        {"health.says": "no-json /up says: expected status: ok, observed status: none"},
        answered((URL, 200), body="up"),
    ),
    "wordless": (
        {"health.says": 'wordless /up says: expected up, observed {"status": "ok"}'},
        answered((URL, 200), body='{"status": "ok"}'),
    ),
    "failing": (
        {"health.answers": "failing /up status: expected 200, observed 503"},
        answered((URL, 503), body='{"status": "ok", "text": "up"}'),
    ),
    "refusing": (
        {
            "health.answers": "refusing /up status: expected 200, observed connection refused",
            "health.says": "?it did not answer: connection refused",
        },
        answered(error="connection refused"),
    ),
}
TAGS = "http://172.20.0.2/api/tags"
MODELS: dict[str, tuple[Failures, Response]] = {
    "held": ({}, answered((TAGS, 200), body='{"models": [{"name": "a:latest"}, {"name": "b:1"}]}')),
    "held-otherwise": (
        {"health.models": "held-otherwise models: expected a:latest, b:1, observed no b:1"},
        answered((TAGS, 200), body='{"models": [{"name": "a:latest"}, {"name": "b:2"}]}'),
    ),
    "no-list": (
        {"health.models": f"?{TAGS} answered 404, and no list of models"},
        answered((TAGS, 404), body="not found"),
    ),
}


def _used(memory: int, throttled: int = 0, periods: int = 1000) -> Usage:
    return Usage(
        memory_limit=Bytes(GIB),
        memory_used=Bytes(memory),
        cpu_periods=periods,
        cpu_throttled_periods=throttled,
    )


USED: dict[str, tuple[Failures, Usage]] = {
    "roomy": ({}, _used(900 * MIB, 249)),
    "just-started": ({}, _used(MIB, 9, 10)),
    "crammed": (
        {
            "resources.memory_free": "crammed memory in use: "
            "expected under 90% of 1 GiB, observed 922 MiB (90%)"
        },
        _used(922 * MIB),
    ),
    "held-back": (
        {
            "resources.cpu_throttled": "held-back CPU throttled: "
            "expected in under 25% of its busy periods, observed 25%"
        },
        _used(MIB, 250),
    ),
    # As Podman counts: with page cache, and without periods.
    "cached": ({}, _used(900 * MIB).model_copy(update={"includes_cache": True})),
    "full-of-cache": (
        {
            "resources.memory_free": "?the engine reports 922 MiB in use including page cache, "
            "which the kernel can drop"
        },
        _used(922 * MIB).model_copy(update={"includes_cache": True}),
    ),
    "uncounted": (
        {"resources.cpu_throttled": "?no periods of its CPU limit were counted"},
        _used(MIB, 0, 0),
    ),
}


def _environment() -> dict[str, Any]:
    services: dict[str, dict[str, Any]] = {name: {} for name in [*POSTGRESQL, *REDIS]}
    asked = {"ports": [80], "health": {"path": "/up", "fields": {"status": "ok"}, "text": "up"}}
    held = {"ports": [80], "models": ["a", "b:1"]}
    limited = {"limits": {"cpus": 1.5, "memory": "1G"}}
    return {
        "services": services
        | dict.fromkeys(HEALTHS, asked)
        | dict.fromkeys(MODELS, held)
        | dict.fromkeys(USED, limited),
        "datastores": {
            "postgresql": {name: {"user": "app", "database": "shop"} for name in POSTGRESQL},
            "redis": {name: {} for name in REDIS},
        },
    }


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    observed = shop.facts(
        containers=dict.fromkeys([*USED, *POSTGRESQL], shop.container()),
        usage={name: used for name, (_, used) in USED.items()},
        commands={f"psql {name}": result for name, (_, result) in POSTGRESQL.items()}
        | {f"postgres_df {name}": shop.postgres_df() for name in POSTGRESQL}
        | {f"redis_info {name}": result for name, (_, result) in REDIS.items()},
        answers={f"health {name}": answer for name, (_, answer) in HEALTHS.items()}
        | {f"models {name}": answer for name, (_, answer) in MODELS.items()},
    )
    inside = "datastores or health or resources"
    return shop.replay(
        tmp_path_factory.mktemp("inside"), _environment(), observed, "-m", f"shop and ({inside})"
    )


OTHERS = {
    "datastores.accepts_connections", "datastores.ping", "resources.cpu_limit",
    "resources.memory_limit", "resources.effective_memory",
}  # fmt: skip
"""Checks of facts that these snapshots do not hold."""


@pytest.mark.parametrize("name", [*POSTGRESQL, *REDIS, *HEALTHS, *MODELS, *USED])
def test_what_is_said(ran: Ran, name: str) -> None:
    expected, _ = {**POSTGRESQL, **REDIS, **HEALTHS, **MODELS, **USED}[name]
    results = {
        check.removesuffix(f"[{name}]"): line
        if outcome == "FAIL"
        else line.replace("could not be evaluated: ", "?")
        for check, (outcome, line) in ran.results("shop").items()
        if check.endswith(f"[{name}]")
    }
    assert {check: line for check, line in results.items() if check not in OTHERS} == expected


@pytest.mark.parametrize(
    ("machine", "results"),
    [
        ({}, {}),
        ({"engine_version": "20.10"}, {}),
        (
            {"engine_version": "20.9.9"},
            {"engine_version": "engine version: expected at least 20.10, observed 20.9.9"},
        ),
        ({"clock_ahead_s": 2.4, "clock_uncertain_s": 0.5}, {}),
        (
            {"clock_ahead_s": -3.0, "clock_uncertain_s": 0.5},
            {"clock": "clock: expected within 2 s of the one here, observed 2.5 s behind"},
        ),
    ],
)
def test_the_host(
    tmp_path_factory: pytest.TempPathFactory, machine: dict[str, Any], results: Failures
) -> None:
    environment = {"services": {"api": {}}, "host": {"engine_version": "20.10", "clock_skew": 2}}
    observed = shop.facts(machine=shop.MACHINE.model_copy(update=machine))
    folder = tmp_path_factory.mktemp("host")
    ran = shop.replay(folder, environment, observed, "-m", "shop and host")
    assert ran.results("shop") == {
        f"host.{check}[host]": ("FAIL", f"host {line}") for check, line in results.items()
    }


def test_podman_has_version_numbers_of_its_own(tmp_path: Path) -> None:
    environment = {"services": {"api": {}}, "host": {"engine_version": "20.10"}}
    podman = {"product": "Podman", "engine_version": "4.3.1"}
    observed = shop.facts(machine=shop.MACHINE.model_copy(update=podman))
    ran = shop.replay(tmp_path, environment, observed, "-m", "shop and host")
    assert ran.results("shop") == {
        "host.engine_version[host]": (
            "UNKNOWN",
            "could not be evaluated: the engine is Podman 4.3.1, not a version of Docker",
        )
    }


def test_a_machine_that_was_not_seen(tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = {"services": {"api": {}}, "host": {"clock_skew": 2}}
    folder = tmp_path_factory.mktemp("unseen")
    ran = shop.replay(folder, environment, shop.facts(machine=STUCK), "-m", "shop and host")
    assert ran.results("shop") == {
        f"host.{check}[host]": ("UNKNOWN", "could not be evaluated: no answer within 8 s")
        for check in ("clock", "disk", "inodes", "memory")
    }
