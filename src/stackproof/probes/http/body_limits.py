"""How servers answer to announced bodies around the declared limit of a route."""

from typing import TYPE_CHECKING

from stackproof.deadlines import ANNOUNCEMENT_SECONDS
from stackproof.environment.routes import Route
from stackproof.facts.machine import Machine
from stackproof.facts.proxy import Destination
from stackproof.facts.response import Announced, BodyLimit
from stackproof.probes.declaration import ROUTE, Target, probe
from stackproof.probes.engine_session import EngineSession
from stackproof.probes.http.responses import REQUEST, REQUEST_PATIENCE_S
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

if TYPE_CHECKING:
    from stackproof.probes.http.client import Client

_CONTINUE, _TOO_LARGE, _SERVER_ERROR = 100, 413, 500


@probe("body_limits", of=ROUTE, needs=REQUEST, patience_s=REQUEST_PATIENCE_S, from_here=True)
def body_limit(
    target: Target, client: "Client", engine: EngineSession | None, machine: Machine | None
) -> BodyLimit:
    """The answers of a route's server to announced bodies around its limit. No body is sent."""
    limit = target.route.body_limit or 0
    if engine and machine:
        engine.require_local_engine(machine)

    def announce(route: Route, length: int) -> Announced:
        link = engine.connection.link if engine else None
        return client.announce(route, length, ANNOUNCEMENT_SECONDS, link.connect if link else None)

    return BodyLimit(
        at_limit=announce(target.route, limit), above=announce(target.route, limit + 1)
    )


def mismatch(limit: Bytes, found: BodyLimit, passed: Destination | None) -> tuple[str, str]:
    """Return what is expected at the limit, and what is there instead; two empty texts if it holds.

    Args:
        limit: the declared limit.
        found: the answers to bodies around it.
        passed: how nginx passes the request on; None if that is unknown.

    Raises:
        UnobservedError: the answers do not show where the limit is.
    """
    of_nginx = passed.max_body if passed else None
    if found.at_limit.status == _TOO_LARGE:
        lower = of_nginx is not None and 0 < of_nginx < limit
        why = f": client_max_body_size is {Bytes(of_nginx or 0)}" if lower else ""
        return f"a body of {limit} to be accepted", f"413 Request Entity Too Large{why}"
    # Other servers ask for a body of any size, and refuse it while they read.
    if found.above.status == _CONTINUE and of_nginx is not None and not 0 < of_nginx <= limit:
        why = f"client_max_body_size is {Bytes(of_nginx) if of_nginx else '0 (no limit)'}"
        return f"a body of more than {limit} to be refused with 413", f"100 Continue: {why}"
    undecided = found.at_limit if found.above.status == _TOO_LARGE else found.above
    # An error of the server comes before or instead of what it says of the size.
    if undecided is found.above or (undecided.status or _SERVER_ERROR) >= _SERVER_ERROR:
        answer = undecided.status or undecided.error
        raise UnobservedError(f"a body that is announced is answered with {answer}")
    return "", ""
