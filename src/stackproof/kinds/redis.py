"""Redis: what can be declared, its commands, and its state."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, ValidationError

from stackproof.facts.command import CommandResult
from stackproof.facts.fields import Count
from stackproof.frozen import Frozen
from stackproof.kinds.password import PasswordDatastore, with_password
from stackproof.kinds.registry import (
    DeclaredContainer,
    UndecidedError,
    command,
    datastore,
    invalid_fields,
    state,
)
from stackproof.schema.expected import expect
from stackproof.schema.values import Port, Ratio, SingleLine
from stackproof.shell import Line, database_name, line, number, script_line
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

_REQUIREPASS = re.compile(
    r"--requirepass[ =]+[\"']?"
    r"(?:\$\$\(cat (?P<file>/[^\s)]+)\)|\$\$\{?(?P<variable>\w+)|(?P<text>[^\s\"']+))"
)
MEMORY_USED = 0.9
NO_PERMISSION = "NOPERM"
"""What begins the error of a user that may not use a command."""
_FIELD = re.compile(r"^(\w+):(.*?)\r?$", re.MULTILINE)
_NUMBER = re.compile(r"[0-9]{1,20}")


_POLICIES = (
    "noeviction",
    *(f"allkeys-{how}" for how in ("lru", "lfu", "lrm", "random")),
    *(f"volatile-{how}" for how in ("lru", "lfu", "lrm", "random", "ttl")),
)
EvictionPolicy = Annotated[
    str,
    expect("a maxmemory-policy such as noeviction", _POLICIES.__contains__, enum=list(_POLICIES)),
]


@datastore("redis")
class Redis(PasswordDatastore):
    """A declared Redis server."""

    port: Port = 6379
    """The port that it listens on."""
    user: SingleLine = ""
    """The ACL user that the stack uses, if it is not the default one."""
    tls: bool = False
    """Whether it speaks TLS at its port. Its certificate is not verified."""
    replica: bool = False
    """Whether it is a replica: then it must be one, and connected to its master."""
    memory_used: Ratio | None = None
    """Share of `maxmemory` that may be in use. At the maximum it evicts keys or refuses writes.
    Default: 0.9; not verified if its `maxmemory-policy` evicts any key (`allkeys-lru`)."""
    clients_used: Ratio | None = None
    """Share of `maxclients` that may be connected; not verified if it is not declared. Redis 7 and
    later report it."""
    eviction: EvictionPolicy | None = None
    """The `maxmemory-policy` that it must have, such as `noeviction`."""
    append_only: bool | None = None
    """Whether it must keep an append-only file (`appendonly yes`)."""

    images = frozenset({"redis", "redis-stack-server", "redis-stack"})
    programs = frozenset({"redis-server", "redis-stack-server"})

    @classmethod
    def of_container(cls, container: DeclaredContainer) -> Mapping[str, str]:
        """Return the source of the password that the server requires."""
        if "REDISCLI_AUTH" in container.environment:  # redis-cli reads it
            return {}
        for name in ("REDIS_PASSWORD", "VALKEY_PASSWORD"):
            if "bitnami" in container.image and name in container.environment:
                return {"password_variable": name}
        required = _REQUIREPASS.search(container.command)
        if not required:
            return {}
        if required["file"]:
            return {"password_file": required["file"]}
        same = (name for name, text in container.environment.items() if text == required["text"])
        if variable := required["variable"] or next(same, ""):
            return {"password_variable": variable}
        raise UndecidedError(
            "its password, which only its command has: declare password_file or password_variable"
        )


@datastore("valkey")
class Valkey(Redis):
    """A declared Valkey server. It is verified as Redis is."""

    images = frozenset({"valkey", "valkey-bundle"})
    programs = frozenset({"valkey-server"})


UNAUTHENTICATED = "NOAUTH Authentication required"
"""The error of a server that requires a password and got none."""
_AUTH_FAILED = re.compile(r"^(?:Warning: )?AUTH failed.*$", re.MULTILINE)


_CLIENT = """\
client=$(command -v redis-cli || command -v valkey-cli || command -v keydb-cli) || \\
{ echo neither redis-cli nor valkey-cli is installed; exit 127; }"""
# Where a network has IPv6, the server may listen at one of its addresses alone.
# Its own client may connect where others may not: it is asked there only if it does not accept
# connections at its address.
_PING_OVER_TCP = """\
for address in $(hostname -i 2>/dev/null || echo 127.0.0.1); do
answer=$(timeout -s KILL 2 "$client" <options> -h "$address" -p <port> ping 2>&1); code=$?
case "$answer" in "Could not connect"*) ;; *) break;; esac
done
case "$answer" in
"Could not connect"*) inside=$(timeout -s KILL 1 "$client" <options> -p <port> ping 2>&1)
printf '127.0.0.1: %s\\n' "$inside";;
esac
printf '%s\\n' "$answer"; exit $code"""
_ASK = 'exec "$client" <options> -p <port> '


@command(Redis)
def redis_ping(redis: Redis) -> Line:
    """Result of a PING, over TCP at the container's own address."""
    return _client(redis, _PING_OVER_TCP if redis.over_tcp else f"{_ASK}ping", "ping")


