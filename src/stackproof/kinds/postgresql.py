"""PostgreSQL: what can be declared, its commands, and its state."""

import re
import shlex
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationError

from stackproof.facts.command import CommandResult
from stackproof.facts.fields import Count
from stackproof.facts.machine import Capacity
from stackproof.frozen import Frozen
from stackproof.kinds import postgresql_statistics as statistics
from stackproof.kinds.password import PasswordDatastore, with_password
from stackproof.kinds.postgresql_statistics import (
    Archiver,
    Ids,
    LockWait,
    OpenTransaction,
    ReplicationSlot,
    SynchronousStandbys,
)
from stackproof.kinds.registry import DeclaredContainer, command, datastore, invalid_fields, state
from stackproof.schema.values import AbsolutePath, Port, Ratio, SingleLine
from stackproof.shell import Line, argument, database_name, line, lines, number, path, script_line
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

# One row, so that all values are from the same moment. Every role may read these; in
# pg_stat_activity, most roles see too little of other sessions.
STATE_QUERY = (
    "SELECT json_build_object("
    "'in_recovery', pg_is_in_recovery(), "
    "'read_only', current_setting('transaction_read_only')::bool, "
    "'connections', (SELECT sum(numbackends) FROM pg_stat_database), "
    "'max_connections', current_setting('max_connections')::int)"
)


Seconds = Annotated[int, Field(gt=0, le=31_536_000)]
UNAUTHENTICATED = "no password supplied"
"""The error of a client that has no password for a server that requires one."""
_MISMATCH = re.compile(r"^WARNING: +(.* has (?:a collation )?version mismatch)", re.MULTILINE)
_QUERY = 'psql -XAtw -U <user> -d <database> "$@" -c "$query"'
# The official image trusts its socket and loopback. Clients come over TCP from a network, as does a
# connection to the container's own address.
# libpq tries one after the other: with IPv6, the server may listen at one of them alone.
_HOSTS = "for address in $(hostname -i 2>/dev/null); do hosts=${hosts:+$hosts,}$address; done"
_READY = "pg_isready -U <user> -d <database>"
_READY_OVER_TCP = f"""\
{_HOSTS}
[ "$hosts" ] || exec {_READY}
answer=$({_READY} -t 2 -h "$hosts" 2>&1); code=$?
[ $code -ne 2 ] || {_READY} -t 1
printf '%s\\n' "$answer"; exit $code"""
_OVER_TCP = f"""\
query={shlex.quote(STATE_QUERY)}
{_HOSTS}
[ "$hosts" ] || exit 127
exec {_QUERY} -h "$hosts\""""
_SHOWN_QUERY = f"psql -XAtw -U <user> -d <database> -c {shlex.quote(STATE_QUERY)}"
_INSIDE = f"query={shlex.quote(STATE_QUERY)}\nexec {_QUERY}"
# The official image gives its password to its role when it creates the volume. If TCP fails for
# another reason than the password, the socket decides.
_AS_IN_IMAGE = f"""\
query={shlex.quote(STATE_QUERY)}
login=${{POSTGRES_PASSWORD:-$(cat -- "${{POSTGRES_PASSWORD_FILE:-/dev/null}}")}}
if [ "$login" ] && [ "${{POSTGRES_USER:-postgres}}" = <user> ]; then
export PGPASSWORD=${{login}} PGCONNECT_TIMEOUT=2
{_HOSTS}
answer=$({_QUERY} -h "$hosts" 2>&1); code=$?
case "$code $answer" in
0*|*"password authentication failed"*) printf '%s\\n' "$answer"; exit $code;;
esac
fi
exec {_QUERY}"""

