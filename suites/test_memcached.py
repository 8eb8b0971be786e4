"""memcached answers at its container's address, accepts connections, and has room for items."""

import pytest

from stackproof.facts.reply import Reply
from stackproof.finding import finding, subject_name
from stackproof.fixtures.session.collection import critical, declares
from stackproof.hint import advice, log_of
from stackproof.kinds import memcached as memcached_kind
from stackproof.kinds.memcached import Memcached, MemcachedState
from stackproof.unobserved import UnobservedError

pytestmark = pytest.mark.datastores


@critical
def test_stats(memcached: Memcached, memcached_stats: Reply) -> None:
    """A hung memcached keeps its port open: only a response proves that it works."""
    if memcached_kind.requires_login(memcached_stats):
        raise UnobservedError("it requires a login, which only its binary protocol has")
    assert memcached_kind.is_stats(memcached_stats), finding(
        memcached,
        "stats",
        expected="its statistics",
        observed=memcached_kind.observed(memcached_stats),
        hint=log_of(subject_name(memcached)),
    )


def test_connections_free(memcached: Memcached, memcached_state: MemcachedState) -> None:
    """At its maximum, memcached closes every new connection."""
    used, most = memcached_state.curr_connections, memcached_state.most_clients
    assert used < memcached.connections_used * most, finding(
        memcached,
        "connections in use",
        expected=f"under {memcached.connections_used:.0%} of {most}",
        observed=f"{used} ({used / most:.0%})",
        hint=advice(
            "find the clients that open a connection for each request, or raise its option -c"
        ),
    )


@declares("evicted")
def test_evicted(memcached: Memcached, memcached_state: MemcachedState) -> None:
    """A cache that is too small evicts items before anyone reads them, and then does not help."""
    allowed = memcached.evicted or 1.0
    evicted, stored = memcached_state.evictions, memcached_state.total_items
    assert evicted <= allowed * stored, finding(
        memcached,
        "evicted items",
        expected=f"at most {allowed:.0%} of all {stored}",
        observed=f"{evicted} ({evicted / max(stored, 1):.0%})",
        hint=advice("raise its memory, the option -m, or store less"),
    )
