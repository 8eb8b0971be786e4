"""The engine's list of containers."""

import re
from typing import NamedTuple

from stackproof.engine.answer import Answer
from stackproof.engine.connection import Connection
from stackproof.facts.container import Endpoint, ListedContainer, docker_state
from stackproof.unobserved import UnobservedError

_COMPOSE = "com.docker.compose"
# By family: the keys of the address, of the length of its network's prefix, and of the gateway.
_FAMILIES = (
    ("IPAddress", "IPPrefixLen", "Gateway"),
    ("GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPv6Gateway"),
)
_SHARED = "container:"
_TRAEFIK = re.compile(
    r"traefik\.(?:http|tcp|udp)\.(?:routers|services|middlewares)\.([^.]{1,200})\.", re.IGNORECASE
)


class Listing(NamedTuple):
    """The engine's list of containers."""

    containers: dict[str, ListedContainer]
    """By name, including stopped ones."""
    unreadable: dict[str, str]
    """By name, why an entry cannot be read; by "" if that is its name."""


def list_containers(connection: Connection) -> Listing:
    """List all containers."""
    listing, shares = Listing({}, {}), dict[str, str]()
    for each in connection.list_containers().each():
        names: list[str] = []
        try:
            names = [name.text().lstrip("/") for name in each.each("Names")]
            found, mode = parse_listed(each), each.text("HostConfig", "NetworkMode", default="")
        except UnobservedError as reason:
            listing.unreadable.update(dict.fromkeys(names or [""], str(reason)))
        else:
            listing.containers.update(dict.fromkeys(names, found))
            if mode.startswith(_SHARED):
                shares |= dict.fromkeys(names, mode.removeprefix(_SHARED))
    by_id = {each.id: each for each in listing.containers.values()}
    for name, other in shares.items():
        at: dict[str, object] = {"address": "", "endpoints": ()}
        if other in by_id:
            at = {"address": by_id[other].address, "endpoints": by_id[other].endpoints}
        listing.containers[name] = listing.containers[name].model_copy(update=at)
    return listing


def parse_listed(raw: Answer) -> ListedContainer:
    """Parse one entry of the JSON of `GET /containers/json`.

    Raises:
        UnobservedError: it is not as expected.
    """
    labels = raw.at("Labels")
    networks = dict(raw.items("NetworkSettings", "Networks"))
    endpoints = [
        Endpoint(
            address=address,
            prefix=at.count(prefix_key, default=0),
            gateway=at.text(gateway_key, default=""),
        )
        for address_key, prefix_key, gateway_key in _FAMILIES
        for at in networks.values()
        if (address := at.text(address_key, default=""))
    ]
    one_off = labels.text(f"{_COMPOSE}.oneoff", default="") == "True"
    return ListedContainer(
        id=raw.container_id("Id"),
        state=docker_state(raw.text("State")),
        project=labels.text(f"{_COMPOSE}.project", default=""),
        service="" if one_off else labels.text(f"{_COMPOSE}.service", default=""),
        number=_number(labels),
        networks=tuple(networks),
        address=endpoints[0].address if endpoints else "",
        endpoints=tuple(endpoints),
        traefik_names=tuple(
            sorted(
                {match[1].lower() for name, _ in labels.items() if (match := _TRAEFIK.match(name))}
            )
        ),
    )


def _number(labels: Answer) -> int:
    text = labels.text(f"{_COMPOSE}.container-number", default="")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