# `postmaster.pid` proves that a server runs in it.
_DISKS = """\
directory=<directory>
for each in "$directory" "$PGDATA" /var/lib/postgresql/data /bitnami/postgresql/data \
"$(readlink /proc/1/cwd 2>/dev/null)"; do
[ -z "$found" ] && [ "$each" ] && [ -e "$each/postmaster.pid" ] && found=$(cd "$each" && pwd -P)
done
[ "$found" ] || { echo 'no postmaster.pid found: declare data_directory'; exit 1; }
echo "directory $found"
df -P -k "$found" && df -P -k "$found/pg_wal/." || exit 1
df -P -k /dev/shm 2>/dev/null; exit 0"""
_REQUIRED = 2
"""File systems that `df` must report: that of the data, and that of the WAL."""
_DIRECTORY = re.compile(r"^directory (/.*)$", re.MULTILINE)
_DISK = re.compile(r"^\S.*? +(\d+) +\d+ +(\d+) +(?:\d+%|-) +(/.*)$", re.MULTILINE)


@datastore("postgresql")
class Postgresql(PasswordDatastore):
    """A declared PostgreSQL server."""

    user: SingleLine
    """The role that the stack uses."""
    database: SingleLine
    """The database that the stack uses."""
    port: Port | None = None
    """The port that it listens on. Default: `PGPORT` of its container, or 5432."""
    connections_used: Ratio = 0.8
    """Share of `max_connections` that may be in use. A deploy doubles a service's connections."""
    retained_wal: Bytes = Bytes(10 << 30)
    """WAL that an inactive replication slot may retain."""
    ids_used: Ratio = 0.75
    """Share of transaction ids and of multixact ids that may be in use. At 1 it refuses writes."""
    idle_transaction_seconds: Seconds = 3600
    """How long a session may be idle in a transaction, and a transaction may stay prepared."""
    lock_wait_seconds: Seconds = 600
    """How long a session may wait for a lock. Advisory locks do not count."""
    disk_free: Ratio = 0.05
    """Minimum free share of the disks that hold its data directory and its WAL."""
    data_directory: AbsolutePath | None = None
    """Where its data must be, without symbolic links. Default: anywhere in its volume. It is found
    at `PGDATA` of its container, or where images have it."""
    expects: statistics.Expects | None = None
    """`tables` that its database must have, and the minimum of `rows` of tables."""

    images = frozenset(
        {
            "postgres", "postgresql", "postgresql-repmgr", "postgis", "timescaledb",
            "timescaledb-ha", "pgvector", "pgvecto-rs", "vchord-postgres",
        }
    )  # fmt: skip
    programs = frozenset({"postgres", "postgresql", "patroni"})

    @classmethod
    def of_container(cls, container: DeclaredContainer) -> Mapping[str, str]:
        """Return the role and the database that the image creates."""
        user = container.variable("POSTGRES_USER", "POSTGRESQL_USERNAME") or "postgres"
        return {
            "user": user,
            "database": container.variable("POSTGRES_DB", "POSTGRESQL_DATABASE") or user,
        }


@command(Postgresql)
def pg_isready(postgresql: Postgresql) -> Line:
    """Result of `pg_isready`, PostgreSQL's readiness probe, over TCP at the container's address."""
    ready = _line(postgresql, _READY)
    if not postgresql.over_tcp:
        return ready
    return script_line(_line(postgresql, _READY_OVER_TCP), ready)


@command(Postgresql)
def psql(postgresql: Postgresql) -> Line:
    """Result of a query by the declared role in the declared database.

    Over TCP if its password is known.
    """
    if postgresql.has_password:
        then = _line(postgresql, _OVER_TCP if postgresql.over_tcp else _INSIDE)
        ask = with_password(postgresql, then, "PGPASSWORD")
    else:
        ask = _line(postgresql, _AS_IN_IMAGE)
    # The state is the last of them: the client's exit code is whether that was answered.
    first = (
        line('set -- "$@" -c <statement>', statement=argument(each))
        for each in statistics.statements(postgresql.expects)
    )
    inner = lines(*first, ask)
    return script_line(inner, _line(postgresql, _SHOWN_QUERY))


@command(Postgresql)
def postgres_df(postgresql: Postgresql) -> Line:
    """Result of `df` for the data directory, the WAL in it, and `/dev/shm`."""
    directory = postgresql.data_directory
    return script_line(
        line(_DISKS, directory=path(directory) if directory else argument("")),
        "df -P -k $PGDATA $PGDATA/pg_wal /dev/shm",
    )


