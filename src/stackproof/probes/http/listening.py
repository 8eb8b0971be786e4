"""Ports of services: whether they accept a connection at the container's own address."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stackproof.deadlines import PORT_CONNECT_SECONDS
from stackproof.facts.machine import Machine
from stackproof.facts.response import Listening
from stackproof.probes.declaration import SERVICE, Target, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.http.connections import connect
from stackproof.probes.http.container_http import own_network_address, usable_address
from stackproof.probes.http.errors import describe_error
from stackproof.probes.machine import machine
from stackproof.probes.own_addresses import own_addresses

if TYPE_CHECKING:
    from stackproof.engine.ssh.link import Link

MOST_PORTS = 10
"""How many ports of a service are tried."""


@probe("listening", of=SERVICE, needs=[engine, machine, own_addresses])
def listening(
    target: Target, engine: EngineSession, machine: Machine, own_addresses: frozenset[str]
) -> Listening:
    """The ports of a service that accept a connection, and why others do not."""
    listed = engine.find(target.name)
    if listed is None or listed.state not in ("running", "paused"):
        why = engine.not_running(target.name)
        return Listening(closed=dict.fromkeys(target.service.ports[:MOST_PORTS], why))
    its_own = own_network_address(engine, machine, own_addresses, listed)
    address = usable_address(target.service, its_own)
    link = engine.connection.link
    if link is None:
        return _try(target.service.ports, lambda port: _connect_here(address, port))
    return link.with_reconnect(
        lambda: _try(target.service.ports, lambda port: _connect_from_server(link, address, port))
    )


def _try(ports: Sequence[int], connect_to: Callable[[int], None]) -> Listening:
    accepted, closed = [], {}
    for port in ports[:MOST_PORTS]:
        try:
            connect_to(port)
        except OSError as error:
            closed[port] = describe_error(error)
        else:
            accepted.append(port)
    return Listening(open=tuple(accepted), closed=closed)


def _connect_here(address: str, port: int) -> None:
    connect(address, port, PORT_CONNECT_SECONDS).close()


def _connect_from_server(link: "Link", address: str, port: int) -> None:
    connection, request = link.connect(address, port, PORT_CONNECT_SECONDS)
    connection.close()
    request.close()
