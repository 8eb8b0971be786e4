"""Declared settings of a container: mounts, networks, ulimits, devices and GPUs."""

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from stackproof.facts.options import normal_text
from stackproof.schema.addresses import Subnet
from stackproof.schema.declared import Declared, FieldPath, empty_mapping, reject
from stackproof.schema.values import AbsolutePath, Name, SingleLine, Table

JsonSchema = dict[str, Any]

UNLIMITED = -1
_ALL_GPUS = -1
_MOST = 1 << 62


def _or(*forms: JsonSchema) -> Any:
    """Return the metadata of a field that editors accept in other forms, too."""

    def extend(schema: JsonSchema) -> None:
        own = dict(schema)
        schema.clear()
        schema["anyOf"] = [*forms, own]

    return Field(json_schema_extra=extend)


def _arguments(value: object) -> object:
    """Return the arguments of a command that is one text, as Compose splits it."""
    return tuple(shlex.split(value)) if isinstance(value, str) else value


def _soft_and_hard(value: object) -> object:
    return {"soft": value, "hard": value} if isinstance(value, int | str) else value


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _device(value: object) -> object:
    """Return a device in Compose's long form in the short one."""
    if isinstance(value, dict):
        parts = (value.get(key) for key in ("source", "target", "permissions"))
        return ":".join(str(part) for part in parts if part)
    return value


def _device_requests(value: object) -> object:
    return ({"count": "all"},) if value == "all" else value


def _count(value: object) -> object:
    return _ALL_GPUS if value == "all" else value


class DeclaredMount(Declared):
    """A mount of a container, declared by its path there."""

    kind: Literal["volume", "bind", "tmpfs"] = "volume"
    source: SingleLine = ""
    """Name of the volume in the engine, or path of the host. Empty: any."""
    read_only: bool | None = None


class Attachment(Declared):
    """How a container is attached to a network, declared by the network's name in the engine."""

    aliases: tuple[SingleLine, ...] = ()
    """Names by which the other containers of the network find it."""


class DeclaredVariable(Declared):
    """An environment variable of a container, without its value."""

    digest: SingleLine
    """A short digest of its name and value."""
    origin: Literal["file", "env-file", "deploy"] = "file"
    """Where its value is from: the Compose file itself, a file of variables next to it, or
    variables that may be others where it is deployed."""


class DeclaredContent(Declared):
    """The content of a config or a secret."""

    digest: SingleLine | Literal[""] = ""
    """A short digest; empty if its file does not exist here."""
    origin: Literal["file", "env-file", "deploy", "other-file"] = "file"
    """Where it is from, as of variables, or another file of the machine that deploys."""


def _normal_options(value: object) -> object:
    """Return options with each value in the form in which it is compared."""
    if not isinstance(value, Mapping):
        return value
    normal: dict[str, str] = {}
    problems: list[tuple[FieldPath, str]] = []
    for name, each in value.items():
        if each is None:
            continue
        try:
            normal[str(name)] = normal_text(str(name), each)
        except (ValueError, TypeError, OverflowError) as error:
            # Without the value, which may come from a variable that holds a secret.
            problems.append(((str(name),), str(error).partition(", got ")[0]))
    reject(problems)
    return normal


class DeclaredUlimit(Declared):
    """A limit of the kernel for each process: -1 is unlimited."""

    soft: Annotated[int, Field(ge=UNLIMITED, lt=_MOST)]
    hard: Annotated[int, Field(ge=UNLIMITED, lt=_MOST)]

    def __str__(self) -> str:
        """Return both, or one if they are the same."""
        return f"{self.soft}" if self.soft == self.hard else f"{self.soft}:{self.hard}"


class Gpu(Declared):
    """GPUs that a container may use."""

    driver: SingleLine = ""
    """Empty: any."""
    count: Annotated[int, BeforeValidator(_count), _or({"const": "all"})] | None = None
    """-1: all. None: those in `device_ids`, or all."""
    device_ids: tuple[SingleLine, ...] = ()
    capabilities: tuple[SingleLine, ...] = ("gpu",)


NetworkOptions = Annotated[
    Mapping[SingleLine, SingleLine],
    AfterValidator(MappingProxyType),
    PlainSerializer(dict),
]


class DeclaredNetwork(Declared):
    """A network of the engine, declared by its name there."""

    name: str
    internal: bool | None = None
    """Whether it has no way out."""
    closed: bool = False
    """Whether only containers of declared services may be in it."""
    external: bool = False
    """Someone else creates it: it must exist before a deploy."""
    subnets: tuple[Subnet, ...] = ()
    options: NetworkOptions = Field(default_factory=empty_mapping)
    """Further settings, by Compose's key: `{driver_opts.com.docker.network.driver.mtu: "1400"}`."""

    @property
    def service(self) -> str:
        """It belongs to no service."""
        return ""


class DeclaredVolume(Declared):
    """A volume of the engine, declared by its name there."""

    external: bool = False
    """Someone else creates it: it must exist before a deploy."""


LeftOut = Literal[
    "mem_limit", "mem_reservation", "cpus", "cpuset", "cpu_shares", "pids_limit", "oom_score_adj",
    "read_only", "cap_add", "cap_drop", "no_new_privileges", "init", "devices", "group_add",
    "extra_hosts", "dns", "tmpfs", "dns_search", "dns_opt", "memswap_limit",
    "stop_grace_period", "tty", "stdin_open", "pid", "uts", "userns_mode", "oom_kill_disable",
    "device_cgroup_rules", "privileged", "ipc", "volumes_from", "security_opt",
]  # fmt: skip
"""A setting that no container has on any Docker engine unless its creation says so."""
Arguments = Annotated[tuple[str, ...], BeforeValidator(_arguments), _or({"type": "string"})]
"""Arguments of a command: a list, or a text that is split as a shell does."""
Mounts = Annotated[
    Mapping[AbsolutePath, Annotated[DeclaredMount, BeforeValidator(_or_empty)]],
    AfterValidator(MappingProxyType),
    PlainSerializer(dict),
]
Attachments = Table[Annotated[Attachment, BeforeValidator(_or_empty)]]
Options = Annotated[
    Mapping[SingleLine, str],
    BeforeValidator(_normal_options),
    AfterValidator(MappingProxyType),
    PlainSerializer(dict),
]
"""Options by name, each in the form in which it is compared."""
Variables = Annotated[
    Mapping[SingleLine, DeclaredVariable],
    AfterValidator(MappingProxyType),
    PlainSerializer(dict),
]
Contents = Annotated[
    Mapping[AbsolutePath, DeclaredContent],
    AfterValidator(MappingProxyType),
    PlainSerializer(dict),
]
Volumes = Table[Annotated[DeclaredVolume, BeforeValidator(_or_empty)]]
Ulimits = Table[
    Annotated[DeclaredUlimit, BeforeValidator(_soft_and_hard), _or({"type": "integer"})]
]
Device = Annotated[SingleLine, BeforeValidator(_device), _or({"type": "object"})]
Gpus = Annotated[tuple[Gpu, ...], BeforeValidator(_device_requests), _or({"const": "all"})]
Capability = Annotated[Name, AfterValidator(lambda text: text.upper().removeprefix("CAP_"))]
"""A capability of the kernel, such as `NET_ADMIN` or `CAP_NET_ADMIN`; `ALL` is all of them."""
