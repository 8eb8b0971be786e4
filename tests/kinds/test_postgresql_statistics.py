"""Rows of PostgreSQL's statistics: each is observed by itself; a missing one is not observed."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from stackproof.facts.command import CommandResult
from stackproof.facts.machine import Capacity
from stackproof.kinds.postgresql import (
    Postgresql,
    postgres_archiver,
    postgres_df,
    postgres_disks,
    postgres_ids,
    postgres_lock_waits,
    postgres_open_transactions,
    postgres_slots,
    postgres_synchronous_standbys,
    psql,
)
from stackproof.kinds.postgresql_statistics import Expects, table_mismatches
from stackproof.kinds.registry import State
from stackproof.shell import UnusableError
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError
from tests import shop

STATES: dict[str, State[Any]] = {
    "replication_slots": postgres_slots, "archiver": postgres_archiver, "ids": postgres_ids,
    "synchronous_standbys": postgres_synchronous_standbys,
    "open_transactions": postgres_open_transactions, "lock_waits": postgres_lock_waits,
}  # fmt: skip
TITLES = {
    "replication_slots": "replication slots", "archiver": "archiver", "ids": "transaction ids",
    "open_transactions": "open transactions", "lock_waits": "lock waits",
    "synchronous_standbys": "synchronous standbys",
}  # fmt: skip
STATE = shop.psql(**dict.fromkeys(STATES)).output
# What PostgreSQL 15 prints.
PRINTED = Path(__file__).with_name("postgresql_rows.txt").read_text(encoding="utf-8")


def said(output: str, exit_code: int = 0) -> CommandResult:
    return shop.said("psql", exit_code, output)


def reason(state: State[Any], result: CommandResult) -> str:
    with pytest.raises(UnobservedError) as error:
        state.parse(result)
    return str(error.value)


def test_what_a_server_prints() -> None:
    result = said(PRINTED + STATE)
    [slot] = postgres_slots.parse(result)
    assert (slot.name, slot.active, slot.retained) == ("old", False, Bytes(80215168))
    archiver = postgres_archiver.parse(result)
    assert archiver.failed_at
    assert f"{archiver.failed_at:%H:%M:%S}" == "22:43:00"
    assert (archiver.archives, archiver.archived_at) == (True, None)
    ids = postgres_ids.parse(result)
    assert (ids.database, ids.transaction_ids, ids.autovacuum) == ("template0", 220016, False)
    idle, prepared = postgres_open_transactions.parse(result)
    assert (idle.pid, idle.prepared) == (93, None)
    assert (prepared.pid, prepared.prepared) == (None, 'a"b')
    [wait] = postgres_lock_waits.parse(result)
    assert (wait.blocked_by, wait.seconds, wait.relation) == ((76,), None, "orders")


@pytest.mark.parametrize("name", STATES)
def test_a_query_that_is_refused_affects_no_other(name: str) -> None:
    denied = "ERROR:  permission denied for view pg_x\nLINE 1: SELECT\n"
    row = json.dumps({name: shop.STATISTICS[name]})
    output = shop.psql().output.replace(row, denied.strip())
    why = f"PostgreSQL did not report its {TITLES[name]}: permission denied for view pg_x"
    assert reason(STATES[name], said(output)) == why
    for other in STATES.keys() - {name}:
        STATES[other].parse(said(output))


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize(
    ("output", "exit_code", "why"),
    [
        ("", 0, "PostgreSQL did not report its {}: no such row"),
        ("SET\n{row", 0, "PostgreSQL did not report its {}: no such row"),
        (STATE, 0, "PostgreSQL did not report its {}: no such row"),
        ('{"a":' * 10_000, 0, "PostgreSQL did not report its {}: no such row"),
        (f"{PRINTED}FATAL:  cut", 2, "PostgreSQL did not answer a query: FATAL:  cut"),
        ("psql: error: refused", 2, "PostgreSQL did not answer a query: psql: error: refused"),
    ],
)
def test_not_observed(name: str, output: str, exit_code: int, why: str) -> None:
    assert reason(STATES[name], said(output, exit_code)) == why.format(TITLES[name])


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("value", [None, 7, "[]", [7], [{}], {}, {"name": "old"}])
def test_a_row_that_cannot_be_read(name: str, value: object) -> None:
    why = reason(STATES[name], said(json.dumps({name: value})))
    assert why.startswith(f"PostgreSQL's {TITLES[name]} cannot be read")


@pytest.mark.parametrize(
    "table", ["orders", "shop.orders", '"Order"', 'shop."Order items"', "_a$1", '"a;b"."ü"']
)
def test_names_of_tables(table: str) -> None:
    server = Postgresql(name="db", user="app", database="shop", expects={"rows": {table: 2}})
    assert f"FROM {table} LIMIT 2" in psql.line(server)


@pytest.mark.parametrize(
    "table",
    ["", "a b", "a;b", "a--", "a'b", '"a\'b"', '"a\\b"', "a.b.c", '"', "1a", "a\n", '"a\nb"'],
)
def test_what_is_no_name_of_a_table(table: str) -> None:
    with pytest.raises(ValidationError, match="expected a table as in a query"):
        Expects(tables=(table,))


def test_missing_tables_and_rows() -> None:
    expects = Expects(tables=("users",), rows={"orders": 5, "items": 1})
    rows = {"table users": False, "table orders": True, "table items": True, "rows items": 1}
    assert table_mismatches(expects, shop.psql(**rows, **{"rows orders": 4})) == (
        "no users", "4 rows in orders",
    )  # fmt: skip
    denied = shop.psql(**rows).output + "\nERROR:  permission denied for table orders"
    with pytest.raises(UnobservedError) as error:
        table_mismatches(expects, said(denied))
    why = "PostgreSQL did not report its rows of orders: permission denied for table orders"
    assert str(error.value) == why


DISKS = """directory /data/pgdata
Filesystem     1024-blocks     Used Available Capacity Mounted on
/dev/my disk     100 20 80      35% /data
Filesystem     1024-blocks     Used Available Capacity Mounted on
tmpfs             50 40 10      35% /wal
Filesystem     1024-blocks  Used Available Capacity Mounted on
shm                 64  64    0       - /dev/shm"""
TWO_DISKS, WITHOUT_WAL = DISKS.split("Filesystem     1024-blocks  Used")[0], DISKS.split("tmpfs")[0]


def test_disks() -> None:
    state = postgres_disks.parse(said(DISKS))
    assert state.directory == "/data/pgdata"
    assert state.disks == {
        "/data/pgdata": Capacity(total=102400, free=81920, where="/data"),
        "/data/pgdata/pg_wal": Capacity(total=51200, free=10240, where="/wal"),
    }
    assert state.shared_memory
    assert state.shared_memory.free_ratio == 0
    assert postgres_disks.parse(said(TWO_DISKS)).shared_memory is None
    assert list(postgres_disks.parse(shop.postgres_df()).disks) == ["/data/pgdata"]


@pytest.mark.parametrize(
    ("output", "exit_code", "why"),
    [
        ("", 0, "PostgreSQL's disk cannot be read: no output"),
        (WITHOUT_WAL, 0, "PostgreSQL's disk cannot be read: Filesystem"),
        (DISKS.replace("directory", "folder"), 0, "PostgreSQL's disk cannot be read: shm"),
        (DISKS.replace(" 100 20 80", " 0 0 0"), 0, "PostgreSQL's disk cannot be read: shm"),
        (
            "directory /data\ndf: /data: Permission denied", 1,
            "PostgreSQL's disk cannot be observed: df: /data: Permission denied",
        ),
    ],
)  # fmt: skip
def test_disks_not_observed(output: str, exit_code: int, why: str) -> None:
    assert reason(postgres_disks, said(output, exit_code)).startswith(why)


def _df(folder: Path, declared: str | None, **variables: str) -> CommandResult:
    server = Postgresql(name="db", user="app", database="shop", data_directory=declared)
    ended = subprocess.run(
        ["/bin/sh", "-c", f"{postgres_df.line(server)} 2>&1"],
        check=False, capture_output=True, text=True, timeout=30, cwd=folder,
        env={"PATH": "/usr/bin:/bin", **variables},
    )  # fmt: skip
    return said(ended.stdout.strip(), ended.returncode)


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """The data directory of a server that runs, behind a symbolic link."""
    (tmp_path / "volume" / "pg_wal").mkdir(parents=True)
    (tmp_path / "volume" / "postmaster.pid").touch()
    (tmp_path / "link").symlink_to("volume")
    return tmp_path / "link"


def test_where_the_data_is(cluster: Path, tmp_path: Path) -> None:
    real = str(tmp_path / "volume")
    for declared, variable in ((None, cluster), (str(cluster), tmp_path), (real, tmp_path)):
        state = postgres_disks.parse(_df(tmp_path, declared, PGDATA=str(variable)))
        assert state.directory == real
        assert state.disks[real].total


def test_data_that_is_not_found(tmp_path: Path) -> None:
    """A directory without `postmaster.pid` is not that of the server that runs."""
    (tmp_path / "PG_VERSION").touch()
    why = reason(postgres_disks, _df(tmp_path, None, PGDATA=str(tmp_path)))
    assert why == (
        "PostgreSQL's disk cannot be observed: no postmaster.pid found: declare data_directory"
    )


def test_a_data_directory_that_cannot_be_an_operand() -> None:
    server = Postgresql(name="db", user="app", database="shop", data_directory="/a/../b")
    with pytest.raises(UnusableError):
        postgres_df.line(server)
