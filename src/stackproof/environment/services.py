"""Declared services: container, limits and health endpoint."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackproof.environment.container_settings import (
    Arguments,
    Attachments,
    Capability,
    Contents,
    Device,
    Gpus,
    LeftOut,
    Mounts,
    Options,
    Ulimits,
    Variables,
)
from stackproof.environment.practices import Allowed, Permission
from stackproof.environment.responses import ExpectedContent
from stackproof.facts.options import Group, group_of
from stackproof.schema.addresses import HostName
from stackproof.schema.declared import Declared, Replicable, empty_mapping, reject
from stackproof.schema.values import (
    AbsolutePath,
    Name,
    Port,
    PublishedPortText,
    Ratio,
    RestartPolicy,
    SecretFile,
    SingleLine,
    Statuses,
    UrlPath,
    VariableName,
)
from stackproof.sizes import Bytes


class Limits(Declared):
    """Resource limits of a container: CPUs (1.5 is one and a half cores) and memory in bytes."""

    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    memory: Annotated[Bytes, Field(gt=0)] | None = None
    pids: Annotated[int, Field(ge=-1)] | None = None
    """Processes and threads; -1 or 0 is unlimited."""
    pids_used: Ratio = 0.9
    """Share of the processes and threads that it may have. At the limit, it can start no more."""
    files_used: Ratio | None = None
    """Share of the files and connections that each of its processes may have open. Only root on the
    engine's machine can count them; default: not verified."""
    memory_used: Ratio = 0.9
    """Share of the memory that may be in use. Above it, a short peak ends in an OOM kill."""
    cpu_throttled: Ratio = 0.25
    """Share of its CPU periods in which it may be throttled. More is felt as latency."""


class Logging(Declared):
    """Logging driver and rotation of containers."""

    driver: SingleLine
    max_size: Annotated[Bytes, Field(gt=0)] | None = None


class Health(ExpectedContent):
    """The health endpoint of a service, requested at the address of its container."""

    path: UrlPath
    port: Port | None = None
    """Default: the first of the service's `ports`."""
    status: Statuses = (200,)
    scheme: Literal["http", "https"] = "http"
    host: HostName | None = None
    """The `Host` header and the TLS server name. Default: the address of the container."""
    verify: bool = True
    """Whether its certificate must be valid, with `https`."""


