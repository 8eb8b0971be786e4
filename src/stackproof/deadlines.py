"""The limits of time, in seconds: of single requests, of a gather, and of waits.

Every call has a limit on this side. A limit that contains another one is longer.
"""

COMMAND_SECONDS = 4
"""All commands of one exec together: less than `EXEC_SECONDS`, so that the exec is not cut short
even if all of them hang. Each has a third of the remaining time, and the last has all of it."""
EXEC_SECONDS = COMMAND_SECONDS + 3
"""An exec. On a busy machine, an engine takes a second to start one and another to end it."""
ENGINE_CALL_SECONDS = 5
"""A call to the engine. Under load it answers an inspect in well under a second."""
SSH_CONNECT_SECONDS = 5
"""The login over ssh."""
SSH_CALL_SECONDS = 5
"""A command or a session on the server over ssh."""
COMPOSE_SECONDS = 5
"""`docker compose config`. It takes a tenth of a second, and ten times that on a busy machine."""

ROUTE_SECONDS = 5
"""A request of a route. A user considers a page that takes five seconds to be down."""
ANNOUNCEMENT_SECONDS = 2
"""The headers of a request that announce a body, and the answer to them. A route takes two."""
HANDSHAKE_SECONDS = 2
"""One connection and its TLS handshake. A host takes at most three."""
EXCHANGE_SECONDS = 3
"""A request to a datastore over TCP, with its reply."""
PORT_CONNECT_SECONDS = 1
"""A connection to a port that must be closed."""
REACHABLE_SECONDS = 3
"""Connections to all published ports together."""
CONTROL_SECONDS = 2
"""A request of the control target."""
LATENCY_SECONDS = 1.5
"""All latency samples of a route: a slow route has fewer."""

GATHER_SECONDS = 8
"""A gather: the longest probe is a call of five seconds after the ones that connect and list."""
SETTLE_POLL_SECONDS = 8
"""One poll of the containers while a stack settles."""
UNREACHABLE_SECONDS = 30
"""An engine that restarts is back by then. If it is not, waiting any longer is pointless."""
RUN_LOCK_SECONDS = 60
"""A gate waits so long for another run: a deploy needs its verdict, and a scheduled run ends soon.
All other runs end at once: the next scheduled run must not find a queue."""
