"""The environment model: everything that an environment file can declare."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, model_validator

from stackproof.environment.compose_files import Compose
from stackproof.environment.container_settings import DeclaredMount, DeclaredNetwork, Volumes
from stackproof.environment.datastores import Datastores, Proxies
from stackproof.environment.deploy import BASELINE_HOURS, Deploy, Waiver
from stackproof.environment.document.problem import join_names
from stackproof.environment.machine import Engine, Host
from stackproof.environment.origin import Origin
from stackproof.environment.outside import ClosedPort, Network, Outside, Vantage
from stackproof.environment.own_requests import DeclaredCommand, DeclaredRequest
from stackproof.environment.practices import Practice
from stackproof.environment.routes import Route, Tls, TlsHost
from stackproof.environment.secret_files import SECRETS_MOUNT, Secrets
from stackproof.environment.services import Logging, Service
from stackproof.kinds.registry import Proxy, S
from stackproof.schema.addresses import Addresses
from stackproof.schema.declared import (
    Declared,
    FieldPath,
    Replicable,
    empty_mapping,
    name_by_key,
    reject,
)
from stackproof.schema.values import Name, RelativePath, Table


class Nginx(Replicable):
    """The reverse proxy, declared by its service."""

    service: str
    drain_seconds: Annotated[int, Field(gt=0, le=604_800)] = 300
    """How long old workers may finish their connections. Long polls and streams take minutes."""
    log: bool = True
    """Whether its log is verified. If it logs to a file, the engine does not show it."""

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service


def _complete_publish(services: dict[str, Any], from_compose: bool) -> None:
    """Make services publish nothing where another declares what it publishes."""
    bodies = [each for each in services.values() if isinstance(each, dict)]
    if not from_compose and any(each.get("publish") for each in bodies):
        for each in bodies:
            each["publish"] = each.get("publish") or []


class Environment(Declared):
    """A complete environment. Everything that the suites verify follows from it."""

    name: str
    description: str = ""
    engine: Engine = Engine()
    compose: Compose | None = None
    """The Compose files that specify the stack. What else is declared here overrides them."""
    compose_file: RelativePath = ""
    compose_overrides: tuple[RelativePath, ...] = ()
    """Compose files that may be merged over it, such as one that allows services to scale."""
    checkout: RelativePath = ""
    """Directory of the checkout on the server."""
    container_prefix: Name = ""
    compose_project: Name = ""
    code_mounted: bool | None = None
    """Whether the containers run code that is mounted from the host."""
    host: Host | None = None
    network: Network | None = None
    networks: Table[DeclaredNetwork] = Field(default_factory=empty_mapping)
    """Networks by their names in the engine."""
    volumes: Volumes = Field(default_factory=empty_mapping)
    """Volumes by their names in the engine."""
    outside: Outside | None = None
    logging: Logging | None = None
    secrets: Secrets | None = None
    forbid: tuple[Practice, ...] = ()
    """Practices that fail a check unless the service `may`. Otherwise they are warnings."""
    deploy: Deploy | None = None
    resolve: Addresses = Field(default_factory=empty_mapping)
    """Maps `host:port` (host may be `*`) to the `address:port` to connect to. TLS server name and
    `Host` header stay."""
    vantage: Vantage | None = None
    ca_file: str | None = None
    """CA certificates to trust instead of the system's, PEM. Relative to the environment's file."""
    services: Annotated[Table[Service], Field(min_length=1)]
    inactive_services: tuple[str, ...] = ()
    """Services of the Compose project whose profiles are not active: they may run or not."""
    routes: Table[Route] = Field(default_factory=empty_mapping)
    datastores: Datastores = Field(default_factory=Datastores)
    commands: Table[DeclaredCommand] = Field(default_factory=empty_mapping)
    requests: Table[DeclaredRequest] = Field(default_factory=empty_mapping)
    nginx: Nginx | None = None
    proxies: Proxies = Field(default_factory=Proxies)
    tls: Tls | None = None
    waivers: tuple[Waiver, ...] = ()
    _origin: Origin = PrivateAttr(default_factory=Origin)

    @property
    def origin(self) -> Origin:
        """Where it comes from."""
        return self._origin

    def from_origin(self, origin: Origin) -> Self:
        """Return a copy that comes from there."""
        environment = self.model_copy()
        environment._origin = origin
        return environment

    @property
    def baseline_hours(self) -> float:
        """`deploy.baseline_hours`, or its default if no deploy is declared."""
        return self.deploy.baseline_hours if self.deploy else BASELINE_HOURS

    @property
    def code_in_image(self) -> bool:
        """`code_mounted: false`: code comes from the images alone."""
        return self.code_mounted is False

    @property
    def forbidden(self) -> frozenset[Practice]:
        """The practices that fail: those of `forbid`. With `secrets`, secrets are files."""
        of_secrets: tuple[Practice, ...] = ("secret-environment",) if self.secrets else ()
        return frozenset((*self.forbid, *of_secrets))

    @property
    def secrets_mount(self) -> str:
        """The directory where containers see their secrets. Default: the one that Compose uses."""
        return self.secrets.mount if self.secrets else SECRETS_MOUNT

    def can_be_asked(self, service: Service) -> bool:
        """Return whether a service is asked if it works, or runs once and cannot be asked."""
        asked = {name for _, servers in self.datastores for name in servers}
        asked |= {each.service for each in self.commands.values()}
        asked |= {each.service for each in self.requests.values()}
        return bool(service.health or service.one_shot or service.name in asked)

    def secret_paths(self, service: Service) -> frozenset[str]:
        """Return the paths where a service must see its secrets, one file each."""
        named = (
            name if name.startswith("/") else f"{self.secrets_mount}/{name}"
            for name in service.secrets
        )
        return frozenset((*named, *service.configs))

    @property
    def external_volumes(self) -> tuple[str, ...]:
        """`volumes.NAME.external`."""
        return tuple(name for name, each in self.volumes.items() if each.external)

    @property
    def stateful(self) -> Mapping[str, Service]:
        """The services that declare where their data is, by name."""
        return {name: each for name, each in self.services.items() if self.data_mounts(each)}

    def data_mounts(self, service: Service) -> Mapping[str, DeclaredMount]:
        """Return where a service has its data: its named volumes; of a datastore, any mount."""
        is_datastore = any(service.name in servers for _, servers in self.datastores)
        return {
            path: mount
            for path, mount in (service.mounts or {}).items()
            if mount.source and not mount.read_only and (mount.kind == "volume" or is_datastore)
        }

    @model_validator(mode="before")
    @classmethod
    def _name_by_key(cls, data: Any) -> Any:
        data = name_by_key(data, "services", "routes", "networks", "commands", "requests")
        if isinstance(data, dict) and isinstance(services := data.get("services"), dict):
            prefix = data.get("container_prefix")
            for name, body in services.items() if prefix and isinstance(prefix, str) else ():
                if isinstance(body, dict) and not body.get("container"):
                    body["container"] = f"{prefix}{name}"
            if logging := data.get("logging"):
                for body in filter(lambda each: isinstance(each, dict), services.values()):
                    body["logging"] = logging
            _complete_publish(services, data.get("compose") is not None)
        return data

    @property
    def tls_hosts(self) -> Mapping[str, TlsHost]:
        """The hosts that routes use with https, by name."""
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
                    service=self.proxy_of(route) or route.service,
                    days_left=self.tls.days_left,
                    warn_days_left=self.tls.warn_days_left,
                )
        return hosts

    @property
    def proxy_names(self) -> tuple[str, ...]:
        """The services that are declared proxies."""
        return (*([self.nginx.service] if self.nginx else []), *self.proxies.names)

    def proxy_of(self, route: Route) -> str:
        """Return the proxy through which a route leads; empty if there is none, or several."""
        names = self.proxy_names
        return route.proxy or (names[0] if len(names) == 1 else "")

    def proxies_of(self, route: Route) -> tuple[str, ...]:
        """Return the proxies through which a route may lead."""
        return (route.proxy,) if route.proxy else self.proxy_names

    def servers(self, kind: type[S]) -> Mapping[str, S]:
        """Return the declared datastores or proxies of a kind, by service."""
        section: Any = self.proxies if issubclass(kind, Proxy) else self.datastores
        servers: Mapping[str, S] = section.of(kind)
        return servers

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
    def nginx_routes(self) -> Mapping[str, Route]:
        """The routes that may lead through nginx: those that name no other proxy."""
        if self.nginx is None:
            return {}
        of_nginx = ("", self.nginx.service)
        return {name: each for name, each in self.routes.items() if each.proxy in of_nginx}

    @property
    def upstreams(self) -> Mapping[str, Service]:
        """The services to which nginx sends requests, by name."""
        if self.nginx is None:
            return {}
        routes = self.nginx_routes.values()
        names = {route.service for route in routes} - {self.nginx.service}
        return {name: service for name, service in self.services.items() if name in names}

    @model_validator(mode="after")
    def _references_are_valid(self) -> Self:
        known = f"expected a declared service ({join_names(tuple(self.services))})"
        problems = [
            (path, f"{known}, got {name!r}" if path[-1] == name else known)
            for path, name in self._references()
            if name not in self.services
        ]
        expected = f"expected a declared proxy ({join_names(self.proxy_names) or 'there is none'})"
        for name, route in self.routes.items():
            if route.proxy and route.proxy not in self.proxy_names:
                problems.append((("routes", name, "proxy"), expected))
        owners: dict[str, str] = {}
        for service in self.services.values():
            # Without a project, the name of the service is that of its container, too.
            container = service.container or ("" if self.compose_project else service.name)
            owner = owners.setdefault(container, service.name) if container else service.name
            if owner != service.name:
                taken = f"the container of service {owner!r} has the same name"
                problems.append((("services", service.name, "container"), taken))
        reject(problems)
        return self

    def _references(self) -> Iterator[tuple[FieldPath, str]]:
        """Yield the path of every reference to a service, and the name of the service."""
        for field in ("routes", "commands", "requests"):
            for each in getattr(self, field).values():
                yield (field, each.name, "service"), each.service
        for field in ("datastores", "proxies"):
            for kind, servers in getattr(self, field):
                for name in servers:
                    yield (field, kind, name), name
        for service in self.services.values():
            mode, _, shared = service.network_mode.partition(":")
            if mode == "service":
                yield ("services", service.name, "network_mode"), shared
        if self.nginx:
            yield ("nginx", "service"), self.nginx.service
        if self.deploy:
            for field in ("order", "scaled"):
                for index, name in enumerate(getattr(self.deploy, field)):
                    yield ("deploy", field, index), name
