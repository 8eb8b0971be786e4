"""The containers meet in the declared network, and nothing else is open on the host.

Of a container that does not run, neither its addresses nor its ports can be told: UNKNOWN.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import TypeVar

from environments.model import ClosedPort, Environment
from environments.services import Service
from fixtures.collection import declares
from fixtures.facts import Container, Listed
from fixtures.observation import CannotLook
from reports.finding import finding
from reports.hint import command

T = TypeVar("T")

_SHOWN = 60


@declares("network.subnet")
def test_subnet(
    stack: Environment, listed: Mapping[str, Listed], networks: Mapping[str, tuple[str, ...]]
) -> None:
    """Firewall rules and VPN routes name the subnet; another network is a way around them."""
    containers = {service.container for service in stack.services.values()}
    joined = {name for each in containers & listed.keys() for name in listed[each].networks}
    version = ip_network(_subnet(stack)).version
    subnets = {
        f"{subnet} ({name})": subnet
        for name in sorted(joined & networks.keys())
        for subnet in networks[name]
        if _parsed(ip_network, subnet).version == version
    }
    assert set(subnets.values()) == {_subnet(stack)}, finding(
        stack,
        "subnet",
        expected=f"{_subnet(stack)} alone",
        observed=", ".join(subnets) or None,
        evidence={
            name: ", ".join(sorted(each for each in containers & listed.keys()
                                   if name in listed[each].networks))
            for name in sorted(joined)
        },
        hint=command("docker network inspect {}", sorted(joined)) or "docker network ls",
    )  # fmt: skip


@declares("environment.network")
def test_attached(service: Service, running: Container, environment: Environment) -> None:
    """A container that fell out of the network runs on, and nobody reaches it."""
    subnet = ip_network(_subnet(environment))
    inside = [each for each in running.own_addresses if _parsed(ip_address, each) in subnet]
    assert inside, finding(
        service,
        "address",
        expected=f"one in {subnet}",
        observed=", ".join(f"{' and '.join(addresses) or 'none'} in {name}"
                           for name, addresses in running.addresses.items()) or None,
        hint=command(
            "docker inspect --format '{{{{json .NetworkSettings.Networks}}}}' {}, "
            "then docker compose up -d {}",
            running.name,
            service.name,
        ),
    )  # fmt: skip


@declares("environment.publishes")
def test_published(service: Service, running: Container) -> None:
    """The engine opens a published port past the host's firewall: to the whole internet."""
    assert set(running.published) == set(service.publish), finding(
        service,
        "published ports",
        expected=", ".join(service.publish) or "none",
        observed=", ".join(running.published) or None,
        hint=_mend_ports(service),
    )


@declares("publish")
@declares("ports")
def test_forwarded(service: Service, running: Container) -> None:
    """A port that is open on the host and leads to none that listens answers nobody."""
    astray = {
        port: inside for port, inside in running.published.items() if inside not in service.ports
    }
    assert not astray, finding(
        service,
        "published ports",
        expected=f"to lead to {' or '.join(map(str, service.ports))}",
        observed=", ".join(f"{port} to {inside}" for port, inside in astray.items()),
        hint=_mend_ports(service),
    )


def test_closed(closed_port: ClosedPort, port_is_open: bool) -> None:
    """A database that the internet can knock at is found within hours."""
    assert not port_is_open, finding(
        closed_port,
        f"port of {closed_port.host}",
        expected="closed",
        observed="open",
        hint=command(
            "on the server: docker ps --filter publish={}, and ss -tlnp 'sport = :{}'",
            str(closed_port.port),
            str(closed_port.port),
        ),
    )


def _mend_ports(service: Service) -> str:
    return command("mend its ports in the compose file, then docker compose up -d {}", service.name)


def _parsed(parse: Callable[[str], T], text: str) -> T:
    """An address or a subnet that the engine tells of.

    Raises:
        CannotLook: it is none.
    """
    try:
        return parse(text)
    except ValueError:
        raise CannotLook(f"the engine tells of {text[:_SHOWN]!r} in a network") from None


def _subnet(environment: Environment) -> str:
    return environment.network.subnet if environment.network else ""
