"""memcached: what can be declared, its request, and its state."""

import re

from pydantic import ValidationError

from stackproof.facts.fields import Count
from stackproof.facts.reply import Reply
from stackproof.frozen import Frozen
from stackproof.kinds.registry import Datastore, Request, datastore, exchange, invalid_fields, state
from stackproof.schema.values import Port, Ratio
from stackproof.unobserved import UnobservedError

_STAT = re.compile(r"^STAT (\w+) ([0-9]{1,18})\r?$", re.MULTILINE)
_END = "END\r\n"
_OBSERVED_CAP = 200


@datastore("memcached")
class Memcached(Datastore):
    """A declared memcached server."""

    port: Port = 11211
    """The port that it listens on."""
    connections_used: Ratio = 0.8
    """Share of its maximum that may be connected. At the maximum it refuses clients."""
    evicted: Ratio | None = None
    """Share of all items stored since its start that it may have evicted for want of memory; not
    verified if it is not declared."""

    images = frozenset({"memcached"})
    programs = frozenset({"memcached"})


@exchange(Memcached)
def memcached_stats(memcached: Memcached) -> Request:
    """Reply to `stats`, at the container's address: its image has no client."""
    return Request(memcached.port, b"stats\r\n", _END.encode(), "stats")


class MemcachedState(Frozen):
    """State of a memcached server: the fields of `stats` with the same names."""

    curr_connections: Count
    max_connections: Count
    reserved_fds: Count = 0
    """How many of the maximum are not for clients."""
    total_items: Count
    evictions: Count

    @property
    def most_clients(self) -> int:
        """Return how many clients may be connected."""
        return max(self.max_connections - self.reserved_fds, 1)


def is_stats(reply: Reply) -> bool:
    """Return whether a reply is a complete one to `stats`."""
    return not reply.error and reply.text.startswith("STAT ") and reply.text.endswith(_END)


def requires_login(reply: Reply) -> bool:
    """Return whether the server refused the request because the client has not logged in."""
    return reply.text.startswith("CLIENT_ERROR unauthenticated")


@state(memcached_stats)
def memcached_state(reply: Reply) -> MemcachedState:
    """State of the server, from its reply to `stats`.

    Raises:
        UnobservedError: it did not answer, or not with its statistics.
    """
    if not is_stats(reply):
        raise UnobservedError(f"memcached did not answer stats: {observed(reply)}")
    fields = {name: int(value) for name, value in _STAT.findall(reply.text)}
    try:
        return MemcachedState.model_validate(
            {name: fields[name] for name in MemcachedState.model_fields if name in fields}
        )
    except ValidationError as error:
        raise UnobservedError(f"memcached's stats cannot be read{invalid_fields(error)}") from None


def observed(reply: Reply) -> str:
    """Return a reply in one line."""
    first = (reply.text.splitlines() or [""])[0]
    if first.startswith("STAT "):
        first = ""
    return first[:_OBSERVED_CAP] or reply.error or "no statistics"
