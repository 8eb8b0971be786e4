"""What the checks of PostgreSQL's data say of several values, and at boundaries."""

from datetime import timedelta
from typing import Any

import pytest

from stackproof.facts.container import Mount
from stackproof.facts.machine import Capacity
from stackproof.kinds.postgresql import PostgresDisks
from stackproof.kinds.postgresql_statistics import (
    Archiver,
    Ids,
    LockWait,
    OpenTransaction,
    ReplicationSlot,
    SynchronousStandbys,
)
from stackproof.sizes import Bytes
from tests.shop import AT, GIB, container, created, psql
from tests.suites.direct.check import (
    Call,
    Said,
    Warnings,
    cases,
    environment,
    says,
    suite,
    unknown,
)

checks = suite("test_postgresql.py")
VOLUME = "/var/lib/postgresql/data"
SHOP = environment(
    services={
        "db": {"mounts": {VOLUME: {"source": "data"}, "/ram": {"kind": "tmpfs"}}},
        "test": {},
    },
    datastores={
        "postgresql": {
            "db": {
                "user": "app", "database": "shop",
                "expects": {"tables": ["users"], "rows": {"orders": 5, "shop.items": 1}},
            },
            "test": {"user": "app", "database": "shop", "expects": {"tables": ["users"]}},
        }
    },
)  # fmt: skip
STORES: Any = SHOP.datastores
DB, TEST = STORES.postgresql["db"], STORES.postgresql["test"]
FIXED = DB.model_copy(update={"data_directory": f"{VOLUME}/pgdata"})
FOUND = {"table users": True, "table orders": True, "table shop.items": True}
FULL = Capacity(total=1000, free=49, where="/wal")
ROOM = Capacity(total=1000, free=50, where=VOLUME)
LAYER = ROOM.model_copy(update={"where": "/"})


def slot(retained: int | None, *, active: bool = False, status: str = "extended") -> Any:
    size = None if retained is None else Bytes(retained)
    return ReplicationSlot(name="old", active=active, retained=size, wal_status=status)


def standbys(names: str, connected: int = 0, hidden: int = 0) -> SynchronousStandbys:
    return SynchronousStandbys(names=names, connected=connected, hidden=hidden)


def archiver(failed: int | None, archived: int | None, *, archives: bool = True) -> Archiver:
    """The archiver that failed and succeeded last so many seconds after some moment."""
    moments = [
        None if each is None else AT + timedelta(seconds=each) for each in (failed, archived)
    ]
    return Archiver(
        archives=archives, failed_wal="00A1", failed_at=moments[0], archived_at=moments[1]
    )


def ids(transactions: int, multixacts: int = 0, *, autovacuum: bool = True) -> Ids:
    return Ids(
        database="shop", transaction_ids=transactions, multixact_ids=multixacts,
        autovacuum=autovacuum,
    )  # fmt: skip


def idle(seconds: int) -> OpenTransaction:
    return OpenTransaction(pid=7, prepared=None, role="app", seconds=seconds)


def prepared(seconds: int) -> OpenTransaction:
    return OpenTransaction(pid=None, prepared="order 1", role="app", seconds=seconds)


def wait(seconds: int | None, *blockers: int, relation: str | None = "orders") -> LockWait:
    return LockWait(pid=9, type="relation", relation=relation, blocked_by=blockers, seconds=seconds)


def disks(directory: str = f"{VOLUME}/pgdata", **more: Any) -> PostgresDisks:
    given: Any = {"disks": {directory: ROOM}, "shared_memory": None, **more}
    return PostgresDisks(directory=directory, **given)


def layer(directory: str) -> PostgresDisks:
    return disks(directory, disks={directory: LAYER})


def mounted(**targets: str) -> Any:
    """A container with a volume at each path, by its name."""
    mounts = [
        Mount(
            kind="tmpfs" if name == "tmpfs" else "volume",
            source="" if name == "tmpfs" else f"/volumes/{name}",
            target=target,
            name="f" * 64 if name == "anonymous" else name,
        )
        for name, target in targets.items()
    ]
    return container(creation=created(mounts=tuple(mounts)))


