"""The port on which nginx listens for a URL, if its container publishes it on another one."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from stackproof.environment.model import Environment
from stackproof.probes.http.connections import endpoint
from stackproof.probes.nginx.routing.request import DEFAULT_PORTS
from stackproof.schema.published_port import PublishedPort


def listening_port(url: str, environment: Environment, published: Mapping[str, int]) -> int:
    """Return the port on which nginx listens for a URL.

    If nginx is not published where the client connects, another proxy or a load balancer is in
    front of it: then it is the port that the environment declares, or that of the URL.

    Args:
        url: the requested URL.
        environment: the environment.
        published: the container port of each published port: of `8480`, or `127.0.0.1:8480`.
    """
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    address, connected = endpoint(environment.resolve, parts.hostname or "", port)
    inside = _inside(published, f"[{address}]" if ":" in address else address, connected)
    if inside is None:
        inside = _declared(port, environment)
    return port if inside is None else inside


def _inside(published: Mapping[str, int], address: str, port: int) -> int | None:
    for key in (f"{address}:{port}", str(port)):
        if key in published:
            return published[key]
    # A name, or an address outside, may lead to any address of the server.
    others = {inside for key, inside in published.items() if key.endswith(f":{port}")}
    return others.pop() if len(others) == 1 else None


def _declared(port: int, environment: Environment) -> int | None:
    nginx = environment.nginx
    published = environment.services[nginx.service].publish if nginx else ()
    for each in map(PublishedPort.parse, published):
        if (each.first, each.last, each.protocol) == (port, port, "tcp") and each.container:
            return each.container
    return None
