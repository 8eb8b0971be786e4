"""Traefik: what its API reports about its routers, services and middlewares."""

from collections.abc import Mapping

from stackproof.facts.fields import Count
from stackproof.frozen import Frozen


class TraefikItem(Frozen):
    """A router, service or middleware that Traefik does not use, or only with a warning."""

    kind: str
    """`http router`, `tcp service`, …"""
    name: str
    """Its name and its provider: `api@docker`."""
    status: str
    """`disabled` or `warning`."""
    problem: str = ""
    """What Traefik says of it."""


class Traefik(Frozen):
    """Traefik, as its API describes it."""

    routers: Count
    """How many HTTP, TCP and UDP routers it has, apart from its own."""
    problems: tuple[TraefikItem, ...] = ()
    servers: Mapping[str, Mapping[str, str]] = {}
    """By HTTP service with a health check, the status of each server: `UP` or `DOWN`."""