INSIDE = mounted(data=VOLUME)
BESIDE = mounted(data=VOLUME, tmpfs="/ram", anonymous=f"{VOLUME}/pgdata")
OLD, NEW = 10 * GIB + 1, 10 * GIB
MOST = 1_610_612_736
CALLS: list[Any] = [
    (checks.test_tables, (DB, psql(**FOUND, **{"rows orders": 5, "rows shop.items": 1}))),
    (checks.test_tables, (DB, psql(**{**FOUND, "table users": False, "rows orders": 1,
                                      "rows shop.items": 0}))),
    (checks.test_tables, (DB, psql(**{**FOUND, "table orders": False, "rows shop.items": 1}))),
    (checks.test_data_directory, (DB, disks(), INSIDE, SHOP, Warnings())),
    (checks.test_data_directory, (DB, layer("/srv/data"), INSIDE, SHOP, Warnings())),
    (checks.test_data_directory, (DB, disks(), BESIDE, SHOP, Warnings())),
    (checks.test_data_directory, (DB, disks("/ram/a"), BESIDE, SHOP, Warnings())),
    (checks.test_data_directory, (DB, layer("/ram2/a"), BESIDE, SHOP, Warnings())),
    (checks.test_data_directory, (DB, disks("/fleeting/a"), mounted(data=VOLUME, tmpfs="/fleeting"),
                                  SHOP, Warnings())),
    (checks.test_data_directory, (TEST, layer(f"{VOLUME}/pgdata"), mounted(), SHOP, Warnings())),
    (checks.test_data_directory, (TEST, disks(), mounted(anonymous=VOLUME), SHOP, Warnings())),
    (checks.test_data_directory, (TEST, disks(), INSIDE, SHOP, Warnings())),
    (checks.test_data_directory, (FIXED, disks(), INSIDE, SHOP, Warnings())),
    (checks.test_data_directory, (FIXED, disks(f"{VOLUME}/other"), INSIDE, SHOP, Warnings())),
    (checks.test_disk_free, (DB, disks(shared_memory=ROOM), Warnings())),
    (checks.test_disk_free, (DB, disks(disks={VOLUME: ROOM, "/wal": FULL}), Warnings())),
    (checks.test_disk_free, (DB, disks(shared_memory=FULL), Warnings())),
    (checks.test_replication_slots, (DB, (), Warnings())),
    (checks.test_replication_slots, (DB, (slot(OLD), slot(OLD, active=True)), Warnings())),
    (checks.test_replication_slots, (DB, (slot(NEW), slot(0)), Warnings())),
    (checks.test_replication_slots, (DB, (slot(None, status="lost"),), Warnings())),
    (checks.test_synchronous_standbys, (DB, standbys(""))),
    (checks.test_synchronous_standbys, (DB, standbys("a, b"))),
    (checks.test_synchronous_standbys, (DB, standbys("*", connected=1))),
    (checks.test_synchronous_standbys, (DB, standbys("FIRST 2 (a, b)", connected=1))),
    (checks.test_synchronous_standbys, (DB, standbys("any 2(a, b, c)", connected=2))),
    (checks.test_synchronous_standbys, (DB, standbys("3 (a, b, c)", connected=1, hidden=1))),
    (checks.test_archiving, (DB, archiver(None, None))),
    (checks.test_archiving, (DB, archiver(1, None))),
    (checks.test_archiving, (DB, archiver(61, 0))),
    (checks.test_archiving, (DB, archiver(60, 0))),
    (checks.test_archiving, (DB, archiver(0, 61))),
    (checks.test_archiving, (DB, archiver(1, None, archives=False))),
    (checks.test_transaction_ids, (DB, ids(MOST - 1, MOST - 1), Warnings())),
    (checks.test_transaction_ids, (DB, ids(MOST, MOST - 1), Warnings())),
    (checks.test_transaction_ids, (DB, ids(1, MOST), Warnings())),
    (checks.test_transaction_ids, (DB, ids(1, autovacuum=False), Warnings())),
    (checks.test_open_transactions, (DB, (idle(3599), prepared(3599)))),
    (checks.test_open_transactions, (DB, (prepared(200_000), idle(3600), idle(7300)))),
    (checks.test_lock_waits, (DB, (wait(599, 7),))),
    (checks.test_lock_waits, (DB, (wait(600, 7, 8), wait(601, relation=None), wait(None)))),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), cases(CALLS, "postgresql.yaml"))
def test_what_is_said(call: Call, expected: Said) -> None:
    assert says(call) == expected


@pytest.mark.parametrize(
    ("check", "arguments", "reason"),
    [
        (checks.test_lock_waits, (DB, (wait(None),)),
         "sessions wait for a lock, for an unknown time: PostgreSQL 14 is the first to report it"),
        (checks.test_data_directory, (DB, disks("/srv/data"), INSIDE, SHOP, Warnings()),
         "/srv/data is in no mount that the engine lists"),
        (checks.test_synchronous_standbys, (DB, standbys("a", hidden=1)),
         "role app may not see which standbys are synchronous: GRANT pg_read_all_stats"),
        (checks.test_tables, (TEST, psql()),
         "PostgreSQL did not report its table users: no such row"),
        (checks.test_tables, (DB, psql(**FOUND, **{"rows orders": -1, "rows shop.items": 0})),
         "row-level security may hide rows of orders from its role"),
        (checks.test_tables, (DB, psql(**FOUND, **{"rows orders": 5})),
         "PostgreSQL did not report its rows of shop.items: no such row"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated(check: Any, arguments: Any, reason: str) -> None:
    assert unknown(check, *arguments) == reason
