"""Traefik: what can be declared."""

from stackproof.kinds.registry import Proxy, proxy
from stackproof.schema.addresses import Url
from stackproof.schema.values import Port


@proxy("traefik")
class Traefik(Proxy):
    """A declared Traefik."""

    api_port: Port = 8080
    """Port of its API at its container's address. `--api.insecure=true` opens it."""
    api: Url | None = None
    """URL of its API if it is not at a port of its container: `/api/overview` is appended."""

    images = frozenset({"traefik"})
