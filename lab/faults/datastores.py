"""Databases that run and do not answer, take no writes, do not keep them, or have no room."""

from lab.faults.fault import Fault, checks, health_is

_POSTGRES = ("datastores.*[postgres]", "postgresql.*[postgres]")
_REDIS = ("datastores.*[redis]",)
_FILL = "for i = 1, ARGV[1] do redis.call('set', i, string.rep('x', ARGV[2])) end"
"""Sets so many keys to values of so many bytes."""


def _altered_redis(definition: str, *options: str) -> str:
    """Shell lines that make the container of Redis again, otherwise."""
    return (
        f"echo 'services: {{redis: {definition}}}' > out/override.yaml\n"
        f"compose --file out/override.yaml up --detach --no-deps {' '.join(options)} redis\n"
        "rm out/override.yaml"
    )


def psql(*statements: str, database: str = "platform_db", options: str = "") -> str:
    """A shell line that runs SQL, without a single quote in it, in the lab's PostgreSQL."""
    said = " ".join(f"-c '{statement}'" for statement in statements)
    return (
        f"docker exec --env PGOPTIONS='{options}' vpn-postgres "
        f"psql -Xw -U platform_admin -d {database} {said}"
    )


def _redis(*commands: str) -> str:
    return "\n".join(f"docker exec vpn-redis redis-cli {command}" for command in commands)


