"""The databases answer through their own clients, take writes, keep them, and have room.

The commands run in the server's own container, and share 4 seconds.
"""

from environments.datastores import Postgresql, Redis
from fixtures.collection import critical
from fixtures.datastores import PostgresState, RedisState
from fixtures.facts import CommandResult
from reports.finding import finding
from reports.hint import command


@critical
def test_accepts_connections(postgresql: Postgresql, pg_isready: CommandResult) -> None:
    """PostgreSQL can run and still refuse everyone: in start-up, in shutdown, out of slots."""
    assert pg_isready.exit_code == 0, finding(
        postgresql,
        "connections",
        expected="accepting connections",
        observed=pg_isready.observed,
        evidence={"command": pg_isready.command, "output": pg_isready.output},
        hint=_log_of(postgresql),
    )


@critical
def test_query(postgresql: Postgresql, psql: CommandResult) -> None:
    """Readiness asks for no role and no database: only a query proves that both are there."""
    assert psql.exit_code == 0, finding(
        postgresql,
        "query",
        expected=f"an answer to {postgresql.user} in {postgresql.database}",
        observed=psql.observed,
        evidence={"command": psql.command, "output": psql.output},
        hint=_log_of(postgresql),
    )


@critical
def test_writable(postgresql: Postgresql, postgres_state: PostgresState) -> None:
    """A standby, or a server made read-only, answers every query and loses every order."""
    recovering = postgres_state.in_recovery
    state = "in recovery" if recovering else "read-only" if postgres_state.read_only else "writable"
    primary = "SELECT sender_host, status FROM pg_stat_wal_receiver"
    where = "SELECT sourcefile FROM pg_settings WHERE name = 'default_transaction_read_only'"
    assert state == "writable", finding(
        postgresql,
        "writes",
        expected="writable",
        observed=state,
        hint="in psql: " + (primary if recovering else where),
    )


def test_connections_free(postgresql: Postgresql, postgres_state: PostgresState) -> None:
    """With the last connection taken, every service that needs a new one fails at once."""
    used, most = postgres_state.connections, postgres_state.max_connections
    assert used < postgresql.connections_used * most, finding(
        postgresql,
        "connections in use",
        expected=f"under {postgresql.connections_used:.0%} of {most}",
        observed=f"{used} ({used / most:.0%})",
        hint="in psql: SELECT usename, client_addr, state, count(*) FROM pg_stat_activity "
        "GROUP BY 1, 2, 3 ORDER BY 4 DESC",
    )


@critical
def test_ping(redis: Redis, redis_ping: CommandResult) -> None:
    """A Redis that hangs keeps its port open, so that only an answer proves that it serves."""
    assert redis_ping.output == "PONG", finding(
        redis,
        "PING",
        expected="PONG",
        observed=redis_ping.observed,
        evidence={"command": redis_ping.command, "output": redis_ping.output},
        hint=_log_of(redis),
    )


@critical
def test_loaded(redis: Redis, redis_state: RedisState) -> None:
    """While Redis loads its data, it refuses every command but a few."""
    assert not redis_state.loading, finding(
        redis,
        "data",
        expected="loaded",
        observed="still loading",
        hint="redis-cli info persistence (loading_eta_seconds says how long it will take)",
    )


@critical
def test_master(redis: Redis, redis_state: RedisState) -> None:
    """A replica refuses writes, and what it holds is overwritten by its master."""
    assert redis_state.role == "master", finding(
        redis,
        "role",
        expected="master",
        observed=redis_state.role,
        hint="redis-cli info replication (master_host says whose replica it is)",
    )


def test_saves(redis: Redis, redis_state: RedisState) -> None:
    """A Redis that cannot save serves from memory as if all were well, until it restarts."""
    assert redis_state.rdb_last_bgsave_status == "ok", finding(
        redis,
        "last save",
        expected="ok",
        observed=redis_state.rdb_last_bgsave_status,
        hint=_log_of(redis) + ", then mend the disk and redis-cli bgsave",
    )


def test_appends(redis: Redis, redis_state: RedisState) -> None:
    """Where the append-only file cannot be written, what is written now is gone at a restart."""
    assert not redis_state.aof_enabled or redis_state.aof_last_write_status == "ok", finding(
        redis,
        "append-only write",
        expected="ok",
        observed=redis_state.aof_last_write_status,
        hint=_log_of(redis) + ", then df -h where its data lies",
    )


def test_memory_free(redis: Redis, redis_state: RedisState) -> None:
    """At its maximum, Redis evicts what others rely on, or refuses writes."""
    used, most = redis_state.used_memory, redis_state.maxmemory
    assert not most or used < redis.memory_used * most, finding(
        redis,
        "memory in use",
        expected=f"under {redis.memory_used:.0%} of its maximum {most}",
        observed=f"{used} ({used / max(most, 1):.0%})",
        hint="redis-cli --bigkeys, then raise maxmemory or let keys expire",
    )


def _log_of(datastore: Postgresql | Redis) -> str:
    return command("docker compose logs --tail 50 {}", datastore.name)
