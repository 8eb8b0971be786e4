"""What PostgreSQL reports of its WAL, transactions, locks and tables: queries and result types.

Each query has a row of its own, so that one that the role may not ask does not affect the others.
A column that only later versions have is read from the row as JSON, where it is null if missing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from stackproof.facts.command import CommandResult
from stackproof.facts.fields import Count, Moment
from stackproof.frozen import Frozen
from stackproof.kinds.registry import invalid_fields
from stackproof.schema.declared import Declared
from stackproof.schema.expected import expect
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

_IDENTIFIER = r"""([A-Za-z_][A-Za-z0-9_$]{0,62}|"[^"'\\\x00-\x1f\x7f]{1,63}")"""
_TABLE = re.compile(rf"{_IDENTIFIER}(\.{_IDENTIFIER})?")
MOST_IDS = 1 << 31
"""Ids are compared modulo 2 ** 32: half of them are in the past."""
_NUMBER = re.compile(r"(?:FIRST |ANY )?\s*([0-9]{1,9})\s*\(", re.IGNORECASE)
_ERROR = re.compile(r"^(?:psql:.*?)?ERROR: +(.*)$", re.MULTILINE)
_QUERIES = {
    "replication_slots": (
        "COALESCE((SELECT jsonb_agg(jsonb_build_object('name', slot_name, 'active', active, "
        "'retained', GREATEST(0, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() "
        "THEN COALESCE(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) "
        "ELSE pg_current_wal_lsn() END, restart_lsn))::bigint, "
        "'wal_status', to_jsonb(s) ->> 'wal_status')) "
        "FROM pg_replication_slots s WHERE NOT temporary), '[]')"
    ),
    # A standby archives nothing, unless the mode is `always`.
    "archiver": (
        "(SELECT jsonb_build_object('archives', current_setting('archive_mode') = 'always' "
        "OR current_setting('archive_mode') = 'on' AND NOT pg_is_in_recovery(), "
        "'failed_wal', last_failed_wal, 'failed_at', last_failed_time, "
        "'archived_at', last_archived_time) FROM pg_stat_archiver)"
    ),
    # To other roles, `sync_state` is null.
    "synchronous_standbys": (
        "(SELECT jsonb_build_object('names', CASE WHEN NOT pg_is_in_recovery() AND "
        "current_setting('synchronous_commit') NOT IN ('off', 'local') "
        "THEN current_setting('synchronous_standby_names') ELSE '' END, "
        "'connected', count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), "
        "'hidden', count(*) FILTER (WHERE sync_state IS NULL)) FROM pg_stat_replication)"
    ),
    "ids": (
        "(SELECT jsonb_build_object('database', datname, 'transaction_ids', age(datfrozenxid), "
        "'multixact_ids', mxid_age(datminmxid), 'autovacuum', "
        "current_setting('autovacuum')::bool AND current_setting('track_counts')::bool) "
        "FROM pg_database "
        "ORDER BY GREATEST(age(datfrozenxid), mxid_age(datminmxid)) DESC LIMIT 1)"
    ),
    # The session that exports the snapshot of a parallel dump is idle for as long as it takes, as
    # is the one that guards a repack. A sender of a replica is no client.
    "open_transactions": (
        "COALESCE((SELECT jsonb_agg(t) FROM (SELECT pid, NULL AS prepared, usename AS role, "
        "EXTRACT(EPOCH FROM clock_timestamp() - state_change)::bigint AS seconds "
        "FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' "
        "AND backend_type = 'client backend' AND application_name NOT IN ('pg_dump', 'pg_repack') "
        "UNION ALL SELECT NULL, gid, owner, "
        "EXTRACT(EPOCH FROM clock_timestamp() - prepared)::bigint FROM pg_prepared_xacts "
        "ORDER BY seconds DESC LIMIT 10) t), '[]')"
    ),
    # Advisory locks mean what their users want. A concurrent build of an index waits for older
    # transactions (`virtualxid`), and nobody waits for it.
    "lock_waits": (
        "COALESCE((SELECT jsonb_agg(w) FROM (SELECT pid, locktype AS type, "
        "CASE WHEN database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "THEN relation::regclass::text END AS relation, pg_blocking_pids(pid) AS blocked_by, "
        "EXTRACT(EPOCH FROM clock_timestamp() - (to_jsonb(l) ->> 'waitstart')::timestamptz)::bigint"
        " AS seconds FROM pg_locks l WHERE NOT granted "
        "AND locktype NOT IN ('advisory', 'virtualxid') "
        "ORDER BY seconds DESC NULLS LAST LIMIT 10) w), '[]')"
    ),
}
_TIMEOUT = "1s"
_HIDDEN = -1
T = TypeVar("T")


TableName = Annotated[
    str,
    expect(
        'a table as in a query, such as orders, shop.orders or "Order"',
        _TABLE.fullmatch,
        pattern=f"^{_TABLE.pattern}$",
    ),
]


class Expects(Declared):
    """What a database must contain."""

    tables: tuple[TableName, ...] = ()
    """Tables that must exist."""
    rows: Mapping[TableName, Annotated[int, Field(gt=0, le=1_000_000)]] = Field(
        default_factory=dict
    )
    """Tables that must exist, and how many rows each must have at least."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return each table once."""
        return tuple(dict.fromkeys((*self.tables, *self.rows)))


def statements(expects: Expects | None) -> Iterator[str]:
    """Return the statements that print a row of each query, for a server with these tables."""
    for name, query in _QUERIES.items():
        yield _row(name, query)
    for table in expects.names if expects else ():
        yield _row(f"table {table}", f"to_regclass('{table}') IS NOT NULL")
    for table, least in expects.rows.items() if expects else ():
        # Policies may hide rows. No more rows are read than the number needed.
        counted = f"(SELECT count(*) FROM (SELECT FROM {table} LIMIT {least}) t)"  # noqa: S608 - validated
        hidden = f"row_security_active('{table}')"
        yield _row(f"rows {table}", f"CASE WHEN {hidden} THEN {_HIDDEN} ELSE {counted} END")


def _row(name: str, query: str) -> str:
    # For one transaction: a pool may give the connection to another client after it.
    timeout = f"SET LOCAL statement_timeout = '{_TIMEOUT}'"
    return f"{timeout}; SELECT jsonb_build_object('{name}', {query})"


class ReplicationSlot(Frozen):
    """A replication slot: a standby or another consumer of the WAL has one."""

    name: str
    active: bool
    """Whether its consumer is connected."""
    retained: Bytes | None
    """The WAL that is kept for it; None if there is none."""
    wal_status: str | None
    """`lost` if the WAL that it needs was removed; None before PostgreSQL 13."""


class Archiver(Frozen):
    """The process that archives the WAL."""

    archives: bool
    """Whether this server archives its WAL."""
    failed_wal: str | None
    """The file that it last failed to archive."""
    failed_at: Moment | None
    archived_at: Moment | None


class SynchronousStandbys(Frozen):
    """The standbys that a commit waits for."""

    names: str
    """`synchronous_standby_names`; empty if no commit waits."""
    connected: Count
    hidden: Count
    """Standbys of which the role may not see whether they are synchronous."""

    @property
    def needed(self) -> int:
        """Return how many standbys a commit waits for."""
        number = _NUMBER.match(self.names)
        return int(number[1]) if number else int(bool(self.names.strip()))


class Ids(Frozen):
    """The ids that are in use of the database with the oldest ones."""

    database: str
    transaction_ids: int
    """The age of its oldest transaction id, in transactions."""
    multixact_ids: int
    """The same of multixact ids, which are for rows that several transactions lock."""
    autovacuum: bool
    """Whether the server removes old ids by itself."""


class OpenTransaction(Frozen):
    """A transaction that nobody works on."""

    pid: int | None
    """The server process of a session that is idle in its transaction."""
    prepared: str | None
    """The name of a prepared transaction, which has no session."""
    role: str | None
    seconds: int
    """Since when."""


class LockWait(Frozen):
    """A session that waits for a lock."""

    pid: int
    type: str
    """`relation`, `tuple`, `transactionid`, …"""
    relation: str | None
    """The table, if it is one of this database."""
    blocked_by: tuple[int, ...]
    """The server processes that it waits for."""
    seconds: int | None
    """Since when; None before PostgreSQL 14."""


_ROWS = TypeAdapter(Mapping[str, object])


def reported(result: CommandResult, name: str, kind: type[T], title: str) -> T:
    """Return what a row of a query says.

    Args:
        result: the result of `psql`.
        name: the key of the row.
        kind: the type of its value.
        title: what messages call it.

    Raises:
        UnobservedError: the server did not answer, refused that query, or said something else.
    """
    if result.exit_code != 0:
        raise UnobservedError(f"PostgreSQL did not answer a query: {result.error}")
    rows = _rows(result.output.splitlines())
    if name not in rows:
        errors = "; ".join(dict.fromkeys(_ERROR.findall(result.output)))
        raise UnobservedError(f"PostgreSQL did not report its {title}: {errors or 'no such row'}")
    try:
        return TypeAdapter(kind).validate_python(rows[name])
    except ValidationError as error:
        raise UnobservedError(
            f"PostgreSQL's {title} cannot be read{invalid_fields(error)}"
        ) from None


def _rows(lines: Iterable[str]) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for each in lines:
        if each.startswith("{"):
            with suppress(ValidationError):
                found |= _ROWS.validate_json(each)
    return found


def table_mismatches(expects: Expects, result: CommandResult) -> tuple[str, ...]:
    """Return what is missing of the declared tables and rows.

    Raises:
        UnobservedError: a table could not be read, or policies hide its rows from the role.
    """
    missing = [
        table
        for table in expects.names
        if not reported(result, f"table {table}", bool, f"table {table}")
    ]
    rows = {
        table: reported(result, f"rows {table}", int, f"rows of {table}")
        for table in expects.rows
        if table not in missing
    }
    few = {table: number for table, number in rows.items() if number < expects.rows[table]}
    if hidden := [table for table, number in few.items() if number == _HIDDEN]:
        raise UnobservedError(
            f"row-level security may hide rows of {', '.join(hidden)} from its role"
        )
    return (
        *(f"no {table}" for table in missing),
        *(f"{row_count(number)} in {table}" for table, number in few.items()),
    )


def row_count(number: int) -> str:
    """Return a number of rows for people: `1 row`."""
    return f"{number} {'row' if number == 1 else 'rows'}"