FAULTS = (
    Fault(
        "postgres-not-accepting",
        "PostgreSQL hangs: its port is open, but it accepts no connection",
        inject="docker kill --signal=STOP vpn-postgres",
        until=health_is("vpn-postgres", "unhealthy"),
        heal="docker kill --signal=CONT vpn-postgres",
        red=checks("datastores.accepts_connections[postgres]", "datastores.query[postgres]",
                   "containers.healthy[postgres]", "containers.processes[postgres]"),
        unknown=_POSTGRES,
        says="postgres connections: expected accepting connections, observed no answer in time",
    ),
    Fault(
        "postgres-database-missing",
        "a restore was broken off, with the database under another name",
        inject=psql("ALTER DATABASE platform_db RENAME TO platform_old", database="postgres"),
        heal=psql("ALTER DATABASE platform_old RENAME TO platform_db", database="postgres"),
        red=checks("datastores.query[postgres]"),
        unknown=_POSTGRES,
        says='database "platform_db" does not exist',
    ),
    Fault(
        "postgres-read-only",
        "PostgreSQL was made read-only for a migration, and left so",
        inject=psql("ALTER SYSTEM SET default_transaction_read_only = on",
                     "SELECT pg_reload_conf()"),
        heal=psql("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()",
                   options="-c default_transaction_read_only=off"),
        red=checks("datastores.writable[postgres]"),
        says="postgres writes: expected writable, observed read-only",
    ),
    Fault(
        "postgres-standby",
        "PostgreSQL came up as a standby and was not promoted",
        inject="docker exec vpn-postgres touch /var/lib/postgresql/data/pgdata/standby.signal\n"
        "docker restart vpn-postgres",
        until=health_is("vpn-postgres", "healthy"),
        heal=psql("SELECT pg_promote()"),
        red=checks("datastores.writable[postgres]"),
        says="postgres writes: expected writable, observed in recovery",
    ),
    Fault(
        "postgres-connections-leak",
        "a service opens connections and does not give them back",
        inject="docker exec --detach vpn-postgres sh -c 'echo \"SELECT pg_sleep(600)\" "
        "| pgbench -n -U platform_admin -c 85 -f - platform_db'",
        until='[ "$(docker exec vpn-postgres ps -C postgres -o args= | grep -c SELECT)" -ge 85 ]',
        heal="docker exec vpn-postgres sh -c 'pkill pgbench; pkill -f [S]ELECT'",
        red=checks("datastores.connections_free[postgres]"),
        says="postgres connections in use: expected under 80% of 100, observed",
    ),
    Fault(
        "redis-hung",
        "Redis hangs: its port is open, and no command is answered",
        inject="docker kill --signal=STOP vpn-redis",
        until=health_is("vpn-redis", "unhealthy"),
        heal="docker kill --signal=CONT vpn-redis",
        red=checks("datastores.ping[redis]", "containers.healthy[redis]",
                   "containers.processes[redis]"),
        unknown=_REDIS,
        says="redis processes: expected none that is stopped, observed redis-server (PID 1)",
    ),
    Fault(
        "redis-saves-fail",
        "Redis may no longer write its directory, and is configured to serve in spite of it",
        inject="docker exec --user root vpn-redis chmod 500 /data\n"
        + _redis("config set stop-writes-on-bgsave-error no", "bgsave"),
        until=_redis("info persistence") + " | grep -q rdb_last_bgsave_status:err",
        heal="docker exec --user root vpn-redis chmod 755 /data\n"
        + _redis("bgsave", "config set stop-writes-on-bgsave-error yes"),
        red=checks("datastores.saves[redis]"),
        says="redis last save: expected ok, observed err",
    ),
    Fault(
        "redis-rewrite-fails",
        "Redis may no longer write its directory when its append-only file has grown",
        inject="docker exec --user root vpn-redis chmod 500 /data\n" + _redis("bgrewriteaof"),
        until=_redis("info persistence") + " | grep -q aof_last_bgrewrite_status:err",
        heal="docker exec --user root vpn-redis chmod 755 /data\n" + _redis("bgrewriteaof"),
        red=checks("datastores.appends[redis]"),
        says="redis append-only rewrite: expected ok, observed err",
    ),
    Fault(
        "redis-append-only-off",
        "the append-only file was switched off to save a disk, and left so",
        inject=_redis("config set appendonly no"),
        heal=_redis("config set appendonly yes"),
        red=checks("datastores.append_only[redis]"),
        says="redis appendonly: expected yes, observed no",
    ),
    Fault(
        "redis-evicts",
        "Redis was configured as a cache: at its maximum, it deletes jobs",
        inject=_redis("config set maxmemory-policy allkeys-lru"),
        heal=_redis("config set maxmemory-policy noeviction"),
        red=checks("datastores.eviction[redis]"),
        says="redis maxmemory-policy: expected noeviction, observed allkeys-lru",
    ),
    Fault(
        "redis-disk-full",
        "the disk is full where Redis keeps its append-only file",
        inject=_altered_redis(
            '{tmpfs: ["/full:size=256k,mode=1777"], command: [redis-server, --bind, 0.0.0.0, '
            '--protected-mode, "no", --dir, /full, --appendonly, "yes"]}', "--wait",
        ) + "\n" + _redis(f'eval "{_FILL}" 0 1 1000000'),
        until=_redis("info persistence") + " | grep -q aof_last_write_status:err && "
        + health_is("vpn-redis", "unhealthy"),
        heal="docker rm --force vpn-redis",
        red=checks("datastores.appends[redis]", "datastores.ping[redis]",
                   "containers.healthy[redis]", "identity.origin[redis]"),
        says="redis append-only write: expected ok, observed err",
    ),
    Fault(
        "redis-loading",
        "Redis came up, and is a long time loading its data",
        inject=_redis(f'eval "{_FILL}" 0 100000 1') + "\n" + _altered_redis(
            '{command: [redis-server, --bind, 0.0.0.0, --protected-mode, "no", --dir, /data, '
            '--appendonly, "yes", --key-load-delay, "1000"]}'
        ),
        until=_redis("ping") + " | grep -q LOADING && "
        "docker inspect -f '{{json .State.Health.Log}}' vpn-redis | grep -q Start",
        heal="docker rm --force vpn-redis",
        red=checks("datastores.loaded[redis]", "datastores.ping[redis]",
                   "identity.origin[redis]"),
        unknown=("containers.healthy[redis]", "datastores.append_only[redis]"),
        says="redis data: expected loaded, observed still loading",
    ),
    Fault(
        "redis-replica",
        "a rehearsed failover left Redis the replica of another one",
        inject=_redis("replicaof 127.0.0.1 1"),
        heal=_redis("replicaof no one"),
        red=checks("datastores.master[redis]"),
        says="redis role: expected master, observed slave",
    ),
    Fault(
        "redis-memory-nearly-used-up",
        "nothing expires, and Redis has nearly reached its maximum",
        inject=_redis("config set maxmemory 20mb", f'eval "{_FILL}" 0 165 100000'),
        heal=_redis("flushall", "config set maxmemory 0"),
        red=checks("datastores.memory_free[redis]"),
        says="redis memory in use: expected under 90% of its maximum 20 MiB, observed",
    ),
)  # fmt: skip
