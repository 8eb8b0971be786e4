"""How long routes take to respond, from several requests."""

import time
from collections.abc import Callable
from functools import partial
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from stackproof.deadlines import LATENCY_SECONDS
from stackproof.environment.routes import Route
from stackproof.facts.machine import Machine
from stackproof.facts.response import Response
from stackproof.probes.declaration import ROUTE, Target, probe
from stackproof.probes.engine_session import EngineSession
from stackproof.probes.http.responses import REQUEST, request, response
from stackproof.probes.nginx.log import log_entries
from stackproof.probes.nginx.proxy import proxy
from stackproof.probes.proxies.caddy import caddy_state
from stackproof.probes.proxies.caddy_log import caddy_errors
from stackproof.probes.proxies.traefik import traefik_api

if TYPE_CHECKING:
    from stackproof.probes.http.client import Client

_OF_PROXIES = (proxy, log_entries, caddy_state, caddy_errors, traefik_api)
SAMPLES = 12
# More at a time would measure how busy this machine is.
_CONCURRENT = BoundedSemaphore(4)


# Neither other requests nor what a proxy is asked may cause the latency.
@probe("latencies", of=ROUTE, needs=REQUEST, after=[response, *_OF_PROXIES], from_here=True)
def latency(
    target: Target, client: "Client", engine: EngineSession | None, machine: Machine | None
) -> tuple[float, ...]:
    """The durations of several right responses of a route, in milliseconds.

    None of a request that may not be repeated, or that opens a connection to stay.
    """
    if target.route.stays_open or not target.route.is_repeatable:
        return ()
    return sample(partial(request, client=client, engine=engine, machine=machine), target.route)


def sample(request: Callable[[Route], Response], route: Route) -> tuple[float, ...]:
    """Request a route repeatedly; return the milliseconds of each complete, right response."""
    durations: list[float] = []
    with _CONCURRENT:
        ends = time.monotonic() + LATENCY_SECONDS
        for _ in range(SAMPLES):
            response = request(route)
            if response.status in route.expected_statuses:
                durations.append(response.elapsed_ms)
            if time.monotonic() > ends:
                break
    return tuple(durations)
