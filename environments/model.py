"""The typed model of an environment: what its YAML file declares, and nothing else is checked."""

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from environments.problem import FieldPath
from environments.sizes import Bytes
from environments.values import (
    Addresses,
    EngineAddress,
    Name,
    Port,
    PublishedPort,
    Share,
    Statuses,
    Subnet,
    Table,
    Texts,
    Url,
    UrlPath,
    Version,
)

DEFAULT_ENGINE = "unix:///var/run/docker.sock"


def _nothing() -> Mapping[Any, Any]:
    return MappingProxyType({})


def _named(data: Any, *sections: str) -> Any:
    """Give each entry of the sections the key that it stands under as its name."""
    if not isinstance(data, dict):
        return data
    named = dict(data)
    problems: list[tuple[FieldPath, str]] = []
    for section in sections:
        if isinstance(entries := data.get(section), dict):
            named[section] = dict(entries)
            for name, body in entries.items():
                if body is None or isinstance(body, dict):
                    named[section][name] = {**(body or {}), "name": name}
                if isinstance(body, dict) and "name" in body:
                    unknown = f"unknown key 'name': {name!r} above it is the name"
                    problems.append(((section, name, "name"), unknown))
    _refuse(problems)
    return named


def _refuse(problems: list[tuple[FieldPath, str]]) -> None:
    if problems:
        said = "; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in problems)
        raise PydanticCustomError("problems", "{said}", {"said": said, "problems": problems})


class Frozen(BaseModel):
    """A value that cannot change and refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Declared(Frozen):
    """A part of an environment file: an empty value, or null, is as if its key were not there."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        # An unknown key stays, to be refused.
        return {
            key: value
            for key, value in data.items()
            if (value is not None and value != "") or key not in cls.model_fields
        }


class Limits(Declared):
    """The most that a container may use: CPUs (1.5 is one and a half cores) and memory in bytes."""

    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    memory: Annotated[Bytes, Field(gt=0)] | None = None
    memory_used: Share = 0.9
    """Share of the memory that may be in use. Above it, one busy minute ends in a kill."""
    cpu_throttled: Share = 0.25
    """Share of its busy periods in which it may have been held back. More is felt as latency."""


class Health(Declared):
    """What a service itself says of its health, asked at its container's own address."""

    path: UrlPath
    port: Port | None = None
    """The first of the service's ports where not given."""
    status: Statuses = (200,)
    fields: Table[str | bool | int] = Field(default_factory=_nothing)
    """What fields of the JSON that it answers must say."""
    text: str | None = None
    """What its answer must contain."""

    @property
    def says(self) -> bool | None:
        """Whether it is declared what a healthy answer says."""
        return True if self.fields or self.text else None


class Service(Declared):
    """A service of the stack and the one container that runs it."""

    name: str
    container: Name
    """Name of its container; the environment's prefix and the service's name where not given."""
    ports: tuple[Port, ...] = ()
    """Ports that it listens on inside the network."""
    publish: tuple[PublishedPort, ...] = ()
    """Ports that it publishes on the host, and no others: `443`, or on one address alone."""
    image: str = ""
    """The image that it must run, as the compose file names it."""
    restart: Literal["no", "always", "unless-stopped", "on-failure"] | None = None
    """What the engine does when it ends."""
    secrets: tuple[Name, ...] = ()
    """Secrets that it must see as files, by name, in the environment's `secrets.mount`."""
    host_mounts: tuple[str, ...] = ()
    """Paths inside it where something of the host may be mounted although code is not."""
    may: tuple[Literal["privileged", "engine-socket", "host-network"], ...] = ()
    """What is as good as root on the host, and yet allowed to it."""
    limits: Limits = Limits()
    healthcheck: Literal["required", "if-present"] | None = None
    """Whether the container must report that it is healthy; `if-present`: only where it can."""
    max_restarts: Annotated[int, Field(ge=0)] = 0
    """Restarts by the engine since the container was created. One is already a crash."""
    health: Health | None = None
    models: tuple[str, ...] = ()
    """Models that the ollama of this service must hold; a name without a tag means `:latest`."""

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if (self.models and not self.ports) or (
            self.health and not self.health.port and not self.ports
        ):
            _refuse([(("ports",), "expected the port at which its health is asked")])
        return self


