"""Ports of a server: whether they accept a connection."""

import errno
import time

from stackproof.deadlines import PORT_CONNECT_SECONDS, REACHABLE_SECONDS
from stackproof.environment.model import Environment
from stackproof.environment.outside import ClosedPort
from stackproof.probes.declaration import CLOSED_PORT, ENVIRONMENT, Target, probe
from stackproof.probes.http.connections import connect, endpoint
from stackproof.probes.http.errors import describe_error
from stackproof.schema.published_port import PublishedPort
from stackproof.unobserved import UnobservedError


@probe(of=ENVIRONMENT)
def server_is_reachable(target: Target) -> bool:
    """Whether the server answers at a published port, even with a refusal.

    If it does not, a port without an answer may be closed, or the server may be unreachable.
    """
    return is_reachable(target.environment)


@probe("open_ports", of=CLOSED_PORT, needs=[server_is_reachable], from_here=True)
def open_port(target: Target, server_is_reachable: bool) -> bool:
    """Whether a port that must be closed accepts a connection."""
    return is_open(target.environment, target.closed_port, server_is_reachable)


def is_reachable(environment: Environment) -> bool:
    """Return whether the server answers at a published port, even with a refusal."""
    until = time.monotonic() + REACHABLE_SECONDS
    ports = [
        PublishedPort.parse(text) for each in environment.services.values() for text in each.publish
    ]
    return any(
        _answers(environment, port.first)
        for port in ports
        if port.is_exact
        and (port.address, port.protocol) == ("", "tcp")
        and time.monotonic() < until
    )


def is_open(environment: Environment, port: ClosedPort, server_is_reachable: bool) -> bool:
    """Return whether a port accepts a connection.

    Raises:
        UnobservedError: neither the port nor the server answers, or the problem is on this side.
    """
    try:
        _connect(environment, port.host, port.port)
    except TimeoutError:
        if not server_is_reachable:
            raise UnobservedError(f"{port.host} answers at none of its published ports") from None
        return False
    except ConnectionRefusedError:
        return False
    except OSError as error:
        if server_is_reachable and error.errno == errno.EHOSTUNREACH:  # as some firewalls answer
            return False
        raise UnobservedError(f"{port.host}:{port.port}: {describe_error(error)}") from None
    return True


def _answers(environment: Environment, port: int) -> bool:
    host = environment.outside.host if environment.outside else ""
    try:
        _connect(environment, host, port)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def _connect(environment: Environment, host: str, port: int) -> None:
    connect(*endpoint(environment.resolve, host, port), PORT_CONNECT_SECONDS).close()