def _line(postgresql: Postgresql, text: str) -> Line:
    given = {
        "user": database_name(postgresql.user),
        "database": database_name(postgresql.database),
    }
    if postgresql.port:
        text = text.replace("-d <database>", "-d <database> -p <port>")
        given["port"] = number(postgresql.port)
    return line(text, **given)


def collation_mismatch(result: CommandResult) -> str:
    """Return the warning that the collations of the system have changed; empty if there is none."""
    found = _MISMATCH.search(result.output)
    return found[1] if found else ""


class PostgresState(Frozen):
    """State of a PostgreSQL server, as the declared role sees it."""

    in_recovery: bool
    """It is a standby: it replays what another server wrote, and refuses writes."""
    read_only: bool
    """Its transactions are read-only unless they ask for something else."""
    connections: Count
    max_connections: Annotated[Count, Field(gt=0)]


@state(psql)
def postgres_state(result: CommandResult) -> PostgresState:
    """State of the server, from the row of `STATE_QUERY`.

    Raises:
        UnobservedError: the server did not answer, or not with that row.
    """
    if result.exit_code != 0:
        raise UnobservedError(f"PostgreSQL did not answer a query: {result.error}")
    try:
        return PostgresState.model_validate_json(result.last_line)
    except ValidationError as error:
        raise UnobservedError(
            f"PostgreSQL's answer cannot be read{invalid_fields(error)}: {result.observed}"
        ) from None


@state(psql)
def postgres_slots(result: CommandResult) -> tuple[ReplicationSlot, ...]:
    """Permanent replication slots of the server."""
    return statistics.reported(
        result, "replication_slots", tuple[ReplicationSlot, ...], "replication slots"
    )


@state(psql)
def postgres_archiver(result: CommandResult) -> Archiver:
    """What the archiver did last."""
    return statistics.reported(result, "archiver", Archiver, "archiver")


@state(psql)
def postgres_synchronous_standbys(result: CommandResult) -> SynchronousStandbys:
    """Standbys that a commit waits for."""
    return statistics.reported(
        result, "synchronous_standbys", SynchronousStandbys, "synchronous standbys"
    )


@state(psql)
def postgres_ids(result: CommandResult) -> Ids:
    """Transaction ids and multixact ids in use."""
    return statistics.reported(result, "ids", Ids, "transaction ids")


@state(psql)
def postgres_open_transactions(result: CommandResult) -> tuple[OpenTransaction, ...]:
    """Transactions that nobody works on, of the sessions that the declared role may see."""
    return statistics.reported(
        result, "open_transactions", tuple[OpenTransaction, ...], "open transactions"
    )


@state(psql)
def postgres_lock_waits(result: CommandResult) -> tuple[LockWait, ...]:
    """Sessions that wait for a lock."""
    return statistics.reported(result, "lock_waits", tuple[LockWait, ...], "lock waits")


class PostgresDisks(Frozen):
    """Where the data of a PostgreSQL server is, and how much is free there."""

    directory: str
    """Its data directory, without symbolic links."""
    disks: Mapping[str, Capacity]
    """The file system of the data directory, and that of its WAL if it is another, by path."""
    shared_memory: Capacity | None
    """`/dev/shm`, if it is there."""


@state(postgres_df)
def postgres_disks(result: CommandResult) -> PostgresDisks:
    """Where its data is, and the free space there.

    Raises:
        UnobservedError: the data directory was not found, or `df` did not report it.
    """
    if result.exit_code != 0:
        raise UnobservedError(f"PostgreSQL's disk cannot be observed: {result.observed}")
    directory = _DIRECTORY.search(result.output)
    disks = [
        Capacity(total=int(total) << 10, free=int(free) << 10, where=where)
        for total, free, where in _DISK.findall(result.output)
    ]
    if directory is None or len(disks) < _REQUIRED or not all(each.total for each in disks):
        raise UnobservedError(f"PostgreSQL's disk cannot be read: {result.observed}")
    data, wal, *shared = disks
    found = {directory[1]: data}
    if wal.where != data.where:
        found[f"{directory[1]}/pg_wal"] = wal
    return PostgresDisks(
        directory=directory[1], disks=found, shared_memory=shared[0] if shared else None
    )