@command(Redis)
def redis_info(redis: Redis) -> Line:
    """Result of INFO."""
    return _client(redis, f"{_ASK}info", "info")


def _client(redis: Redis, body: str, verb: str) -> Line:
    """Return a line with the declared password. The client itself reads `REDISCLI_AUTH`."""
    options = " --tls --insecure" if redis.tls else ""
    given = {"port": number(redis.port)}
    if redis.user:
        options += " --user <user>"
        given["user"] = database_name(redis.user)
    then = line(f"{_CLIENT}\n{body.replace(' <options>', options)}", **given)
    inner = with_password(redis, then, "REDISCLI_AUTH") if redis.has_password else then
    return script_line(inner, f"redis-cli {verb}")


def reply(redis: Redis, result: CommandResult) -> str:
    """Return the reply to a PING, or why the declared password was refused."""
    refused = _AUTH_FAILED.search(result.output)
    if refused and redis.has_password:
        return refused[0]
    return result.last_line if refused else result.output


def _integer(value: object) -> object:
    if not isinstance(value, int):
        raise ValueError("expected a whole number")  # noqa: TRY004 - pydantic takes no other
    return value


Size = Annotated[Bytes, BeforeValidator(_integer)]
Number = Annotated[Count, BeforeValidator(_integer)]


class RedisState(Frozen):
    """State of a Redis server: the fields of `INFO` with the same names."""

    role: str
    """`master` or `slave`."""
    master_link_status: str | None = None
    """Of a replica: `up` or `down`."""
    loading: bool
    rdb_last_bgsave_status: str
    """`ok` or `err`; `ok` too if it has never saved."""
    aof_enabled: bool
    aof_last_write_status: str
    aof_last_bgrewrite_status: str
    """`ok` or `err`; `ok` too if it was never rewritten."""
    used_memory: Size
    maxmemory: Size
    """0 if there is no maximum."""
    maxmemory_policy: str = ""
    connected_clients: Number | None = None
    rejected_connections: Number = 0
    """Connections that were refused at `maxclients`, since it started."""
    maxclients: Number | None = None
    """None if it does not report it."""
    min_slaves_good_slaves: Number | None = None
    """Replicas that keep up; None if it takes writes without any."""

    @property
    def is_cache(self) -> bool:
        """Whether it makes room by evicting any key."""
        return self.maxmemory_policy.startswith("allkeys-")


@state(redis_info)
def redis_state(result: CommandResult) -> RedisState:
    """State of the server, from its answer to INFO.

    Raises:
        UnobservedError: the server did not answer, or left out what every version reports.
    """
    fields = {
        name: int(value) if _NUMBER.fullmatch(value) else value
        for name, value in _FIELD.findall(result.output)
    }
    required = {name for name, field in RedisState.model_fields.items() if field.is_required()}
    if not required <= fields.keys():
        raise UnobservedError(f"Redis did not answer INFO: {result.observed}")
    try:
        return RedisState.model_validate(
            {name: fields[name] for name in RedisState.model_fields if name in fields}
        )
    except ValidationError as error:
        raise UnobservedError(f"Redis's INFO cannot be read{invalid_fields(error)}") from None
