"""PostgreSQL that answers, and whose WAL, transaction ids, locks, disk or data are not well."""

from lab.faults.datastores import psql
from lab.faults.fault import Fault, checks, health_is

_EMPTY_AGAIN = (
    "docker rm --force --volumes vpn-postgres\ndocker volume rm --force stackproof-lab_postgres"
)
_IN_BACKGROUND = "docker exec --detach vpn-postgres"
_CLIENT = "psql -X -U platform_admin -d platform_db"
# Conditions: psql fails where it divides by zero.
_ARCHIVING_FAILED = psql("SELECT 1 / count(*) FROM pg_stat_archiver WHERE failed_count > 0")
_LEFT_OPEN = psql(
    "SELECT 1 / count(*) FROM pg_stat_activity WHERE state = $$idle in transaction$$ "
    "AND clock_timestamp() - state_change > interval $$11 s$$"
)
_LOCKED = psql("SELECT 1 / count(*) FROM pg_locks WHERE mode = $$AccessExclusiveLock$$ AND granted")
_WAITS = psql(
    "SELECT 1 / count(*) FROM pg_locks WHERE waitstart < clock_timestamp() - interval $$6 s$$"
)

FAULTS = (
    Fault(
        "postgres-slot-dead",
        "a standby was removed, and its replication slot was not",
        inject=psql(
            "SELECT pg_create_physical_replication_slot($$old_standby$$, true)",
            "SELECT pg_logical_emit_message(false, $$$$, repeat($$x$$, 16000000)) "
            "FROM generate_series(1, 5)",
        ),
        heal=psql("SELECT pg_drop_replication_slot($$old_standby$$)"),
        red=checks("postgresql.replication_slots[postgres]"),
        says="replication slot 'old_standby' is inactive and retains",
    ),
    Fault(
        "postgres-standby-gone",
        "a synchronous standby was removed, and commits still wait for it",
        inject=psql("ALTER SYSTEM SET synchronous_standby_names = $$standby$$",
                    "SELECT pg_reload_conf()"),
        heal=psql("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"),
        red=checks("postgresql.synchronous_standbys[postgres]"),
        says="expected 1 of synchronous_standby_names = 'standby', observed 0 connected: every",
    ),
    Fault(
        "postgres-archiving-fails",
        "the place that the WAL is archived in is gone",
        inject=psql("ALTER SYSTEM SET archive_mode = on",
                    "ALTER SYSTEM SET archive_command = $$false$$")
        + "\ndocker restart vpn-postgres\n"
        "until docker exec vpn-postgres pg_isready --quiet; do sleep 0.2; done\n"
        + psql("SELECT pg_switch_wal()"),
        until=f"{_ARCHIVING_FAILED} && {health_is('vpn-postgres', 'healthy')}",
        heal=_EMPTY_AGAIN,
        red=checks("postgresql.archiving[postgres]"),
        says="postgres WAL archiving: expected to succeed, observed every attempt failed so far",
    ),
    Fault(
        "postgres-ids-used-up",
        "nothing is vacuumed, and transaction ids run out",
        inject=psql(
            "CREATE TEMP TABLE spent (number int)",
            "DO $$ BEGIN FOR number IN 1..220000 LOOP BEGIN INSERT INTO spent VALUES (number); "
            "EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$",
        ),
        heal=_EMPTY_AGAIN,
        red=checks("postgresql.transaction_ids[postgres]"),
        says="postgres transaction id age: expected under 214748",
    ),
    Fault(
        "postgres-transaction-left-open",
        "a client began a transaction and waits for something else",
        inject=f"{_IN_BACKGROUND} sh -c '(echo \"BEGIN; SELECT 1;\"; sleep 600) | {_CLIENT}'",
        until=_LEFT_OPEN,
        heal="docker exec vpn-postgres pkill sleep",
        red=checks("postgresql.open_transactions[postgres]"),
        says="postgres transactions: expected none left open for 10 s, observed PID",
    ),
    Fault(
        "postgres-lock-held",
        "a migration locked a table and does not end",
        inject=f"{_IN_BACKGROUND} {_CLIENT} "
        "-c 'BEGIN; LOCK TABLE information_schema.sql_parts; SELECT pg_sleep(600)'\n"
        f"until {_LOCKED}; do sleep 0.2; done\n"
        f"{_IN_BACKGROUND} {_CLIENT} -c 'TABLE information_schema.sql_parts'",
        until=_WAITS,
        heal=psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                  "WHERE query LIKE $$%sql_parts%$$ AND pid <> pg_backend_pid()"),
        red=checks("postgresql.lock_waits[postgres]"),
        says="waits for a relation lock on information_schema.sql_parts for",
    ),
    Fault(
        "postgres-data-missing",
        "the database was restored in part: a table is missing, and another one is empty",
        inject=psql("ALTER TABLE information_schema.sql_parts RENAME TO sql_pieces",
                    "DELETE FROM information_schema.sql_features"),
        heal=_EMPTY_AGAIN,
        red=checks("postgresql.tables[postgres]"),
        says="observed no information_schema.sql_parts, 0 rows in information_schema.sql_features",
    ),
    Fault(
        "postgres-data-elsewhere",
        "PGDATA leads past the volume, to a small disk that is nearly full",
        inject="echo 'services: {postgres: {tmpfs: [\"/small:size=96m\"], "
        "environment: {PGDATA: /small/pgdata}}}' > out/override.yaml\n"
        "compose --file out/override.yaml up --detach --no-deps --wait postgres\n"
        "rm out/override.yaml\n"
        "docker exec vpn-postgres sh -c 'left=$(df -m --output=avail /small | tail -n 1); "
        "dd if=/dev/zero of=/small/backup bs=1M count=$((left - 2))'",
        until=health_is("vpn-postgres", "healthy"),
        heal="docker rm --force vpn-postgres",
        red=checks("postgresql.data_directory[postgres]", "postgresql.disk_free[postgres]",
                   "identity.origin[postgres]"),
        says="postgres data directory: expected /var/lib/postgresql/data/pgdata, "
        "observed /small/pgdata in a tmpfs at /small",
    ),
)  # fmt: skip
