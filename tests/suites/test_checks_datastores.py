"""What is declared of a datastore, or proved by another answer, decides what its state means."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.command import CommandResult
from tests import shop
from tests.shop import psql, redis_info, said

Failures = dict[str, tuple[str, str]]
PASSWORD = {"password_variable": "PASSWORD"}
READY = said("pg_isready", 0, "accepting connections")
NO_ANSWER = said("ask", 137, "", timed_out=True)
NOT_READY = said("pg_isready", 2, "172.20.0.2:5432 - no response")


def failures(
    tmp_path: Path, kind: str, declared: dict[str, Any], **results: CommandResult
) -> Failures:
    """Return what does not pass of a datastore `db` with the results of its commands."""
    environment = {"services": {"db": {}}, "datastores": {kind: {"db": declared}}}
    observed = shop.facts(commands={f"{name} db": result for name, result in results.items()})
    return shop.replay(tmp_path, environment, observed, "-m", "shop and datastores").results("shop")


@pytest.mark.parametrize(
    ("more", "ready", "query", "fails"),
    [
        (PASSWORD, NO_ANSWER, psql(), False),
        (PASSWORD, NOT_READY, psql(), False),
        ({"over_tcp": False}, NO_ANSWER, psql(), False),
        # A query through the socket proves nothing of TCP.
        ({}, NO_ANSWER, psql(), True),
        (PASSWORD, NO_ANSWER, NO_ANSWER, True),
        (PASSWORD, READY, NO_ANSWER, False),
    ],
)
def test_a_query_proves_that_postgresql_accepts_connections(
    tmp_path: Path,
    more: dict[str, Any],
    ready: CommandResult,
    query: CommandResult,
    fails: bool,
) -> None:
    declared = {"user": "app", "database": "shop", **more}
    results = failures(tmp_path, "postgresql", declared, pg_isready=ready, psql=query)
    assert ("datastores.accepts_connections[db]" in results) == fails


ROWS = "read_only\t0\nsuper_read_only\t0\ninnodb_read_only\t0\n"


@pytest.mark.parametrize(("query", "fails"), [(said("mysql", 0, ROWS), False), (NO_ANSWER, True)])
def test_a_query_proves_that_mysql_answers(
    tmp_path: Path, query: CommandResult, fails: bool
) -> None:
    declared = {"user": "app", "database": "shop"}
    results = failures(tmp_path, "mysql", declared, mysql_ping=NO_ANSWER, mysql_query=query)
    assert ("mysql.ping[db]" in results) == fails


PONG = said("redis-cli ping", 0, "PONG")


@pytest.mark.parametrize(
    ("declared", "policy", "said_of_memory"),
    [
        ({}, "allkeys-lru", ""),
        ({}, "allkeys-lfu", ""),
        ({}, "volatile-lru", "under 90% of its maximum 1000 B, observed 990 B (99%)"),
        ({}, "noeviction", "under 90% of its maximum 1000 B, observed 990 B (99%)"),
        (
            {"memory_used": 0.5},
            "allkeys-lru",
            "under 50% of its maximum 1000 B, observed 990 B (99%)",
        ),
        ({"memory_used": 1}, "noeviction", ""),
    ],
)
def test_a_cache_may_be_full(
    tmp_path: Path, declared: dict[str, Any], policy: str, said_of_memory: str
) -> None:
    info = redis_info(maxmemory=1000, used_memory=990, maxmemory_policy=policy)
    line = f"db memory in use: expected {said_of_memory}"
    expected = {"datastores.memory_free[db]": ("FAIL", line)} if said_of_memory else {}
    assert failures(tmp_path, "redis", declared, redis_ping=PONG, redis_info=info) == expected


@pytest.mark.parametrize(
    ("declared", "info", "said_of_role"),
    [
        (True, {"role": "slave", "master_link_status": "up"}, ""),
        (True, {"role": "slave"}, ""),
        (
            True,
            {"role": "slave", "master_link_status": "down"},
            "slave, observed slave without its master",
        ),
        (True, {"role": "master"}, "slave, observed master"),
        (False, {"role": "slave", "master_link_status": "down"}, "master, observed slave"),
    ],
)
def test_a_declared_replica(
    tmp_path: Path, declared: bool, info: dict[str, Any], said_of_role: str
) -> None:
    results = failures(
        tmp_path, "redis", {"replica": declared}, redis_ping=PONG, redis_info=redis_info(**info)
    )
    line = f"db role: expected {said_of_role}"
    assert results == ({"datastores.master[db]": ("FAIL", line)} if said_of_role else {})


def test_a_user_that_may_not_ping(tmp_path: Path) -> None:
    refusal = "NOPERM this user has no permissions to run the 'ping' command"
    refused = said("redis-cli ping", 0, refusal)
    found = failures(
        tmp_path, "redis", {"user": "app", **PASSWORD}, redis_ping=refused, redis_info=redis_info()
    )
    why = f"could not be evaluated: the user of db may not use PING: {refusal}"
    assert found == {"datastores.ping[db]": ("UNKNOWN", why)}