class Identity(Declared):
    """What only one service's answer carries; everything that is given must be there."""

    fields: Texts = Field(default_factory=_nothing)
    """Fields of the JSON body, `a.b` for one inside another, and their values."""
    headers: Texts = Field(default_factory=_nothing)
    text: str | None = None
    """Words that stand in the body."""


class Route(Declared):
    """A URL that the stack must answer, and the service that must answer it."""

    name: str
    url: Url
    service: str
    status: Statuses = (200,)
    """Status codes that are right; after redirects, where they are followed."""
    follow_redirects: bool = False
    redirects: Literal["same-host"] | None = None
    """`same-host`: a redirect may not lead to another host, nor from https to http."""
    upgrade: Literal["https"] | None = None
    """`https`: plain http must be sent to https, for good."""
    identity: Identity | None = None
    """How the answer of the service is told from the answer of any other."""
    healthy: Texts = Field(default_factory=_nothing)
    """Fields of the JSON body, and the values that they have while all is well."""
    budget_ms: Annotated[int, Field(gt=0)] | None = None
    """What the whole answer may take, redirects included."""


class Tls(Declared):
    """What every https host of the routes must offer."""

    days_left: Annotated[int, Field(ge=0)] = 7
    """Renewals begin 30 days before the end: with a week left, they have failed for three."""


class TlsHost(Frozen):
    """A host and port that the routes reach through https."""

    name: str
    host: str
    port: Port
    service: str
    """The service that ends TLS: the proxy, or the route's own."""
    days_left: int


class Postgresql(Declared):
    """A PostgreSQL server, named by its service, and the role and database that the stack uses."""

    name: str
    user: str
    database: str
    connections_used: Share = 0.8
    """Share of `max_connections` that may be taken. A deploy doubles a service's connections."""


class Redis(Declared):
    """A Redis server, named by its service."""

    name: str
    memory_used: Share = 0.9
    """Share of `maxmemory` that may be in use. At the maximum it evicts, or refuses writes."""


class Datastores(Declared):
    """The databases of the stack, by kind and then by service."""

    postgresql: Table[Postgresql] = Field(default_factory=_nothing)
    redis: Table[Redis] = Field(default_factory=_nothing)

    @model_validator(mode="before")
    @classmethod
    def _name_by_key(cls, data: Any) -> Any:
        return _named(data, "postgresql", "redis")


class Nginx(Declared):
    """The reverse proxy, named by its service."""

    service: str
    drain_seconds: Annotated[int, Field(gt=0)] = 300
    """How long old workers may finish what they began. Long polls and streams take minutes."""

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service


class Engine(Declared):
    """Where the Docker engine is: `unix://`, `tcp://` or `ssh://`; empty is the local socket."""

    address: EngineAddress = DEFAULT_ENGINE
    key: SecretStr | None = None
    """The private key itself, as CI secrets hold it, for an `ssh://` address."""


class Host(Declared):
    """The engine and its machine."""

    name: str = "host"
    engine_version: Version | None = None
    """The oldest version that will do."""
    clock_skew: Annotated[float, Field(gt=0)] | None = None
    """Seconds between the clock here and the engine's. Tokens and certificates go by them."""


class Network(Declared):
    """The network that joins the containers."""

    subnet: Subnet


class Logging(Declared):
    """How the engine keeps container logs."""

    driver: str
    max_size: Annotated[Bytes, Field(gt=0)]


class Secrets(Declared):
    """Secrets are files: where they lie beside the compose file, and where containers see them."""

    directory: str
    mount: str = "/run/secrets"


class Deploy(Declared):
    """How a release is rolled out."""

    order: tuple[str, ...]
    required_variables: tuple[str, ...] = ()
    optional_variables: tuple[str, ...] = ()


