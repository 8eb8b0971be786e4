"""Which container sent a response, and whether it was sent now or comes from a cache."""

import re
from collections.abc import Iterable, Mapping

from stackproof.environment.responses import Instance
from stackproof.facts.container import Container, ListedContainer
from stackproof.facts.response import Response
from stackproof.probes.http.content import instance_of
from stackproof.unobserved import UnobservedError

_CONTAINER_ID = re.compile(r"[0-9a-f]{12}(?:[0-9a-f]{52})?")
_SHORT = 12
_HIT = re.compile(r"(?i)\bhit\b|\bstale\b|\bupdating\b")
_OF_CACHES = ("X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Cache-Status", "Cache-Status")
_SHOWN = 80


def wrong_senders(
    declared: Instance | None,
    response: Response,
    containers: Iterable[Container],
    listed: Mapping[str, ListedContainer],
) -> list[str]:
    """Return what sent a response, unless it was a running container of the service.

    Raises:
        UnobservedError: the response does not say.
    """
    instance = instance_of(declared, response) if declared else ""
    cached = from_cache(response)
    if cached and not instance:
        return [f"a cache ({cached})"]
    wrong = mistaken_responder(instance, containers, listed)
    return [*filter(None, (wrong, cached and f"a cache ({cached})"))]


def from_cache(response: Response) -> str:
    """Return the header with which a cache says that the response is its own; empty if none."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    age = headers.get("age", "")
    if age.isdecimal() and age.strip("0"):
        return f"Age: {age[:_SHOWN]}"
    named = ((name, headers.get(name.lower(), "")) for name in _OF_CACHES)
    return next((f"{name}: {value[:_SHOWN]}" for name, value in named if _HIT.search(value)), "")


def mistaken_responder(
    instance: str, containers: Iterable[Container], listed: Mapping[str, ListedContainer]
) -> str:
    """Return what is wrong with the instance that sent a response; empty if nothing is.

    Args:
        instance: the id, the name or the host name of a container.
        containers: those of the service.
        listed: all containers of the engine.

    Raises:
        UnobservedError: the instance is none of these.
    """
    for each in containers:
        if instance in (each.id, each.id[:_SHORT], each.name, each.hostname or each.name):
            return "" if each.status == "running" else f"{each.name}, which is {each.status}"
    for name, other in listed.items():
        if instance in (other.id, other.id[:_SHORT], name):
            return f"{name}, which belongs to {other.service or 'no service'}"
    if _CONTAINER_ID.fullmatch(instance):
        return f"{instance[:_SHORT]}, which no container has as its id"
    raise UnobservedError(
        f"the response names {instance[:_SHOWN]!r}, which is not the id, name or host name of a "
        "container"
        if instance
        else "the response does not name its instance"
    )
