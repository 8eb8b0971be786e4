"""The typed model of an environment: what its YAML file declares, and nothing else is checked."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from environments.datastores import Datastores
from environments.declared import Declared, Frozen, named, nothing, refuse
from environments.machine import Engine, Host
from environments.problem import FieldPath, listed
from environments.routes import Route, Tls, TlsHost
from environments.services import Service
from environments.sizes import Bytes
from environments.values import (
    AbsolutePath,
    Addresses,
    Control,
    Day,
    HostName,
    Line,
    Name,
    Port,
    RelativePath,
    Subnet,
    Table,
    VariableName,
)


class Nginx(Declared):
    """The reverse proxy, named by its service."""

    service: str
    drain_seconds: Annotated[int, Field(gt=0, le=604_800)] = 300
    """How long old workers may finish what they began. Long polls and streams take minutes."""

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service


class Network(Declared):
    """The network that joins the containers."""

    subnet: Subnet


class Outside(Declared):
    """The server as the internet reaches it."""

    host: HostName
    """Its name or address."""
    closed_ports: tuple[Port, ...]
    """Ports of it that nobody may connect to."""


class Vantage(Declared):
    """Where the suite runs."""

    control: Control | None = None
    """What must be reachable from there for anything that is observed from there to count."""


class ClosedPort(Frozen):
    """A port that nobody may connect to from outside."""

    name: str
    host: str
    port: Port
    service: str
    """The service that listens on it inside the network; empty where none does."""


class Logging(Declared):
    """How the engine keeps container logs."""

    driver: Line
    max_size: Annotated[Bytes, Field(gt=0)]


SECRETS_MOUNT = "/run/secrets"
"""Where Compose shows a service its secrets."""


class Secrets(Declared):
    """Secrets are files: where they lie beside the compose file, and where containers see them."""

    directory: RelativePath
    mount: AbsolutePath = SECRETS_MOUNT


BASELINE_HOURS = 24.0
MOST_BASELINE_HOURS = 8760


class Deploy(Declared):
    """How a release is rolled out."""

    order: tuple[str, ...]
    scaled: tuple[str, ...] = ()
    """Services that go to two instances and back to one, so that one serves throughout."""
    clean_images: bool = False
    """Whether a deploy removes the images that it replaced. A rollback needs them."""
    new_images: bool = False
    """Whether every deploy brings new images: on the image of before, it brought nothing."""
    required_variables: tuple[VariableName, ...] = ()
    optional_variables: tuple[VariableName, ...] = ()
    baseline_hours: Annotated[float, Field(gt=0, le=MOST_BASELINE_HOURS, allow_inf_nan=False)] = (
        BASELINE_HOURS
    )
    """How old the baseline may be when a gate compares with it."""


class Waiver(Declared):
    """A failure that is known and accepted until a date, that day included."""

    check: Line
    """The check's name, `containers.restarts`."""
    subject: Line
    reason: Line
    expires: Day


class Environment(Declared):
    """One environment, complete: everything that the suites verify follows from this."""

    name: str
    description: str = ""
    engine: Engine = Engine()
    compose_file: RelativePath = ""
    compose_overrides: tuple[RelativePath, ...] = ()
    """Files that may be laid over it, as one that drops fixed names so that services can scale."""
    checkout: RelativePath = ""
    """Directory of the checkout on the server."""
    container_prefix: Name = ""
    compose_project: Name = ""
    code_mounted: bool | None = None
    """Whether the containers run code that is mounted live from the host."""
    host: Host | None = None
    network: Network | None = None
    outside: Outside | None = None
    logging: Logging | None = None
    secrets: Secrets | None = None
    deploy: Deploy | None = None
    resolve: Addresses = Field(default_factory=nothing)
    """`host:port` (host may be `*`) to the `address:port` to connect to; SNI and Host stay."""
    vantage: Vantage | None = None
    ca_file: str | None = None
    """Certificates to trust instead of the system's, PEM; relative to the environment's file."""
    services: Annotated[Table[Service], Field(min_length=1)]
    routes: Table[Route] = Field(default_factory=nothing)
    datastores: Datastores = Field(default_factory=Datastores)
    nginx: Nginx | None = None
    tls: Tls | None = None
    waivers: tuple[Waiver, ...] = ()

    @property
    def baseline_hours(self) -> float:
        """`deploy.baseline_hours`, and its default where no deploy is declared."""
        return self.deploy.baseline_hours if self.deploy else BASELINE_HOURS

    @property
    def publishes(self) -> bool:
        """`publish`, by any service: where one says what it publishes, all do."""
        return any(service.publish for service in self.services.values())

    @property
    def code_in_image(self) -> bool:
        """True where `code_mounted: false` is declared: code comes from the images alone."""
        return self.code_mounted is False

    @property
    def secrets_mount(self) -> str:
        """Where containers see their secrets: Compose's own place where none is declared."""
        return self.secrets.mount if self.secrets else SECRETS_MOUNT

    def secret_paths(self, service: Service) -> frozenset[str]:
        """Where a service must see its secrets, a file each."""
        return frozenset(f"{self.secrets_mount}/{name}" for name in service.secrets)

    @model_validator(mode="before")
    @classmethod
    def _name_by_key(cls, data: Any) -> Any:
        data = named(data, "services", "routes")
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
                    warn_days_left=self.tls.warn_days_left,
                )
        return hosts

    @property
    def closed_ports(self) -> Mapping[str, ClosedPort]:
        """The ports that must be closed from outside, by number."""
        if self.outside is None:
            return {}
        listening = {port: name for name, each in self.services.items() for port in each.ports}
        return {
            str(port): ClosedPort(
                name=str(port),
                host=self.outside.host,
                port=port,
                service=listening.get(port, ""),
            )
            for port in self.outside.closed_ports
        }

    @property
    def upstreams(self) -> Mapping[str, Service]:
        """The services that the reverse proxy sends requests to, by name."""
        if self.nginx is None:
            return {}
        names = {route.service for route in self.routes.values()} - {self.nginx.service}
        return {name: service for name, service in self.services.items() if name in names}

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        known = f"expected a declared service ({listed(tuple(self.services))})"
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
        refuse(problems)
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
            for field in ("order", "scaled"):
                for index, name in enumerate(getattr(self.deploy, field)):
                    yield ("deploy", field, index), name
