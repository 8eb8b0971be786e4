"""The containers are in the declared networks, and no other port is open on the host.

A container that does not run has neither addresses nor ports: these checks are then UNKNOWN. A
service with `network_mode: service:NAME` uses the network of another one: checks of addresses and
ports verify the other.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import TypeVar

from stackproof.environment.model import Environment
from stackproof.environment.outside import ClosedPort
from stackproof.environment.services import Service
from stackproof.facts.container import Container, ListedContainer
from stackproof.finding import finding
from stackproof.fixtures.session.collection import as_deployed, declares
from stackproof.hint import advice, recreate, server, up
from stackproof.probes.containers.instances import by_instance, strangers
from stackproof.schema.published_port import format_like, parse_observed, publishes_exactly
from stackproof.unobserved import UnobservedError

T = TypeVar("T")

_SHOWN = 60


@declares("network.subnet")
def test_subnet(
    stack: Environment,
    listed: Mapping[str, ListedContainer],
    networks: Mapping[str, tuple[str, ...]],
) -> None:
    """Firewall rules and VPN routes name the subnet. Another network bypasses them."""
    containers = set(by_instance(stack, listed).values()) & listed.keys()
    joined = {name for each in containers for name in listed[each].networks}
    version = ip_network(_subnet(stack)).version
    subnets = {
        f"{subnet} ({name})": subnet
        for name in sorted(joined & networks.keys() - stack.networks.keys())
        for subnet in networks[name]
        if _parsed(ip_network, subnet).version == version
    }
    named = {subnet for name in joined & networks.keys() for subnet in networks[name]}
    alone = _subnet(stack) in named and set(subnets.values()) <= {_subnet(stack)}
    assert alone, finding(
        stack,
        "subnet",
        expected=f"{_subnet(stack)} alone",
        observed=", ".join(subnets) or None,
        evidence={
            name: ", ".join(sorted(each for each in containers if name in listed[each].networks))
            for name in sorted(joined)
        },
        hint=server("docker network inspect {}", sorted(joined & networks.keys()))
        or server("docker network ls"),
    )  # fmt: skip


@declares("network.closed")
def test_strangers(stack: Environment, listed: Mapping[str, ListedContainer]) -> None:
    """A container of someone else in the network reaches every port of the stack, by name.

    With `network.closed`, only containers of declared services may be in the stack's networks.
    """
    containers = set(by_instance(stack, listed).values()) & listed.keys()
    joined = {name for each in containers for name in listed[each].networks} - {"host", "none"}
    if not joined:
        raise UnobservedError("none of its containers is in a network")
    found = strangers(stack, listed, joined)
    assert not found, finding(
        stack,
        "containers in its networks",
        expected="only those of declared services",
        observed=", ".join(f"{name} in {' and '.join(found[name])}" for name in found),
        hint=(
            server("docker inspect {}", found),
            advice("declare it, or disconnect it with docker network disconnect"),
        ),
    )


@declares("environment.network")
@declares("attached_to_subnet")
def test_attached(service: Service, running: Container, environment: Environment) -> None:
    """A container that lost its network keeps running, but cannot be reached."""
    subnet = ip_network(_subnet(environment))
    inside = [each for each in running.own_addresses if _parsed(ip_address, each) in subnet]
    assert inside, finding(
        service,
        "address",
        expected=f"one in {subnet}",
        observed=", ".join(f"{' and '.join(addresses) or 'none'} in {name}"
                           for name, addresses in running.addresses.items()) or None,
        hint=(
            server("docker inspect --format '{{json .NetworkSettings.Networks}}' {}", running.name),
            up(service.name),
        ),
    )  # fmt: skip


@declares("publishes")
@declares("has_own_network")
@as_deployed
def test_published(service: Service, running: Container) -> None:
    """The engine opens a published port to the whole internet, bypassing the host's firewall."""
    assert publishes_exactly(service.publish, running.published), finding(
        service,
        "published ports",
        expected=", ".join(service.publish) or "none",
        observed=format_like(service.publish, parse_observed(running.published)) or None,
        hint=recreate("ports", service.name),
    )


@declares("publish")
@declares("ports")
@as_deployed
def test_forwarded(service: Service, running: Container) -> None:
    """A published port must lead to a port on which the service listens."""
    wrong = {
        port: inside
        for port, inside in running.published.items()
        if "/" not in port and inside not in service.ports  # `ports` are of TCP
    }
    assert not wrong, finding(
        service,
        "published ports",
        expected=f"to lead to {' or '.join(map(str, service.ports))}",
        observed=", ".join(f"{port} to {inside}" for port, inside in wrong.items()),
        hint=recreate("ports", service.name),
    )


def test_closed(closed_port: ClosedPort, port_is_open: bool) -> None:
    """A database port that is open to the internet is attacked within hours."""
    assert not port_is_open, finding(
        closed_port,
        f"port of {closed_port.host}",
        expected="closed",
        observed="open",
        hint=(
            server("docker ps --filter publish={}", str(closed_port.port)),
            server("ss -tlnp {}", f"sport = :{closed_port.port}"),
        ),
    )


def _parsed(parse: Callable[[str], T], text: str) -> T:
    """Parse an address or a subnet that the engine reports.

    Raises:
        UnobservedError: it is not valid.
    """
    try:
        return parse(text)
    except ValueError:
        raise UnobservedError(f"the engine reports {text[:_SHOWN]!r} in a network") from None


def _subnet(environment: Environment) -> str:
    return environment.network.subnet if environment.network else ""
