"""Caddy: its running configuration, the one on disk, and its upstreams."""

from stackproof.facts.fields import Count
from stackproof.frozen import Frozen
from stackproof.unobserved import Unobserved


class CaddyMatcher(Frozen):
    """Conditions of a route that can be decided by a URL. Without any, every request fits."""

    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class CaddyPass(Frozen):
    """A `reverse_proxy` of Caddy, and the conditions of the routes that lead to it."""

    conditions: tuple[tuple[CaddyMatcher, ...], ...] = ()
    """One entry for each route around it: a request fits one of the matchers of each."""
    unless: tuple[tuple[CaddyMatcher, ...], ...] = ()
    """One entry for each earlier route that keeps what fits one of its matchers for itself."""
    upstreams: tuple[str, ...] = ()
    """Hosts and ports: `api:5000`."""
    decided: bool = True
    """Whether these are all. Otherwise Caddy resolves upstreams for each request."""


class CaddyUpstream(Frozen):
    """An upstream of Caddy, tried from inside its container."""

    address: str
    """Host and port: `api:5000`."""
    fails: Count = 0
    """Failed requests that Caddy remembers. Only with passive health checks."""
    max_fails: Count = 0
    """From how many on Caddy does not use it; 0 if it does not count."""
    error: str = ""
    """Why it accepted no connection; empty if it did, or was not tried."""
    tried: bool = True


class Caddy(Frozen):
    """Caddy, observed inside its container with one exec."""

    difference: str | Unobserved
    """Where its running configuration first differs from the one on disk; empty if nowhere."""
    passes: tuple[CaddyPass, ...] | Unobserved
    """The reverse proxies of its running configuration."""
    upstreams: tuple[CaddyUpstream, ...] | Unobserved
