"""Responses of routes."""

from typing import TYPE_CHECKING

from stackproof.environment.routes import Route
from stackproof.facts.machine import Machine
from stackproof.facts.response import Response
from stackproof.probes.declaration import ENVIRONMENT, ROUTE, Target, only_if, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.http.connections import trusted
from stackproof.probes.machine import machine

if TYPE_CHECKING:
    from stackproof.probes.http.client import Client

REQUEST_PATIENCE_S = 2
"""Seconds that a request waits for its turn. It then still has its own five before the deadline."""


def is_from_server(target: Target) -> bool:
    """Return whether a route is requested from the engine's machine."""
    return target.route.vantage == "server"


@probe(of=ENVIRONMENT)
def client(target: Target) -> "Client":
    """The HTTP client for routes."""
    # Imported here, on a thread: it takes a sixth of a second, while the engine is busy.
    from stackproof.probes.http.client import Client

    return Client(target.environment.resolve, trusted(target.environment, "requests"))


REQUEST = (client, only_if(is_from_server, engine), only_if(is_from_server, machine))
"""What a request of a route needs."""


@probe("responses", of=ROUTE, needs=REQUEST, patience_s=REQUEST_PATIENCE_S, from_here=True)
def response(
    target: Target,
    client: "Client",
    engine: EngineSession | None,
    machine: Machine | None,
) -> Response:
    """The response of a route."""
    return request(target.route, client, engine, machine)


def request_through(
    engine: EngineSession, machine: Machine, route: Route, client: "Client"
) -> Response:
    """Request a URL from the engine's machine.

    Raises:
        UnobservedError: this machine is not the engine's, and no connection leads there.
    """
    link = engine.connection.link
    engine.require_local_engine(machine)
    if link is None:
        return client.request(route)
    if not route.is_repeatable:
        return client.request(route, link.connect)
    # A connection that ended without a response may have ended with the one to the server.
    return link.with_reconnect(
        lambda: client.request(route, link.connect), lambda response: response.error
    )


def request(
    route: Route, client: "Client", engine: EngineSession | None, machine: Machine | None
) -> Response:
    """Request a route from this machine, or through the engine if there is one."""
    if engine and machine:
        return request_through(engine, machine, route, client)
    return client.request(route)
