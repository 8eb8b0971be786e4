"""Where nginx's configuration leads the request of each route."""

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.facts.proxy import Destination
from stackproof.probes.nginx.configuration.model import PASSES, Configuration, Scope, all_of
from stackproof.probes.nginx.configuration.target import parse_target
from stackproof.probes.nginx.published import listening_port
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.probes.nginx.routing.request import Request, request_to
from stackproof.unobserved import Unobserved, UnobservedError, reason_of

_SHOWN = 60


def destinations(
    reader: Reader, environment: Environment, published: Mapping[str, int]
) -> dict[str, Destination | Unobserved]:
    """Return where each route leads.

    Args:
        reader: the configuration.
        environment: the environment, with its routes.
        published: the published ports of nginx's container.
    """
    found: dict[str, Destination | Unobserved] = {}
    for name, route in environment.routes.items():
        try:
            found[name] = _destination(reader, environment, route, published)
        except Exception as error:  # noqa: BLE001 - the other routes are read
            found[name] = Unobserved(reason=reason_of(error))
    return found


def _destination(
    reader: Reader, environment: Environment, route: Route, published: Mapping[str, int]
) -> Destination:
    # Loaded late: a run that makes no request does not need it.
    import httpx

    headers = {
        "User-Agent": f"python-httpx/{httpx.__version__}",
        "Accept": "text/event-stream" if route.stream else "*/*",
        "Upgrade": "websocket" if route.websocket else "",
        **route.headers,
    }

    def request(url: str, method: str = "GET") -> Request:
        port = listening_port(url, environment, published)
        statuses = route.expected_statuses
        return request_to(url, port, method=method, headers=headers, statuses=statuses)

    def follow(url: str, target: str) -> Request | None:
        try:
            following = urljoin(url, target)
            stays = urlsplit(following).netloc == urlsplit(url).netloc
            return request(following) if stays else None
        except (ValueError, KeyError):
            raise UnobservedError(
                f"nginx redirects to {target[:_SHOWN]}, which is not a URL"
            ) from None

    first = request(route.url, route.method)
    return reader.destination(first, follow if route.follow_redirects else None)


def resolved_at_load(configuration: Configuration) -> tuple[str, ...]:
    """Return the hosts whose addresses nginx resolves only when it loads its configuration."""
    found: set[str] = set()
    for scope in (configuration.http, configuration.stream):
        found |= _resolved_at_load(scope)
    return tuple(sorted(found))


def _resolved_at_load(scope: Scope) -> set[str]:
    directives = list(all_of([scope.top, *(server.directive for server in scope.servers)]))
    hosts: set[str] = set()
    # A name that only a variable contains is looked up when it is used.
    texts = [
        text
        for each in directives
        if each.name in PASSES or each.name in ("set", "map", "geo", "split_clients")
        for inner in (each, *each.block)
        for text in (inner.name, *inner.arguments)
    ]
    for each in directives:
        if each.name in PASSES and each.arguments and "$" not in each.argument():
            host = parse_target(each.argument()).host
            if host and host.lower() not in scope.groups:
                hosts.add(host)
    for name, group in scope.groups.items():
        if any(name in text.lower() for text in texts):
            hosts |= group.resolved_at_load
    return hosts