class Waiver(Declared):
    """A failure that is known and accepted until a date, that day included."""

    check: str
    """The check's name, `containers.restarts`."""
    subject: str
    reason: str
    expires: date


class Environment(Declared):
    """One environment, complete: everything that the suites verify follows from this."""

    name: str
    description: str = ""
    engine: Engine = Engine()
    compose_file: str = ""
    checkout: str = ""
    """Directory of the checkout on the server."""
    container_prefix: Name = ""
    compose_project: Name = ""
    code_mounted: bool | None = None
    """Whether the containers run code that is mounted live from the host."""
    host: Host | None = None
    network: Network | None = None
    logging: Logging | None = None
    secrets: Secrets | None = None
    deploy: Deploy | None = None
    resolve: Addresses = Field(default_factory=_nothing)
    """`host:port` (host may be `*`) to the `address:port` to connect to; SNI and Host stay."""
    ca_file: str | None = None
    """Certificates to trust instead of the system's, PEM; relative to the environment's file."""
    services: Annotated[Table[Service], Field(min_length=1)]
    routes: Table[Route] = Field(default_factory=_nothing)
    datastores: Datastores = Field(default_factory=Datastores)
    nginx: Nginx | None = None
    tls: Tls | None = None
    waivers: tuple[Waiver, ...] = ()

    @property
    def code_in_image(self) -> Literal[True] | None:
        """True where it is declared that code may come from nowhere but the images."""
        return True if self.code_mounted is False else None

    @model_validator(mode="before")
    @classmethod
    def _name_by_key(cls, data: Any) -> Any:
        data = _named(data, "services", "routes")
        if isinstance(data, dict) and isinstance(services := data.get("services"), dict):
            prefix = data.get("container_prefix")
            for name, body in services.items():
                if isinstance(body, dict) and not body.get("container"):
                    body["container"] = f"{prefix}{name}" if isinstance(prefix, str) else name
        return data

    @property
    def tls_hosts(self) -> Mapping[str, TlsHost]:
        """The hosts that the routes reach through https, by name."""
        hosts: dict[str, TlsHost] = {}
        if self.tls is None:
            return hosts
        for route in self.routes.values():
            url = urlsplit(route.url)
            if url.scheme == "https" and url.hostname:
                name = url.hostname if url.port in (None, 443) else f"{url.hostname}:{url.port}"
                hosts[name] = TlsHost(
                    name=name,
                    host=url.hostname,
                    port=url.port or 443,
                    service=self.nginx.service if self.nginx else route.service,
                    days_left=self.tls.days_left,
                )
        return hosts

    @property
    def upstreams(self) -> Mapping[str, Service]:
        """The services that the reverse proxy sends requests to, by name."""
        if self.nginx is None:
            return {}
        names = {route.service for route in self.routes.values()} - {self.nginx.service}
        return {name: service for name, service in self.services.items() if name in names}

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        known = f"expected a declared service ({', '.join(self.services)})"
        problems = [
            (path, f"{known}, got {name!r}" if path[-1] == name else known)
            for path, name in self._mentions()
            if name not in self.services
        ]
        owners: dict[str, str] = {}
        for service in self.services.values():
            owner = owners.setdefault(service.container, service.name)
            if owner != service.name:
                taken = f"the container of service {owner!r} has the same name"
                problems.append((("services", service.name, "container"), taken))
        _refuse(problems)
        return self

    def _mentions(self) -> Iterator[tuple[FieldPath, str]]:
        """Yield every place that names a service, and the service."""
        for route in self.routes.values():
            yield ("routes", route.name, "service"), route.service
        for kind in ("postgresql", "redis"):
            for name in getattr(self.datastores, kind):
                yield ("datastores", kind, name), name
        if self.nginx:
            yield ("nginx", "service"), self.nginx.service
        if self.deploy:
            for index, name in enumerate(self.deploy.order):
                yield ("deploy", "order", index), name
