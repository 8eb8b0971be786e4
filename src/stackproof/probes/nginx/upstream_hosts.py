"""The names and addresses at which nginx reaches a service."""

from collections.abc import Iterable

from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.facts.container import Container

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_ENGINE = "host.docker.internal"
_SHORT_ID = 12


def names_of(
    service: Service, containers: Iterable[Container], environment: Environment
) -> frozenset[str]:
    """Return the names that the engine's resolver has for a service."""
    plain = {service.name, service.container}
    in_networks: dict[str, set[str]] = {}
    for each in containers:
        plain |= {each.name, each.id[:_SHORT_ID]}
        settings = each.creation.settings
        for network in each.addresses:
            aliases = settings.aliases.get(network, ()) if settings else ()
            in_networks.setdefault(network, set()).update(aliases, plain)
        if each.namespace:
            plain |= {each.namespace.name, each.namespace.service}
    shared = _shared(service)
    if shared in environment.services:
        plain |= {shared, environment.services[shared].container}
    with_network = {
        name for network, names in in_networks.items() for each in names - {""}
        for name in (each, f"{each}.{network}")
    }  # fmt: skip
    return frozenset((plain | with_network) - {""})


def leads_to(
    address: str, service: Service, containers: tuple[Container, ...], environment: Environment
) -> bool:
    """Return whether a host and port lead to a service.

    Args:
        address: `api:5000`.
        service: the service.
        containers: its containers.
        environment: the environment with its nginx.
    """
    host, _, port = address.rpartition(":")
    if _is_published(host, port, containers, environment):
        return True
    hosts = {name.lower() for name in names_of(service, containers, environment)}
    hosts |= {each for its in containers for each in its.own_addresses}
    if _same_network(service, environment):
        hosts |= set(_LOOPBACK)
    bare = host.strip("[]") if host not in _LOOPBACK else host
    return bare.lower() in hosts and (not service.ports or port in map(str, service.ports))


def _is_published(
    host: str, port: str, containers: Iterable[Container], environment: Environment
) -> bool:
    """Return whether the engine's machine forwards a port from a host to a container."""
    nginx = environment.services[environment.nginx.service] if environment.nginx else None
    on_machine = nginx is not None and nginx.network_mode == "host" and host in _LOOPBACK
    return (on_machine or host == _ENGINE) and any(
        key.rpartition(":")[2] == port for each in containers for key in each.published
    )


def _same_network(service: Service, environment: Environment) -> bool:
    """Return whether a service and nginx share one network, and so a loopback address."""
    if environment.nginx is None:
        return False
    nginx = environment.services[environment.nginx.service]
    own = {service.name, _shared(service)} - {""}
    its = {nginx.name, _shared(nginx)} - {""}
    return bool(own & its) or service.network_mode == nginx.network_mode == "host"


def _shared(service: Service) -> str:
    """Return the service whose network a service shares; empty if it has its own."""
    mode, _, shared = service.network_mode.partition(":")
    return shared if mode == "service" else ""
