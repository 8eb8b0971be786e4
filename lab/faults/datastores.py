"""Databases that run and do not answer."""

from lab.faults.fault import Fault, checks, health_is

FAULTS = (
    Fault(
        "postgres-not-accepting",
        "PostgreSQL hangs: its port is open, and nobody is let in",
        inject="docker kill --signal=STOP vpn-postgres",
        until=health_is("vpn-postgres", "unhealthy"),
        heal="docker kill --signal=CONT vpn-postgres",
        red=checks("datastores.accepts_connections[postgres]", "containers.healthy[postgres]"),
        says="postgres connections: expected accepting connections, observed",
    ),
    Fault(
        "redis-hung",
        "Redis hangs: its port is open, and no command is answered",
        inject="docker kill --signal=STOP vpn-redis",
        until=health_is("vpn-redis", "unhealthy"),
        heal="docker kill --signal=CONT vpn-redis",
        red=checks("datastores.ping[redis]", "containers.healthy[redis]"),
        says="redis PING: expected PONG, observed no answer in time",
    ),
)
