"""Redis that lets nobody in, or not everyone, or refuses writes for want of replicas."""

from lab.faults.fault import Fault, checks

_CLIENT = "REDISCLI_AUTH=$(cat /run/secrets/sessions_password) redis-cli"


def _redis(command: str) -> str:
    return f"docker exec kinds-sessions sh -c '{_CLIENT} {command}'"


FAULTS = (
    Fault(
        "sessions-password-other",
        "the secret was changed, and Redis was not restarted",
        inject=_redis("config set requirepass other"),
        heal="docker exec kinds-sessions sh -c 'REDISCLI_AUTH=other "
        "redis-cli -x config set requirepass < /run/secrets/sessions_password'",
        red=checks("datastores.ping[sessions]"),
        unknown=("datastores.*[sessions]",),
        says="sessions PING: expected PONG, observed AUTH failed: WRONGPASS",
        shape="kinds",
    ),
    Fault(
        "sessions-on-loopback",
        "Redis listens in its own container alone, where its client gets an answer",
        inject=_redis("config set bind 127.0.0.1"),
        heal=_redis("config set bind 0.0.0.0"),
        red=checks("datastores.ping[sessions]"),
        says="sessions PING: expected PONG, observed Could not connect to Redis at 172.29.0.",
        shape="kinds",
    ),
    Fault(
        "sessions-replicas-lost",
        "Redis must have a replica to accept writes, and has none",
        inject=_redis("config set min-replicas-to-write 1"),
        heal=_redis("config set min-replicas-to-write 0"),
        red=checks("datastores.replicas[sessions]"),
        says="sessions replicas: expected enough to accept writes, observed none that keeps up",
        shape="kinds",
    ),
    Fault(
        "sessions-clients-leak",
        "a service opens connections and does not give them back",
        inject=_redis("config set maxclients 5") + "\n"
        "docker exec --detach kinds-sessions sh -c "
        f"'for each in 1 2 3 4; do {_CLIENT} subscribe sales & done; wait'",
        until=_redis("info clients") + " | grep -q connected_clients:5",
        heal="docker exec kinds-sessions pkill -x redis-cli\n"
        + _redis("config set maxclients 10000"),
        red=checks("datastores.clients_free[sessions]"),
        says="sessions clients: expected under 80% of 5, observed 5 (100%)",
        shape="kinds",
    ),
)  # fmt: skip
