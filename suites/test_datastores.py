"""Datastores respond to their own clients, accept and persist writes, and have capacity left.

The commands run in the server's container. All commands of a container share 4 seconds.
"""

from collections.abc import Callable

from stackproof.facts.command import CommandResult
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import critical, declares
from stackproof.hint import Hint, advice, in_container, log_of
from stackproof.kinds import postgresql as postgresql_kind
from stackproof.kinds import redis as redis_kind
from stackproof.kinds.password import require_login, with_password
from stackproof.kinds.postgresql import Postgresql, PostgresState
from stackproof.kinds.redis import Redis, RedisState
from stackproof.kinds.registry import Datastore
from stackproof.shell import Line, line
from stackproof.unobserved import UnobservedError


@critical
def test_accepts_connections(
    postgresql: Postgresql, pg_isready: CommandResult, psql: CommandResult
) -> None:
    """PostgreSQL can run and refuse all clients: at startup, at shutdown, out of connections.

    On a busy machine, the readiness probe may take too long although a query gets its result.
    """
    same_way = postgresql.has_password or not postgresql.over_tcp
    answers = psql.exit_code == 0 and same_way
    assert pg_isready.exit_code == 0 or answers, finding(
        postgresql,
        "connections",
        expected="accepting connections",
        observed=pg_isready.observed,
        evidence={"command": pg_isready.command, "output": pg_isready.output},
        hint=_log_of(postgresql),
    )


@critical
def test_query(
    postgresql: Postgresql, psql: CommandResult, warn: Callable[[Finding], None]
) -> None:
    """The readiness probe needs no role and no database: only a query proves that both exist.

    If the password is known, it is used over TCP, as clients do: a volume keeps the password that
    it was created with. Indexes that were sorted by other collations are a warning.
    """
    require_login(postgresql, psql, postgresql_kind.UNAUTHENTICATED)
    if mismatch := postgresql_kind.collation_mismatch(psql):
        warn(
            finding(
                postgresql,
                "collations",
                expected="those that its indexes were sorted by",
                observed=mismatch,
            )
        )
    assert psql.exit_code == 0, finding(
        postgresql,
        "query",
        expected=f"a result for role {postgresql.user} in database {postgresql.database}",
        observed=psql.error,
        evidence={"command": psql.command, "output": psql.output},
        hint=_log_of(postgresql),
    )


@critical
def test_writable(postgresql: Postgresql, postgres_state: PostgresState) -> None:
    """A standby or read-only server answers every query and refuses every order."""
    recovering = postgres_state.in_recovery
    state = "in recovery" if recovering else "read-only" if postgres_state.read_only else "writable"
    primary = "SELECT sender_host, status FROM pg_stat_wal_receiver"
    where = "SELECT sourcefile FROM pg_settings WHERE name = 'default_transaction_read_only'"
    assert state == "writable", finding(
        postgresql,
        "writes",
        expected="writable",
        observed=state,
        hint=_psql(postgresql, primary if recovering else where),
    )


def test_connections_free(postgresql: Postgresql, postgres_state: PostgresState) -> None:
    """Once all connections are taken, every service that needs a new one fails."""
    used, most = postgres_state.connections, postgres_state.max_connections
    assert used < postgresql.connections_used * most, finding(
        postgresql,
        "connections in use",
        expected=f"under {postgresql.connections_used:.0%} of {most}",
        observed=f"{used} ({used / most:.0%})",
        hint=_psql(
            postgresql,
            "SELECT usename, client_addr, state, count(*) FROM pg_stat_activity "
            "GROUP BY 1, 2, 3 ORDER BY 4 DESC",
        ),
    )


@critical
def test_ping(redis: Redis, redis_ping: CommandResult) -> None:
    """A hung Redis keeps its port open: only a response proves that it works."""
    require_login(redis, redis_ping, redis_kind.UNAUTHENTICATED)
    reply = redis_kind.reply(redis, redis_ping)
    if reply.startswith(redis_kind.NO_PERMISSION):
        raise UnobservedError(f"the user of {redis.name} may not use PING: {reply}")
    assert reply == "PONG", finding(
        redis,
        "PING",
        expected="PONG",
        observed=redis_ping.observed if reply == redis_ping.output else reply,
        evidence={"command": redis_ping.command, "output": redis_ping.output},
        hint=_log_of(redis),
    )


@critical
def test_loaded(redis: Redis, redis_state: RedisState) -> None:
    """While Redis loads its data, it refuses most commands."""
    assert not redis_state.loading, finding(
        redis,
        "data",
        expected="loaded",
        observed="still loading",
        hint=(
            _redis_cli(redis, line("redis-cli info persistence")),
            advice("loading_eta_seconds is the time left"),
        ),
    )


@critical
def test_master(redis: Redis, redis_state: RedisState) -> None:
    """A replica refuses writes, and its master overwrites its data.

    A declared `replica` must be one, and connected to its master.
    """
    is_cut_off = redis.replica and redis_state.master_link_status == "down"
    role = f"{redis_state.role}{' without its master' if is_cut_off else ''}"
    expected = "slave" if redis.replica else "master"
    assert role == expected, finding(
        redis,
        "role",
        expected=expected,
        observed=role,
        hint=(
            _redis_cli(redis, line("redis-cli info replication")),
            advice("master_host is its master"),
        ),
    )


