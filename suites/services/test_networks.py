"""The containers are attached to the declared networks, and the networks are as declared."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from stackproof.environment.container_settings import DeclaredNetwork
from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.facts.container import Container, ListedContainer
from stackproof.facts.machine import Machine
from stackproof.facts.network_options import subnet_of
from stackproof.facts.settings import Namespace, Settings
from stackproof.finding import (
    Difference,
    expected_of,
    finding,
    names_of,
    observed_of,
    subject_name,
)
from stackproof.fixtures.session.collection import as_deployed, declares
from stackproof.hint import Hint, compose_key, docker, server, up
from stackproof.probes.containers.instances import strangers
from stackproof.unobserved import UnobservedError

_SHOWN = 60
_ID_SHOWN = 12
_WITHOUT_ALIASES = ("bridge", "host", "none", "podman")
"""Networks of the engine itself. In none of them do containers find each other by name."""


@declares("networks")
@as_deployed
def test_networks(service: Service, container: Container) -> None:
    """Off its network a service is not found. In one too many, more can reach it than should."""
    declared, observed = set(service.networks or ()), set(container.addresses)
    assert observed == declared, finding(
        service,
        "networks",
        expected=", ".join(sorted(declared)) or "none",
        observed=", ".join(sorted(observed)) or None,
        hint=_fix_attachments(service, container),
    )


@declares("networks")
@as_deployed
def test_aliases(
    service: Service,
    container: Container,
    settings: Settings,
    listed: Mapping[str, ListedContainer],
) -> None:
    """Without its alias, those who connect to it by that name find nothing, or another service.

    Compose gives each container the name of its service as an alias in each of its networks. A
    container that was connected to a network by hand has only the aliases that were given then.
    """
    found = {name: {container.name, *names} for name, names in settings.aliases.items()}
    declared = [(alias, name) for name, each in service.aliases.items() for alias in each]
    given = _given_by_compose(service, settings, listed.get(container.name))
    missing = [
        (alias, name)
        for alias, name in dict.fromkeys((*given, *declared))
        if alias.lower() not in map(str.lower, found.get(name, ()))
    ]
    assert not missing, finding(
        service,
        "aliases",
        expected=", ".join(f"{alias} in {name}" for alias, name in missing),
        observed=", ".join(
            f"{alias} in {name}"
            for name in dict.fromkeys(name for _, name in missing)
            for alias in sorted(found.get(name, ()))
            if not container.id.startswith(alias)
        )
        or None,
        hint=_fix_networks(service, container, "--force-recreate"),
    )


@declares("network_mode")
@as_deployed
def test_network_mode(service: Service, container: Container) -> None:
    """In another network a service goes around what its own was for: a VPN, a firewall, nothing.

    A container that shares the network of one that was removed or restarted has no network at all.
    """
    observed, other = _network_mode(container), container.namespace
    by_name = f"container:{other.name}" if other and observed.startswith("service:") else ""
    assert service.network_mode in (by_name, *_equal_modes(observed)), finding(
        service,
        "network mode",
        expected=service.network_mode,
        observed=observed,
        evidence={"network mode": container.creation.network_mode},
        hint=_fix_mode(service, container),
    )


@as_deployed
def test_created(network: DeclaredNetwork, networks: Mapping[str, tuple[str, ...]]) -> None:
    """Without its network no container of it can start, and those that run cannot be restarted."""
    assert network.name in networks, finding(
        network,
        "network",
        expected="one that exists",
        observed=None,
        evidence={"networks": ", ".join(sorted(networks))},
        hint=server("docker network ls"),
    )


@declares("internal")
@as_deployed
def test_internal(
    network: DeclaredNetwork,
    networks: Mapping[str, tuple[str, ...]],
    internal_networks: frozenset[str],
) -> None:
    """In a network that is not internal, a database can send its data anywhere."""
    _require(network, networks)
    assert (network.name in internal_networks) == network.internal, finding(
        network,
        "network",
        expected=_reach(is_internal=network.internal),
        observed=_reach(is_internal=network.name in internal_networks),
        hint=_fix_network("internal", network),
    )


@declares("subnets")
@as_deployed
def test_subnets(network: DeclaredNetwork, networks: Mapping[str, tuple[str, ...]]) -> None:
    """Firewall rules name the subnet. With another one they protect nothing."""
    _require(network, networks)
    observed = {_normalized(subnet) for subnet in networks[network.name]}
    assert set(network.subnets) <= observed, finding(
        network,
        "subnets",
        expected=", ".join(network.subnets),
        observed=", ".join(sorted(observed)) or None,
        hint=_fix_network("ipam", network),
    )


@declares("options")
@as_deployed
def test_options(
    network: DeclaredNetwork,
    networks: Mapping[str, tuple[str, ...]],
    network_options: Mapping[str, Mapping[str, str]],
    machine: Machine,
) -> None:
    """With another MTU, large responses hang; with another gateway, nothing leaves the network.

    Compose changes some settings of a network only after it was removed.
    """
    _require(network, networks)
    found = network_options.get(network.name, {})
    subnets = {"", *map(_normalized, networks[network.name])}
    wrong = {
        name: Difference(name.replace(".", " ", 1), expected, found.get(name) or "none")
        for name, expected in network.options.items()
        # Another subnet is the failure of another check. Podman has names of its own.
        if found.get(name) != expected
        and subnet_of(name) in subnets
        and (name in found or machine.product == "Docker")
    }
    assert not wrong, finding(
        network,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix_network(next(iter(wrong), "").partition(".")[0], network),
    )


@declares("closed")
def test_strangers(
    network: DeclaredNetwork,
    networks: Mapping[str, tuple[str, ...]],
    listed: Mapping[str, ListedContainer],
    environment: Environment,
) -> None:
    """A container of someone else in the network reaches every port of the stack, by name."""
    _require(network, networks)
    found = strangers(environment, listed, [network.name])
    assert not found, finding(
        network,
        "containers in the network",
        expected="only those of declared services",
        observed=", ".join(found),
        hint=server("docker network inspect {}", network.name),
    )


def _given_by_compose(
    service: Service, settings: Settings, listed: ListedContainer | None
) -> Iterator[tuple[str, str]]:
    """Yield the alias that Compose gave the container in each declared network that it is in."""
    if listed is None or not (listed.project and listed.service):
        return
    for name in service.networks or ():
        # An engine that reports no name at all does not report aliases.
        if name not in _WITHOUT_ALIASES and settings.aliases.get(name):
            yield listed.service, name


def _fix_attachments(service: Service, container: Container) -> tuple[Hint, ...]:
    declared, observed = set(service.networks or ()), set(container.addresses)
    if not declared or declared - observed:
        return _fix_networks(service, container, "--force-recreate")
    # Compose leaves a container as it is if it was connected to another network by hand.
    surplus = sorted(observed - declared)
    return tuple(
        server("docker network disconnect {} {}", each, container.name) for each in surplus
    )


def _fix_networks(service: Service, container: Container, options: str = "") -> tuple[Hint, ...]:
    return (
        server("docker inspect --format '{{json .NetworkSettings.Networks}}' {}", container.name),
        up(service.name, options),
    )


def _fix_mode(service: Service, container: Container) -> tuple[Hint, ...]:
    other = container.namespace
    if other and _was_restarted(other, container):
        return (
            server(
                "docker inspect --format '{{.Name}} {{.State.StartedAt}}' {}",
                (other.name, container.name),
            ),
            docker("restart", subject_name(service)),
        )
    # Compose compares names: it keeps a container in the network of one that was replaced.
    return _fix_networks(service, container, "--force-recreate" if other else "")


def _fix_network(key: str, network: DeclaredNetwork) -> tuple[Hint, ...]:
    return server("docker network inspect {}", network.name), compose_key(key, network.name)


def _require(network: DeclaredNetwork, networks: Mapping[str, tuple[str, ...]]) -> None:
    if network.name not in networks:
        raise UnobservedError(f"there is no network {network.name}")


def _reach(*, is_internal: bool | None) -> str:
    return "internal, without a way out" if is_internal else "one with a way out"


def _network_mode(container: Container) -> str:
    """Return the network mode of a container, with the name of the one whose network it shares."""
    mode, other = container.creation.network_mode, container.namespace
    if not mode.startswith("container:"):
        return mode
    if other is None:
        raise UnobservedError("the container whose network it shares was not observed")
    if not other.name:
        return f"that of the removed container {other.id[:_ID_SHOWN]}"
    shared = f"service:{other.service}" if other.service else f"container:{other.name}"
    if _was_restarted(other, container):
        return f"{shared} as it was before {other.name} was started again"
    return shared


def _was_restarted(other: Namespace, container: Container) -> bool:
    """Return whether the container whose network another one shares was started after it."""
    return bool(other.name and other.started_at and container.started_at < other.started_at)


def _equal_modes(mode: str) -> tuple[str, ...]:
    """Return the names of a mode: engines call the default network `bridge`, too."""
    return ("bridge", "default") if mode in ("bridge", "default", "") else (mode,)


def _normalized(subnet: str) -> str:
    """Return a subnet that the engine reports in the form of declared ones.

    Raises:
        UnobservedError: it is not valid.
    """
    try:
        return str(ip_network(subnet))
    except ValueError:
        raise UnobservedError(f"the engine reports {subnet[:_SHOWN]!r} in a network") from None
