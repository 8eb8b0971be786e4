"""Where a redirect on the same host leads: to a port at which the stack answers, or to none."""

from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from stackproof.environment.model import Environment
from stackproof.facts.response import Response
from stackproof.schema.published_port import PublishedPort
from stackproof.unobserved import UnobservedError

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """The scheme, the host and the port of a URL."""

    scheme: str
    host: str | None
    port: int | None


def origin(url: SplitResult) -> Origin:
    """Return the origin of a URL.

    Raises:
        ValueError: its port is not valid.
    """
    return Origin(url.scheme, url.hostname, url.port or DEFAULT_PORTS.get(url.scheme))


def answers(environment: Environment, response: Response, here: Origin, there: Origin) -> bool:
    """Return whether a redirect leads to a port at which the stack answers.

    Raises:
        UnobservedError: that cannot be decided.
    """
    reached = [hop.url for hop in response.hops]
    declared = [route.url for route in environment.routes.values()]
    if there == here or there in {origin(urlsplit(url)) for url in (*reached, *declared)}:
        return True
    services = environment.services.values()
    published = [PublishedPort.parse(text) for each in services for text in each.publish]
    ports = [each for each in published if each.protocol == "tcp"]
    open_ports = {port for each in services if each.network_mode == "host" for port in each.ports}
    port = there.port or 0
    if port in open_ports or any(
        each.first <= port <= each.last for each in ports if each.is_exact
    ):
        return True
    if any(not each.is_exact for each in ports):
        raise UnobservedError(f"the engine decides which ports are published: is {port} one?")
    is_default = port == DEFAULT_PORTS.get(there.scheme)
    if is_default and published and here.port == DEFAULT_PORTS.get(here.scheme):
        raise UnobservedError(
            f"no service publishes {port}, but a load balancer may: declare a route with "
            f"{there.scheme}://{there.host}/"
        )
    return is_default and not published