def test_saves(redis: Redis, redis_state: RedisState) -> None:
    """A Redis that cannot save works until it restarts, and then has lost its data."""
    assert redis_state.rdb_last_bgsave_status == "ok", finding(
        redis,
        "last save",
        expected="ok",
        observed=redis_state.rdb_last_bgsave_status,
        hint=(
            _log_of(redis),
            advice("fix the disk, then save"),
            _redis_cli(redis, line("redis-cli bgsave")),
        ),
    )


def test_appends(redis: Redis, redis_state: RedisState) -> None:
    """If the append-only file cannot be written, a restart loses every write since then.

    If it cannot be rewritten, it grows until the disk is full.
    """
    results = {
        "append-only write": redis_state.aof_last_write_status,
        "append-only rewrite": redis_state.aof_last_bgrewrite_status,
    }
    wrong = [name for name, result in results.items() if result != "ok"]
    assert not redis_state.aof_enabled or not wrong, finding(
        redis,
        " and ".join(wrong),
        expected="ok",
        observed=results.get(next(iter(wrong), "")),
        hint=(_log_of(redis), in_container(subject_name(redis), "df -h")),
    )


@declares("append_only")
def test_append_only(redis: Redis, redis_state: RedisState) -> None:
    """Without an append-only file, a crash loses every write since the last save.

    While Redis loads its data, it reports that the file is off.
    """
    if redis_state.loading:
        raise UnobservedError("Redis is still loading its data")
    assert redis_state.aof_enabled == redis.append_only, finding(
        redis,
        "appendonly",
        expected=_on(redis.append_only),
        observed=_on(redis_state.aof_enabled),
        hint=(
            _redis_cli(redis, line("redis-cli config get appendonly")),
            advice("fix appendonly where Redis is configured: CONFIG SET lasts until it restarts"),
        ),
    )


@declares("eviction")
def test_eviction(redis: Redis, redis_state: RedisState) -> None:
    """A queue must not lose keys when memory is short, and a cache must not refuse writes."""
    if not redis_state.maxmemory_policy:
        raise UnobservedError("Redis does not report its maxmemory-policy")
    assert redis_state.maxmemory_policy == redis.eviction, finding(
        redis,
        "maxmemory-policy",
        expected=redis.eviction,
        observed=redis_state.maxmemory_policy,
        hint=(
            _redis_cli(redis, line("redis-cli config get maxmemory*")),
            advice("fix it where Redis is configured: CONFIG SET lasts until it restarts"),
        ),
    )


def test_memory_free(redis: Redis, redis_state: RedisState) -> None:
    """At its maximum, Redis evicts keys that services rely on, or refuses writes.

    A cache whose `maxmemory-policy` evicts any key is always at its maximum. It is verified only
    if `memory_used` is declared.
    """
    used, most = redis_state.used_memory, redis_state.maxmemory
    may_be_full = redis_state.is_cache and redis.memory_used is None
    allowed = redis.memory_used or redis_kind.MEMORY_USED
    right = not most or may_be_full or used < allowed * most
    assert right, finding(
        redis,
        "memory in use",
        expected=f"under {allowed:.0%} of its maximum {most}",
        observed=f"{used} ({used / max(most, 1):.0%})",
        hint=(
            _redis_cli(redis, line("redis-cli --bigkeys")),
            advice("raise maxmemory, or let keys expire"),
        ),
    )


@critical
def test_replicas(redis: Redis, redis_state: RedisState) -> None:
    """A master that must have replicas refuses writes without them (`min-replicas-to-write`)."""
    assert redis_state.min_slaves_good_slaves != 0, finding(
        redis,
        "replicas",
        expected="enough to accept writes",
        observed="none that keeps up",
        hint=_redis_cli(redis, line("redis-cli info replication")),
    )


@declares("clients_used")
def test_clients_free(
    redis: Redis, redis_state: RedisState, warn: Callable[[Finding], None]
) -> None:
    """At its maximum of clients, Redis refuses every new connection.

    That it refused some since it started is a warning.
    """
    if redis_state.rejected_connections:
        warn(
            finding(
                redis,
                "rejected connections",
                expected="none since it started",
                observed=redis_state.rejected_connections,
            )
        )
    used, most = redis_state.connected_clients, redis_state.maxclients
    if used is None or not most:
        raise UnobservedError("Redis does not report maxclients: version 7 is the first that does")
    allowed = redis.clients_used or 1.0
    assert used < allowed * most, finding(
        redis,
        "clients",
        expected=f"under {allowed:.0%} of {most}",
        observed=f"{used} ({used / most:.0%})",
        hint=_redis_cli(redis, line("redis-cli client list")),
    )


def _on(enabled: object) -> str:
    return "yes" if enabled else "no"


def _log_of(datastore: Datastore) -> Hint:
    return log_of(subject_name(datastore))


def _psql(server: Postgresql, query: str) -> Hint:
    return in_container(
        subject_name(server), "psql -U {} -d {} -c {}", server.user, server.database, query
    )


def _redis_cli(redis: Redis, client: Line) -> Hint:
    """Return a command that reads the declared password where the container has it."""
    if not redis.has_password:
        return in_container(subject_name(redis), client)
    script = with_password(redis, Line(f"exec {client}"), "REDISCLI_AUTH")
    return in_container(subject_name(redis), "sh -c {}", script.replace("\n", "; "))
