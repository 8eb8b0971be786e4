"""Requests to datastores over TCP, at the addresses of their containers."""

import time
from typing import Any

from stackproof.deadlines import EXCHANGE_SECONDS
from stackproof.engine.ssh.tunnel import Tunnel
from stackproof.facts.machine import Machine
from stackproof.facts.reply import Reply
from stackproof.kinds.registry import EXCHANGES, Exchange, Request
from stackproof.probes.declaration import SERVICE, Probe, Target, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.http.connections import Connect, connect
from stackproof.probes.http.container_http import own_network_address, usable_address
from stackproof.probes.http.errors import describe_error
from stackproof.probes.machine import machine
from stackproof.probes.own_addresses import own_addresses

REPLY_CAP = 64 * 1024
_CHUNK = 16 * 1024


def exchange_probe(exchange: Exchange[Any]) -> Probe[Reply]:
    """Declare a probe that sends one request to the container of its target."""

    def observe(
        target: Target, engine: EngineSession, machine: Machine, own_addresses: frozenset[str]
    ) -> Reply:
        servers = target.environment.datastores.of(exchange.of)
        request: Request = exchange.request(servers[target.service.name])
        listed = engine.find(target.name)
        if listed is None or listed.state not in ("running", "paused"):
            return Reply(sent=request.text, error=engine.not_running(target.name))
        its_own = own_network_address(engine, machine, own_addresses, listed)
        address = usable_address(target.service, its_own)
        link = engine.connection.link
        if link is None:
            return ask(request, address, connect)
        tunnel = Tunnel(link.connect)
        try:
            return link.with_reconnect(
                lambda: ask(request, address, tunnel.connect), lambda reply: reply.error
            )
        finally:
            tunnel.close()

    observe.__doc__ = exchange.doc
    return probe(
        "replies",
        of=SERVICE,
        needs=[engine, machine, own_addresses],
        shared=True,
        name=exchange.name,
    )(observe)


def ask(request: Request, address: str, connect_to: Connect) -> Reply:
    """Send a request; return what was received until the reply was complete, or why it was not.

    Raises:
        UnobservedError: the cause is on this side of the connection.
    """
    ends = time.monotonic() + EXCHANGE_SECONDS
    received, error = bytearray(), ""
    try:
        with connect_to(address, request.port, EXCHANGE_SECONDS) as connection:
            connection.settimeout(_left(ends))
            connection.sendall(request.send)
            while not received.endswith(request.ends):
                connection.settimeout(_left(ends))
                chunk = connection.recv(_CHUNK)
                received += chunk
                if not chunk or len(received) > REPLY_CAP:
                    error = "the connection ended" if not chunk else "the reply is too long"
                    break
    except TimeoutError:
        error = "no answer in time"
    except OSError as failure:
        error = describe_error(failure)
    text = received[:REPLY_CAP].decode(errors="backslashreplace")
    return Reply(sent=request.text, address=f"{address}:{request.port}", text=text, error=error)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


DATASTORE_EXCHANGES = {name: exchange_probe(each) for name, each in EXCHANGES.items()}
"""The probe of each exchange that a kind of datastore declares, by its name."""