class Service(Replicable):
    """A service of the stack and the containers that run it."""

    name: str
    container: Name = ""
    """Name of its container. Default: `container_prefix` and the name of the service, or else none:
    it is then found by the labels that Compose sets."""
    instances: Annotated[int, Field(ge=0, le=100)] = 1
    """Number of its containers."""
    ports: tuple[Port, ...] = ()
    """Ports that it listens on inside the network."""
    publish: tuple[PublishedPortText, ...] = ()
    """The only ports that it may publish on the host, in Compose's notation: `443` or `8443:443`,
    `127.0.0.1:443` for one address, `53/udp`, `8080-8090:80` for one of them, `any:80` for any."""
    image: SingleLine = ""
    """The image that it must run, as the Compose file names it."""
    restart: RestartPolicy | None = None
    """Restart policy of its container: `no`, `always`, `unless-stopped` or `on-failure:3`."""
    secrets: tuple[SecretFile, ...] = ()
    """Secrets that it must see as files: names in the environment's `secrets.mount`, or paths."""
    configs: tuple[AbsolutePath, ...] = ()
    """Paths of the configs of the Compose file that it must see as files."""
    code: Literal["live"] | None = None
    """`live`: it runs code that is mounted from the host, at any path in the container."""
    host_mounts: tuple[AbsolutePath, ...] = ()
    """Paths in the container where host paths may be mounted even if code may not."""
    public_variables: tuple[VariableName, ...] = ()
    """Environment variables that look like secrets and are public by design."""
    may: tuple[Allowed, ...] = ()
    """Permissions and practices that it is allowed, without a warning. `pid: host` allows only that
    setting, `host-namespaces` all of its kind."""
    granted: tuple[Permission, ...] = ()
    """Permissions that its Compose file grants, with a warning."""
    root_access: tuple[SingleLine, ...] = ()
    """Settings that its Compose file grants, with a warning, and that are equivalent to root on the
    host: `pid: host`."""
    limits: Limits = Limits()
    healthcheck: Literal["required", "if-present"] | None = None
    """Whether the container must be healthy. `if-present`: only if it has a health check."""
    healthcheck_test: Arguments | None = None
    """The command of its health check, as the Compose file has it: `[CMD, curl, …]`."""
    one_shot: bool | Literal["kept"] = False
    """It runs once and exits with code 0, as a migration does. `kept`: its container remains."""
    may_end: bool = False
    """It is unknown whether it is `one_shot`: that it exited with code 0 is a warning."""
    max_restarts: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Allowed restarts by the engine: the last within an hour, or since the deploy. Each one is a
    crash."""
    health: Health | None = None
    logging: Logging | None = None
    """Its logging driver and rotation. Default: the environment's `logging`."""
    listens: bool = False
    """Whether one of its `ports` must accept a connection at the address of its container."""
    networks: Attachments | None = None
    """The only networks to which its container is attached, by their names in the engine."""
    network_mode: SingleLine = ""
    """`host`, `none`, `bridge`, `service:NAME` or `container:NAME`."""
    extra_hosts: tuple[SingleLine, ...] | None = None
    """The only entries that its `/etc/hosts` has in addition: `NAME:ADDRESS` or `NAME=ADDRESS`."""
    mounts: Mounts | None = None
    """Its mounts, by path in the container. Paths of the host may be mounted at no other path."""
    entrypoint: Arguments | None = None
    command: Arguments | None = None
    user: SingleLine = ""
    """The user that its program runs as, as the Compose file names it."""
    image_defaults: tuple[Literal["command", "entrypoint", "user"], ...] = ()
    """Settings that must be those of its image."""
    left_to_image: tuple[Literal["healthcheck", "volumes", "stop_signal", "working_dir"], ...] = ()
    """What it has only as declared or from its image: its health check, anonymous volumes, …."""
    left_out: tuple[LeftOut, ...] = ()
    """Settings that its container must not have unless they are declared here, by Compose's key."""
    read_only: bool | None = None
    """Whether the file system of its container is read-only."""
    cap_add: tuple[Capability, ...] | None = None
    """The only capabilities that it holds in addition to the engine's defaults."""
    cap_drop: tuple[Capability, ...] | None = None
    """Capabilities that it does not hold unless `cap_add` names them."""
    no_new_privileges: bool | None = None
    """Whether its processes can gain no privileges, as with setuid programs."""
    devices: tuple[Device, ...] | None = None
    """The only devices of the host that it may use: `HOST[:CONTAINER[:PERMISSIONS]]`."""
    gpus: Gpus | None = None
    ulimits: Ulimits | None = None
    shm_size: Annotated[Bytes, Field(gt=0)] | None = None
    """Size of `/dev/shm`."""
    options: Options = Field(default_factory=empty_mapping)
    """Further settings, by Compose's key and in its notation: `{stop_grace_period: 1m, tty: true}`.
    Keys of a section and of a table follow a dot: `healthcheck.interval`, `labels.team`."""
    variables: Variables = Field(default_factory=empty_mapping)
    """Environment variables that the Compose files set, without their values."""
    file_contents: Contents = Field(default_factory=empty_mapping)
    """The contents of its configs and secrets that the Compose files specify, by path."""
    models: tuple[SingleLine, ...] = ()
    """Models that its Ollama must have. A name without a tag means `:latest`."""

    @property
    def instance_names(self) -> tuple[str, ...]:
        """Return the names of its instances: its own, or `web#1` and `web#2` if it has two."""
        if self.instances == 1:
            return (self.name,)
        return tuple(f"{self.name}#{number}" for number in range(1, self.instances + 1))

    @property
    def files(self) -> tuple[str, ...]:
        """`secrets` or `configs`: what it must see as files."""
        return (*self.secrets, *self.configs)

    @property
    def publishes(self) -> bool:
        """`publish`, by any service: if one declares what it publishes, all must."""
        return "publish" in self.model_fields_set

    @property
    def may_have_ended(self) -> bool:
        """Return whether it may have exited with code 0. A declared `one_shot` decides."""
        return bool(self.one_shot) or (self.may_end and "one_shot" not in self.model_fields_set)

    @property
    def may_be_removed(self) -> bool:
        """Return whether its container may have been removed after it ended."""
        return self.one_shot is True

    @property
    def health_check_required(self) -> bool:
        """`healthcheck: required`: it must report that it is healthy."""
        return self.healthcheck == "required"

    @property
    def has_own_network(self) -> bool:
        """Its `network_mode` is neither `host`, `none`, `service:NAME` nor `container:NAME`."""
        return self.network_mode not in ("host", "none") and not self.shares_network

    @property
    def shares_network(self) -> bool:
        """`network_mode: service:NAME` or `container:NAME`: it has no address of its own."""
        return self.network_mode.startswith(("service:", "container:"))

    @property
    def attached_to_subnet(self) -> bool:
        """It has a network of its own, and declares no `networks`."""
        return self.has_own_network and self.networks is None

    @property
    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        """`networks.NAME.aliases`."""
        return {name: each.aliases for name, each in (self.networks or {}).items() if each.aliases}

    @property
    def health_check_options(self) -> Mapping[str, str]:
        """`options.healthcheck.KEY`."""
        return self._options("health check")

    @property
    def process_options(self) -> Mapping[str, str]:
        """`options`: `init`, `stop_signal`, `stop_grace_period`, `working_dir`, `tty`, …."""
        return self._options("process")

    @property
    def network_options(self) -> Mapping[str, str]:
        """`options`: `hostname`, `dns`, `links`, fixed addresses, …."""
        return self._options("network")

    @property
    def isolation_options(self) -> Mapping[str, str]:
        """`options`: `pid`, `ipc`, `userns_mode`, `sysctls`, `security_opt`, `runtime`, …."""
        return self._options("isolation")

    @property
    def mount_options(self) -> Mapping[str, str]:
        """`options`: `tmpfs_size.PATH`, `propagation.PATH`, `volume_driver.PATH`."""
        return self._options("mounts")

    @property
    def limit_options(self) -> Mapping[str, str]:
        """`options`: `memswap_limit`, `mem_reservation`, `cpuset`, `cpu_shares`, …."""
        return self._options("limits")

    @property
    def label_options(self) -> Mapping[str, str]:
        """`options.labels.KEY`."""
        return self._options("labels")

    @property
    def logging_options(self) -> Mapping[str, str]:
        """`options.logging.options.KEY`."""
        return self._options("logging")

    def _options(self, group: Group) -> Mapping[str, str]:
        return {name: text for name, text in self.options.items() if group_of(name) == group}

    @model_validator(mode="after")
    def _health_has_port(self) -> Self:
        if ((self.models or self.listens) and not self.ports) or (
            self.health and not self.health.port and not self.ports
        ):
            reject([(("ports",), "expected the port at which its health is asked")])
        return self


def service_of(instance: str) -> str:
    """Return the name of the service that an instance belongs to: `web` for `web#1`."""
    return instance.partition("#")[0]
