"""PostgreSQL's data is there, on its volume, and nothing holds up its WAL, vacuum and locks.

The queries and `df` run in the server's container, with the other commands there.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import PurePosixPath

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.command import CommandResult
from stackproof.facts.container import Container, Mount
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import as_deployed, critical, declares
from stackproof.hint import Hint, advice, in_container, log_of
from stackproof.kinds.postgresql import PostgresDisks, Postgresql
from stackproof.kinds.postgresql_statistics import (
    MOST_IDS,
    Archiver,
    Expects,
    Ids,
    LockWait,
    OpenTransaction,
    ReplicationSlot,
    SynchronousStandbys,
    row_count,
    table_mismatches,
)
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

pytestmark = pytest.mark.datastores
_AT = "%Y-%m-%d %H:%M:%S UTC"
_FAILS_FOR = timedelta(minutes=1)


@critical
@declares("expects")
def test_tables(postgresql: Postgresql, psql: CommandResult) -> None:
    """A new, empty database answers every query: its tables and rows prove that it is the data."""
    expects = postgresql.expects or Expects()
    wrong = table_mismatches(expects, psql)
    least = [f"at least {row_count(number)} in {table}" for table, number in expects.rows.items()]
    tables = [table for table in expects.tables if table not in expects.rows]
    assert not wrong, finding(
        postgresql,
        "tables",
        expected=", ".join((*tables, *least)),
        observed=", ".join(wrong),
        hint=(
            _psql(postgresql, "SELECT schemaname, relname, n_live_tup FROM pg_stat_user_tables"),
            _psql(postgresql, "SELECT datname, pg_database_size(oid) FROM pg_database"),
            advice("find the data before you go on: another volume or database may have it"),
        ),
    )


@critical
@as_deployed
def test_data_directory(
    postgresql: Postgresql,
    postgres_disks: PostgresDisks,
    container: Container,
    environment: Environment,
    warn: Callable[[Finding], None],
) -> None:
    """Data outside a volume is lost when a deploy recreates the container.

    That its volume is mounted proves nothing if `PGDATA` leads elsewhere. Without a declared
    `data_directory`, volume or mount for data, this only warns.
    """
    service = environment.services[postgresql.name]
    volumes = environment.data_mounts(service)
    place = _mount_of(postgres_disks.directory, container.creation.mounts)
    mounted_at = postgres_disks.disks[postgres_disks.directory].where
    if place is None and mounted_at != "/":
        # An image's symbolic link can lead to a mount, which the engine lists at the link.
        raise UnobservedError(f"{postgres_disks.directory} is in no mount that the engine lists")
    is_lasting = place is not None and place.kind != "tmpfs" and not place.is_anonymous
    as_declared = place is not None and place.target in (service.mounts or {})
    declared = [f"in {each.source} at {path}" for path, each in volumes.items()]
    is_elsewhere = postgresql.data_directory not in (None, postgres_disks.directory)
    misplaced = finding(
        postgresql,
        "data directory",
        expected=postgresql.data_directory or ", ".join(declared) or "in a volume",
        observed=f"{postgres_disks.directory} in {_named(place)}",
        evidence={"mounts": "\n".join(map(str, container.creation.mounts))},
        hint=(
            advice("copy the data before the container is removed: it is lost with it"),
            in_container(subject_name(postgresql), "df -h {}", postgres_disks.directory),
        ),
    )
    if not is_lasting and not volumes and not is_elsewhere:
        warn(misplaced)
    is_right = (is_lasting or as_declared or not volumes) and not is_elsewhere
    assert is_right, misplaced


def test_disk_free(
    postgresql: Postgresql, postgres_disks: PostgresDisks, warn: Callable[[Finding], None]
) -> None:
    """With a full disk, PostgreSQL refuses writes, or stops if its WAL cannot be written.

    A full `/dev/shm`, which parallel queries share, is a warning: they come and go.
    """
    shared = postgres_disks.shared_memory
    if shared and shared.free_ratio < postgresql.disk_free:
        warn(
            finding(
                postgresql,
                "shared memory",
                expected=f"at least {postgresql.disk_free:.0%} of /dev/shm free",
                observed=f"{shared.free_ratio:.1%} of {Bytes(shared.total)}",
            )
        )
    full = {
        path: disk
        for path, disk in postgres_disks.disks.items()
        if disk.free_ratio < postgresql.disk_free
    }
    assert not full, finding(
        postgresql,
        "disk",
        expected=f"at least {postgresql.disk_free:.0%} free",
        observed=", ".join(
            f"{disk.free_ratio:.1%} ({Bytes(disk.free)} of {Bytes(disk.total)}) at {path}"
            for path, disk in full.items()
        ),
        evidence={"mounted at": ", ".join(disk.where for disk in full.values())},
        hint=(
            in_container(subject_name(postgresql), "du -xhd1 {}", postgres_disks.directory),
            _psql(postgresql, "SELECT slot_name, active, restart_lsn FROM pg_replication_slots"),
            advice("leave pg_wal alone: free space elsewhere, or enlarge the disk"),
        ),
    )


def test_replication_slots(
    postgresql: Postgresql,
    postgres_slots: Sequence[ReplicationSlot],
    warn: Callable[[Finding], None],
) -> None:
    """WAL is kept for a slot until its consumer comes back, until the disk is full.

    A standby that restarts catches up: only much WAL is a failure. A slot that lost its WAL
    (`max_slot_wal_keep_size`) is a warning: its consumer must be set up again, or is gone.
    """
    slots = "SELECT slot_name, slot_type, database, active, restart_lsn FROM pg_replication_slots"
    if lost := [each.name for each in postgres_slots if each.wal_status == "lost"]:
        warn(
            finding(
                postgresql,
                "replication slots",
                expected="none that lost WAL",
                observed=", ".join(f"replication slot '{name}' is lost" for name in lost),
            )
        )
    dead = [
        f"replication slot '{each.name}' is inactive and retains {each.retained} of WAL"
        for each in postgres_slots
        if not each.active and (each.retained or 0) > postgresql.retained_wal
    ]
    assert not dead, finding(
        postgresql,
        "replication slots",
        expected=f"none inactive that retains more than {postgresql.retained_wal} of WAL",
        observed=", ".join(dead),
        hint=(
            _psql(postgresql, slots),
            advice("start its consumer; if that is gone for good, the slot has no use"),
        ),
    )


@critical
def test_synchronous_standbys(
    postgresql: Postgresql, postgres_synchronous_standbys: SynchronousStandbys
) -> None:
    """Without the standbys in `synchronous_standby_names`, every commit waits without an error."""
    standbys = postgres_synchronous_standbys
    missing = standbys.needed - standbys.connected
    if 0 < missing <= standbys.hidden:
        raise UnobservedError(
            f"role {postgresql.user} may not see which standbys are synchronous: "
            "GRANT pg_read_all_stats"
        )
    assert missing <= 0, finding(
        postgresql,
        "synchronous standbys",
        expected=f"{standbys.needed} of synchronous_standby_names = '{standbys.names}'",
        observed=f"{standbys.connected} connected: every commit waits",
        hint=(
            _psql(
                postgresql,
                "SELECT application_name, client_addr, state, sync_state FROM pg_stat_replication",
            ),
            advice("start the standby, or take its name out of synchronous_standby_names"),
        ),
    )


def test_archiving(postgresql: Postgresql, postgres_archiver: Archiver) -> None:
    """WAL that cannot be archived is missing from every later restore, and fills the disk.

    PostgreSQL retries: it fails once no attempt has succeeded for a minute.
    """
    failed, last = postgres_archiver.failed_at, postgres_archiver.archived_at
    fails = failed is not None and (last is None or failed - last > _FAILS_FOR)
    since = f"no success since {last:{_AT}}" if last else "every attempt failed so far"
    assert not (postgres_archiver.archives and fails), finding(
        postgresql,
        "WAL archiving",
        expected="to succeed",
        observed=since,
        evidence={
            "last failure": f"{postgres_archiver.failed_wal} at {failed:{_AT}}" if failed else ""
        },
        hint=(
            log_of(subject_name(postgresql)),
            _psql(postgresql, "SELECT * FROM pg_stat_archiver"),
            _psql(postgresql, "SELECT name, setting FROM pg_settings WHERE name ~ '^archive'"),
        ),
    )


def test_transaction_ids(
    postgresql: Postgresql, postgres_ids: Ids, warn: Callable[[Finding], None]
) -> None:
    """Before its transaction ids wrap around, PostgreSQL refuses every write to prevent that.

    Vacuum frees old ids. That autovacuum is off is a warning.
    """
    if not postgres_ids.autovacuum:
        warn(finding(postgresql, "autovacuum", expected="on", observed="off"))
    most = round(postgresql.ids_used * MOST_IDS)
    ages = {
        "transaction ids": postgres_ids.transaction_ids,
        "multixact ids": postgres_ids.multixact_ids,
    }
    over = {name: age for name, age in ages.items() if age >= most}
    assert not over, finding(
        postgresql,
        "transaction id age",
        expected=f"under {most} ({postgresql.ids_used:.4g} of all)",
        observed=", ".join(f"{age} {name}" for name, age in over.items())
        + f" in database {postgres_ids.database}: wraparound is near",
        hint=(
            _psql(
                postgresql,
                "SELECT datname, age(datfrozenxid), mxid_age(datminmxid) FROM pg_database",
            ),
            _psql(
                postgresql,
                "SELECT pid, usename, state, age(backend_xmin) FROM pg_stat_activity "
                "WHERE backend_xmin IS NOT NULL ORDER BY 4 DESC",
            ),
            advice(
                "end what holds back vacuum (old transactions, prepared ones, slots), "
                "then run VACUUM FREEZE in that database"
            ),
        ),
    )


def test_open_transactions(
    postgresql: Postgresql, postgres_open_transactions: Sequence[OpenTransaction]
) -> None:
    """A transaction that nobody ends keeps its locks, and vacuum removes nothing newer.

    Seen are the sessions of the declared role, and others if it may see them
    (`pg_read_all_stats`), and all prepared transactions. A dump is left alone.
    """
    most = postgresql.idle_transaction_seconds
    left = [each for each in postgres_open_transactions if each.seconds >= most]
    assert not left, finding(
        postgresql,
        "transactions",
        expected=f"none left open for {_time(most)}",
        observed=", ".join(map(_left_open, left)),
        hint=(
            _psql(
                postgresql,
                "SELECT pid, usename, application_name, client_addr, xact_start, query "
                "FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'",
            ),
            _psql(postgresql, "SELECT * FROM pg_prepared_xacts"),
            advice("end them where they began; idle_in_transaction_session_timeout prevents them"),
        ),
    )


def test_lock_waits(postgresql: Postgresql, postgres_lock_waits: Sequence[LockWait]) -> None:
    """A session that waits for a lock for minutes holds up all that need what it locks next."""
    most = postgresql.lock_wait_seconds
    known = [(each, each.seconds) for each in postgres_lock_waits if each.seconds is not None]
    long = [_waits(each, seconds) for each, seconds in known if seconds >= most]
    if len(known) < len(postgres_lock_waits) and not long:
        raise UnobservedError(
            "sessions wait for a lock, for an unknown time: PostgreSQL 14 is the first to report it"
        )
    assert not long, finding(
        postgresql,
        "lock waits",
        expected=f"under {_time(most)}",
        observed=", ".join(long),
        hint=(
            _psql(
                postgresql,
                "SELECT pid, pg_blocking_pids(pid), usename, state, xact_start, query "
                "FROM pg_stat_activity WHERE state != 'idle'",
            ),
            advice("end the transaction that blocks; lock_timeout keeps migrations from waiting"),
        ),
    )


def _mount_of(directory: str, mounts: Iterable[Mount]) -> Mount | None:
    """Return the mount that a directory of a container is in; None if it is the container's own."""
    above = [each for each in mounts if PurePosixPath(directory).is_relative_to(each.target)]
    return max(above, key=lambda each: len(each.target), default=None)


def _named(place: Mount | None) -> str:
    if place is None:
        return "the container's own layer"
    if place.kind == "tmpfs":
        return f"a tmpfs at {place.target}"
    return f"{'an anonymous volume' if place.is_anonymous else place.source} at {place.target}"


def _left_open(left: OpenTransaction) -> str:
    if left.prepared is not None:
        return f"transaction '{left.prepared}' of {left.role} prepared for {_time(left.seconds)}"
    return f"PID {left.pid} of {left.role} idle in transaction for {_time(left.seconds)}"


def _waits(wait: LockWait, seconds: int) -> str:
    table = f" on {wait.relation}" if wait.relation else ""
    blockers = f", blocked by PID {' and '.join(map(str, wait.blocked_by))}"
    return (
        f"PID {wait.pid} waits for a {wait.type} lock{table} for {_time(seconds)}"
        f"{blockers if wait.blocked_by else ''}"
    )


def _time(seconds: int) -> str:
    """Return a duration for people, in its largest unit: `2 h`, `90 s`."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or seconds == length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _psql(postgresql: Postgresql, query: str) -> Hint:
    return in_container(
        subject_name(postgresql), "psql -U {} -d {} -c {}",
        postgresql.user, postgresql.database, query,
    )  # fmt: skip
