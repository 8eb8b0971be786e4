"""Traefik's API: its routers, services and middlewares, and what is wrong with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from stackproof.environment.routes import Route
from stackproof.facts.machine import Machine
from stackproof.facts.response import Response
from stackproof.facts.traefik import Traefik, TraefikItem
from stackproof.frozen import Frozen
from stackproof.kinds import traefik as kind
from stackproof.probes.declaration import SERVICE, Target, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.http.container_http import (
    direct_client,
    own_network_address,
    usable_address,
)
from stackproof.probes.http.responses import REQUEST_PATIENCE_S, client, request_through
from stackproof.probes.machine import machine
from stackproof.probes.own_addresses import own_addresses
from stackproof.unobserved import UnobservedError

if TYPE_CHECKING:
    from stackproof.probes.http.client import Client

Get = Callable[[str], tuple[str, Mapping[str, str]]]
"""Return the body and the headers of what the API answers for a path."""

_PAGE = 50
"""Entries for each request: those of a page fit into the part of a response that is read."""
_MOST_PAGES = 20
_PROBLEMS_KEPT = 20
_TEXT_CAP = 300
_OK = 200
_NO_API = (401, 403, 404)
_ALWAYS = (("http", "routers"), ("http", "services"))
_INTERNAL = "@internal"


class _Total(Frozen, extra="ignore"):
    total: int = 0
    warnings: int = 0
    errors: int = 0


class _Item(Frozen, extra="ignore"):
    name: str
    status: str = ""
    error: tuple[str, ...] | None = None
    serverStatus: Mapping[str, str] | None = None  # noqa: N815 - as the API names it


_OVERVIEW = TypeAdapter(dict[str, Any])
_ITEMS = TypeAdapter(list[_Item])


@probe(
    "traefiks",
    of=SERVICE,
    needs=[engine, machine, own_addresses, direct_client, client],
    patience_s=REQUEST_PATIENCE_S,
)
def traefik_api(
    target: Target,
    engine: EngineSession,
    machine: Machine,
    own_addresses: frozenset[str],
    direct_client: "Client",
    client: "Client",
) -> Traefik:
    """Traefik, as its API describes it."""
    declared = target.environment.servers(kind.Traefik)[target.service.name]
    listed = engine.find(target.name)
    if listed is None or listed.state not in ("running", "paused"):
        raise UnobservedError(engine.not_running(target.name))
    if declared.api:
        return read(lambda path: _get(client.request, f"{declared.api}".rstrip("/") + path))
    found = own_network_address(engine, machine, own_addresses, listed)
    address = usable_address(target.service, found)
    host = f"[{address}]" if ":" in address else address

    def request(route: Route) -> Response:
        return request_through(engine, machine, route, direct_client)

    return read(lambda path: _get(request, f"http://{host}:{declared.api_port}{path}"))


def _get(request: Callable[[Route], Response], url: str) -> tuple[str, Mapping[str, str]]:
    response = request(Route(name="api", url=url, service="api"))
    if response.status != _OK:
        closed = response.failure == "refused" or response.status in _NO_API
        raise UnobservedError(
            f"Traefik's API at {url.partition('?')[0]}: {response.error or response.status}"
            + ("; start it with --api.insecure=true, or declare api" if closed else "")
        )
    if not response.whole:
        raise UnobservedError(f"Traefik's API at {url} answers more than is read")
    return response.body, response.headers


def read(get: Get) -> Traefik:
    """Read what the API says: an overview, the services, and the lists that have problems.

    Raises:
        UnobservedError: it does not answer as Traefik 2 and 3 do.
    """
    try:
        overview = _OVERVIEW.validate_json(get("/api/overview")[0])
        totals = {
            (protocol, section): _Total.model_validate(
                overview.get(protocol, {}).get(section) or {}
            )
            for protocol in ("http", "tcp", "udp")
            for section in ("routers", "services", "middlewares")
        }
        lists = {
            key: tuple(_items(get, *key))
            for key, total in totals.items()
            if key in _ALWAYS or total.errors or total.warnings
        }
    except (ValidationError, AttributeError):
        raise UnobservedError("its API does not answer as that of Traefik 2 or 3") from None
    # A list of thousands says no more than its beginning. Errors come first.
    found = (each for key, items in lists.items() for each in _problems(*key, items))
    worst = sorted(found, key=lambda each: each.status == "warning")[:_PROBLEMS_KEPT]
    own = [each for each in lists["http", "routers"] if not each.name.endswith(_INTERNAL)]
    return Traefik(
        routers=len(own) + sum(max(totals[each, "routers"].total, 0) for each in ("tcp", "udp")),
        problems=tuple(worst),
        servers={
            each.name: each.serverStatus for each in lists["http", "services"] if each.serverStatus
        },
    )


def _items(get: Get, protocol: str, section: str) -> Iterator[_Item]:
    """Yield all entries of a list, which comes in pages.

    Raises:
        UnobservedError: it is too long.
    """
    page = "1"
    for _ in range(_MOST_PAGES):
        body, headers = get(f"/api/{protocol}/{section}?page={page}&per_page={_PAGE}")
        yield from _ITEMS.validate_json(body)
        page = {name.lower(): value for name, value in headers.items()}.get("x-next-page", "1")
        if page == "1" or not page.isdecimal():
            return
    raise UnobservedError(f"Traefik has more than {_MOST_PAGES * _PAGE} {protocol} {section}")


def _problems(protocol: str, section: str, items: Iterable[_Item]) -> Iterator[TraefikItem]:
    for each in items:
        if each.status != "enabled" and not each.name.endswith(_INTERNAL):
            yield TraefikItem(
                kind=f"{protocol} {section.removesuffix('s')}",
                name=each.name,
                status=each.status,
                problem="; ".join(each.error or ())[:_TEXT_CAP],
            )
