"""Requests to a service at its container's own address, inside the network."""

import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from stackproof.environment.own_requests import DeclaredRequest
from stackproof.environment.routes import Route
from stackproof.environment.services import Health, Service
from stackproof.facts.container import ListedContainer
from stackproof.facts.machine import Machine
from stackproof.facts.response import Response
from stackproof.frozen import Frozen
from stackproof.probes.declaration import ENVIRONMENT, SERVICE, Probe, Target, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.http.connections import trusted
from stackproof.probes.http.responses import REQUEST_PATIENCE_S, request_through
from stackproof.probes.machine import machine
from stackproof.probes.own_addresses import own_addresses, reachable_address
from stackproof.unobserved import Unobserved, UnobservedError

if TYPE_CHECKING:
    from stackproof.probes.http.client import Client

# AWS and Alibaba serve metadata at addresses that networks of containers could have.
_METADATA = frozenset({"fd00:ec2::254", "100.100.100.200"})
_LONGEST_ADDRESS = 64
_AT_ONCE = 4
"""How many declared requests are sent to a service at the same time."""
_HOST_ITSELF = "127.0.0.1"
"""The address of a service whose declared network is the host's."""


class _Model(Frozen, extra="ignore"):
    name: str


class _Tags(Frozen, extra="ignore"):
    models: tuple[_Model, ...] = Field(strict=False)


@probe(of=ENVIRONMENT)
def direct_client(_: Target) -> "Client":
    """An HTTP client that connects to no address but the given one."""
    # Imported here, on a thread, like the client for routes.
    from stackproof.probes.http.client import Client

    return Client({}, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def container_request(name: str, doc: str, path: str = "") -> Probe[Response]:
    """Declare a probe that sends one request to the container of a service.

    Args:
        name: the name of the probe, and of its facts: `health api`.
        doc: what it observes.
        path: the path of the request; empty for the path of the declared health check.
    """

    def observe(
        target: Target,
        engine: EngineSession,
        machine: Machine,
        own_addresses: frozenset[str],
        direct_client: "Client",
    ) -> Response:
        return request_container(
            engine, machine, own_addresses, target, direct_client, name=name, path=path
        )

    observe.__doc__ = doc
    return probe(
        "answers",
        of=SERVICE,
        needs=[engine, machine, own_addresses, direct_client],
        patience_s=REQUEST_PATIENCE_S,
        shared=True,
        name=name,
    )(observe)


def request_container(
    engine: EngineSession,
    machine: Machine,
    own_addresses: frozenset[str],
    target: Target,
    client: "Client",
    *,
    name: str = "health",
    path: str = "",
    service: Service | None = None,
) -> Response:
    """Send a request to the container of a service. That it does not run is an observation too."""
    service = service or target.service
    listed = engine.find(target.name)
    if listed is None or listed.state not in ("running", "paused"):
        return Response(hops=(), error=engine.not_running(target.name), elapsed_ms=0)
    address = own_network_address(engine, machine, own_addresses, listed)
    route = container_route(service, address, name=name, path=path)
    if not path and (health := service.health):
        client = _health_client(target, health, route, address) or client
    return request_through(engine, machine, route, client)


@probe(
    "declared_requests",
    of=SERVICE,
    needs=[engine, machine, own_addresses, direct_client],
    patience_s=REQUEST_PATIENCE_S,
)
def declared_requests(
    target: Target,
    engine: EngineSession,
    machine: Machine,
    own_addresses: frozenset[str],
    direct_client: "Client",
) -> Mapping[str, Response | Unobserved]:
    """The responses to the requests that the environment declares for a service, by name."""

    def send(request: DeclaredRequest) -> Response | Unobserved:
        service = target.service.model_copy(update={"health": request})
        try:
            return request_container(
                engine, machine, own_addresses, target, direct_client,
                name=request.name, service=service,
            )  # fmt: skip
        except UnobservedError as reason:
            return Unobserved(reason=str(reason))

    requests = [
        each for each in target.environment.requests.values() if each.service == target.service.name
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        responses = pool.map(send, requests)
        return {each.name: found for each, found in zip(requests, responses, strict=True)}


health = container_request("health", "The response of a service to its health request.")
models = container_request("models", "The response of ollama with its models.", "/api/tags")


def own_network_address(
    engine: EngineSession,
    machine: Machine,
    own_addresses: frozenset[str],
    listed: ListedContainer,
) -> str:
    """Return the address of a container in a network of the engine's machine; empty if it has none.

    Raises:
        UnobservedError: what is sent to its address would leave this machine and the engine's.
    """
    engine.require_local_engine(machine)
    engine.require_own_networks(machine)
    return reachable_address(listed.endpoints, own_addresses) if listed.endpoints else ""


def container_route(
    service: Service, address: str, *, name: str = "health", path: str = ""
) -> Route:
    """Return the URL of a request to the container of a service.

    Raises:
        UnobservedError: its container has no address of its own.
    """
    address = usable_address(service, address)
    health = service.health if not path else None
    port = health.port if health and health.port else service.ports[0]
    host = health.host if health and health.host else _bracketed(address)
    path = path or (health.path if health else "")
    return Route(
        name=name,
        url=f"{health.scheme if health else 'http'}://{host}:{port}{path}",
        service=service.name,
        headers={"Host": health.host} if health and health.host else {},
    )


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _health_client(target: Target, health: Health, route: Route, address: str) -> "Client | None":
    """Return a client that connects to an address instead of the declared host, or that uses TLS.

    Return None if the request needs neither.
    """
    from stackproof.probes.http.client import Client

    if not health.host and health.scheme == "http":
        return None
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not health.verify:
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    elif health.scheme == "https":
        trust = trusted(target.environment, "requests")
    port = urlsplit(route.url).port
    address = _bracketed(usable_address(target.service, address))
    overrides = {f"*:{port}": f"{address}:{port}"} if health.host else {}
    return Client(overrides, trust)


def usable_address(service: Service, address: str) -> str:
    """Return the address of a container, or of its host if it is in the host's network.

    Raises:
        UnobservedError: the container has no address of its own, or an unusable one.
    """
    if service.network_mode == "host":
        return _HOST_ITSELF
    if not address:
        raise UnobservedError(
            f"{service.container or service.name} has no address of its own (is it on a network?)"
        )
    if not can_be_a_containers(address):
        shown = address if len(address) <= _LONGEST_ADDRESS else f"{address[:_LONGEST_ADDRESS]}…"
        raise UnobservedError(f"the engine reported an unusable address {shown!r}")
    return address


def can_be_a_containers(address: str) -> bool:
    """Return whether a text is an address that a container can have.

    This machine, link-local addresses, the metadata services of clouds and multicast addresses
    are none.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return not (
        parsed.is_unspecified
        or parsed.is_loopback
        or parsed.is_link_local
        or parsed.is_multicast
        or parsed.is_reserved
        or getattr(parsed, "scope_id", None)
        or getattr(parsed, "ipv4_mapped", None)
        or str(parsed) in _METADATA
    )


def parse_models(response: Response) -> frozenset[str]:
    """Parse the names of ollama's models, each with its tag.

    Raises:
        UnobservedError: it did not respond, or not with a list of models.
    """
    if response.error or not response.hops:
        raise UnobservedError(f"it did not answer: {response.error}")
    try:
        tags = _Tags.model_validate_json(response.body)
    except ValidationError:
        raise UnobservedError(
            f"{response.hops[-1].url} answered {response.hops[-1].status}, and no list of models"
        ) from None
    return frozenset(model.name for model in tags.models)
