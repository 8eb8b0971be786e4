"""Parsers of the output of datastores' clients. Output that cannot be read is not observed."""

import re

import pytest

from stackproof.facts.command import CommandResult
from stackproof.kinds.postgresql import postgres_state
from stackproof.kinds.redis import redis_state
from stackproof.unobserved import UnobservedError

INFO = "\r\n".join(
    [
        "# Memory", "used_memory:941800", "used_memory_human:919.73K", "maxmemory:0",
        "# Persistence", "loading:0", "rdb_last_bgsave_status:ok", "aof_enabled:1",
        "aof_last_write_status:ok", "aof_last_bgrewrite_status:ok", "# Replication", "role:master",
    ]
)  # fmt: skip
ROW = '{"in_recovery" : false, "read_only" : true, "connections" : 7, "max_connections" : 100}'


def result(output: str, exit_code: int | None = 0) -> CommandResult:
    return CommandResult(command="client", exit_code=exit_code, output=output)


def test_postgres_state() -> None:
    state = postgres_state.parse(result(ROW))
    assert (state.in_recovery, state.read_only) == (False, True)
    assert (state.connections, state.max_connections) == (7, 100)


def test_a_warning_before_the_row_is_not_the_row() -> None:
    assert postgres_state.parse(result(f"WARNING: collation version\n{ROW}")).connections == 7


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            result("psql: error: refused", 2),
            "PostgreSQL did not answer a query: psql: error: refused",
        ),
        (
            result("vpn-postgres is exited", None),
            "PostgreSQL did not answer a query: vpn-postgres is exited",
        ),
        (result("1"), "PostgreSQL's answer cannot be read: 1"),
        (
            result(ROW.replace("false", "7").replace("true", "7")),
            "PostgreSQL's answer cannot be read (in_recovery, read_only): "
            '{"in_recovery" : 7, "read_only" : 7, "connections" : 7, "max_connections" : 100}',
        ),
    ],
)
def test_postgres_state_not_observed(answer: CommandResult, reason: str) -> None:
    with pytest.raises(UnobservedError) as error:
        postgres_state.parse(answer)
    assert str(error.value) == reason


def test_a_single_connection_is_possible() -> None:
    assert postgres_state.parse(result(ROW.replace("100", "1"))).max_connections == 1


def test_redis_state() -> None:
    state = redis_state.parse(result(INFO))
    assert (state.role, state.loading, state.aof_enabled) == ("master", False, True)
    assert (state.used_memory, state.maxmemory) == (941800, 0)
    assert (state.rdb_last_bgsave_status, state.aof_last_write_status) == ("ok", "ok")


def test_redis_state_needs_no_other_fields() -> None:
    needed = "\n".join(line for line in INFO.splitlines() if ":" in line and "human" not in line)
    assert redis_state.parse(result(needed)) == redis_state.parse(result(INFO))


@pytest.mark.parametrize(
    "output",
    ["NOAUTH Authentication required.", "no answer", INFO.replace("role:", "roll:"), INFO[:60]],
)
def test_redis_state_not_observed(output: str) -> None:
    with pytest.raises(UnobservedError, match=r"^Redis did not answer INFO: "):
        redis_state.parse(result(output))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("used_memory", "\u00b2"), ("used_memory", "9" * 5000), ("used_memory", "9" * 20),
        ("used_memory", ""), ("maxmemory", "-1"), ("maxmemory", "1.5"), ("loading", "2"),
        ("aof_enabled", "yes, indeed"),
    ],
)  # fmt: skip
def test_invalid_field_of_redis_is_named(field: str, value: str) -> None:
    info = re.sub(rf"(?m)^{field}:.*?\r?$", f"{field}:{value}", INFO)
    with pytest.raises(UnobservedError) as error:
        redis_state.parse(result(info))
    assert str(error.value) == f"Redis's INFO cannot be read ({field})"


@pytest.mark.parametrize("value", ["0", "-1", "9" * 20, "9" * 5000, "NaN", "1e999", "null", '"²"'])
def test_invalid_field_of_postgresql(value: str) -> None:
    with pytest.raises(UnobservedError) as error:
        postgres_state.parse(result(ROW.replace("100", value)))
    assert str(error.value).startswith("PostgreSQL's answer cannot be read")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("row", ["[" * 100_000, '{"a":' * 10_000, "\n", "", "\ud800", "x" * 10**6])
def test_output_that_is_not_a_row(row: str) -> None:
    with pytest.raises(
        UnobservedError, match=r"^PostgreSQL's answer cannot be read: [^\n]{1,500}$"
    ):
        postgres_state.parse(result(row))
