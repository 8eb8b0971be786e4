"""A service of the merged Compose files, as a service of an environment file.

Each field names the keys of Compose that decide it. If one of them depends on a variable that is
unset here, the field is not specified.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from stackproof.facts.root_access import RootAccess, exposes_engine, root_access

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One field of a service, and where it comes from."""

    name: str
    """Its key; `limits.memory` for one in a section."""
    keys: tuple[str, ...]
    """The keys of Compose that decide it."""
    value: Callable[[Raw], Any]
    """Returns None if the files leave it open."""
    sections: tuple[str, ...] = ()
    """The sections of the files that decide it as well."""


DEFAULT_CPU_PERIOD = 100_000
_CONNECTED = ("", "bridge")
_RESTART = {"none": "no", "any": "always", "": "no"}
_OF_IMAGE = ("command", "entrypoint", "user")
_OF_ROOT_ACCESS = (
    "cap_add", "pid", "ipc", "uts", "userns_mode", "cgroup", "network_mode", "devices",
    "device_cgroup_rules", "volumes", "security_opt", "group_add", "volumes_from",
)  # fmt: skip
_MOST_PORTS = 1000


def _deploy(raw: Raw, *path: str) -> Any:
    part: Any = raw.get("deploy")
    for key in path:
        part = part.get(key) if isinstance(part, dict) else None
    return part


def cpus(raw: Raw) -> float | None:
    """Return the CPU limit, in cores."""
    limit = _deploy(raw, "resources", "limits", "cpus") or raw.get("cpus")
    if limit:
        return float(limit)
    quota = int(raw.get("cpu_quota") or 0)
    return quota / int(raw.get("cpu_period") or DEFAULT_CPU_PERIOD) if quota > 0 else None


def memory(raw: Raw) -> Any:
    """Return the memory limit, a number of bytes or a text such as `512m`."""
    return _deploy(raw, "resources", "limits", "memory") or raw.get("mem_limit") or None


def _pids(raw: Raw) -> int | None:
    limit = _deploy(raw, "resources", "limits", "pids") or raw.get("pids_limit")
    return int(limit) if limit and int(limit) > 0 else None


def restart(raw: Raw) -> str:
    """Return the restart policy as the engine has it: `on-failure:3`."""
    policy = _deploy(raw, "restart_policy")
    if policy is None:
        name, _, attempts = (raw.get("restart") or "").partition(":")
    else:
        name, attempts = policy.get("condition") or "", policy.get("max_attempts") or ""
    name = _RESTART.get(name, name)
    return f"{name}:{attempts}" if attempts and int(attempts) and name == "on-failure" else name


def may_end(raw: Raw) -> bool:
    """Return whether a service may be meant to run once: nothing restarts it if it ends well.

    It says so itself, and it has no port and no health check.
    """
    if raw.get("restart") is None and _deploy(raw, "restart_policy") is None:
        return False  # most services without a policy are servers
    serves = raw.get("ports") or raw.get("expose") or raw.get("healthcheck")
    return not serves and restart(raw).partition(":")[0] in ("no", "on-failure")


def _instances(raw: Raw) -> int | None:
    if _deploy(raw, "mode") == "global":
        return 1
    numbers = (raw.get("scale"), _deploy(raw, "replicas"))
    return next((int(number) for number in numbers if number is not None), None)


def _networks(raw: Raw) -> dict[str, Any] | None:
    if raw.get("network_mode") and not raw.get("networks"):
        return None
    return {
        name: {"aliases": list((each or {}).get("aliases") or ())}
        for name, each in (raw.get("networks") or {}).items()
    }


def publish(raw: Raw) -> list[str]:
    """Return the published ports in Compose's notation: `127.0.0.1:8443:443`, `any:80`."""
    if (raw.get("network_mode") or "") not in _CONNECTED:
        return []  # it has no ports of its own
    return [_published(port) for port in raw.get("ports") or ()]


def _published(port: Raw) -> str:
    address, protocol = port.get("host_ip") or "", protocol_of(port)
    if ":" in address:
        address = f"[{address}]"
    everywhere = address in ("", "0.0.0.0", "[::]")  # noqa: S104 - it is read, not bound
    published = str(port.get("published") or "0")  # the engine picks a port for 0
    text = f"{'any' if published == '0' else published}:{port['target']}"
    text = text if everywhere else f"{address}:{text}"
    return text if protocol == "tcp" else f"{text}/{protocol}"


def protocol_of(port: Raw) -> str:
    """Return the protocol of a published port. The engine takes capitals, too."""
    return str(port.get("protocol") or "tcp").lower()


def ports(raw: Raw) -> list[int] | None:
    """Return the TCP ports on which a service listens inside its networks."""
    published = [
        str(port["target"]) for port in raw.get("ports") or () if protocol_of(port) == "tcp"
    ]
    exposed = [str(text).lower().removesuffix("/tcp") for text in raw.get("expose") or ()]
    numbers: dict[int, None] = {}
    for text in (*published, *exposed):
        first, _, last = text.partition("-")
        if first.isdigit() and (last or first).isdigit():
            numbers.update(dict.fromkeys(range(int(first), int(last or first) + 1)))
    return list(numbers)[:_MOST_PORTS] or None


def secret_paths(raw: Raw) -> list[str]:
    """Return the paths at which the service sees its secrets."""
    targets = (each.get("target") or each["source"] for each in raw.get("secrets") or ())
    return [str(PurePosixPath("/run/secrets", target)) for target in targets]


def config_paths(raw: Raw) -> list[str]:
    """Return the paths at which the service sees its configs."""
    return [each.get("target") or f"/{each['source']}" for each in raw.get("configs") or ()]


def _secrets(raw: Raw) -> list[str] | None:
    return [path.removeprefix("/run/secrets/") for path in secret_paths(raw)] or None


def health_check(raw: Raw) -> str | None:
    """Return whether it must be healthy; None if the files disable the health check."""
    check = raw.get("healthcheck")
    if not check:
        return "if-present"  # the image decides
    if check.get("disable") or (check.get("test") or [""])[0] == "NONE":
        return None
    return "required" if check.get("test") else "if-present"


def _health_check_test(raw: Raw) -> list[str] | None:
    check = raw.get("healthcheck") or {}
    return check.get("test") if health_check(raw) == "required" else None


def _listens(raw: Raw) -> bool | None:
    """Return whether an open port is to show that it runs: it has no health check in the files."""
    has_network = (raw.get("network_mode") or "") in _CONNECTED
    return True if has_network and ports(raw) and health_check(raw) != "required" else None


def _mounts(raw: Raw) -> dict[str, Any] | None:
    if raw.get("volumes_from"):
        return None  # those of another container, too
    mounts: dict[str, Any] = {}
    for each in raw.get("volumes") or ():
        if each["type"] in ("volume", "bind", "tmpfs"):
            mounts[each["target"]] = {
                "kind": each["type"],
                "source": each.get("source") or "",
                "read_only": bool(each.get("read_only")),
            }
    tmpfs = raw.get("tmpfs") or ()
    for text in (tmpfs,) if isinstance(tmpfs, str) else tmpfs:
        path, _, options = text.partition(":")
        mounts[path] = {"kind": "tmpfs", "read_only": "ro" in options.split(",")}
    return mounts


def _sources(raw: Raw) -> list[str]:
    """Return the paths of the host that are mounted."""
    binds = (each for each in raw.get("volumes") or () if each["type"] == "bind")
    return [each.get("source") or "" for each in binds]


def granted(raw: Raw) -> list[str] | None:
    """Return the permissions of a service that are as good as root on the host."""
    permissions = {
        "privileged": bool(raw.get("privileged")),
        "host-network": raw.get("network_mode") == "host",
        "engine-socket": any(map(exposes_engine, _sources(raw))),
    }
    return [name for name, is_granted in permissions.items() if is_granted] or None


def root_access_of(raw: Raw) -> Mapping[str, RootAccess]:
    """Return the settings that give root access to the host, with the kind of each."""
    devices = raw.get("devices") or ()
    namespaces = ("pid", "ipc", "uts", "userns_mode", "cgroup")
    return root_access(
        capabilities=raw.get("cap_add") or (),
        namespaces={key: raw.get(key) or "" for key in namespaces},
        network=raw.get("network_mode") or "",
        devices=[
            str(each.get("source") if isinstance(each, Mapping) else each).partition(":")[0]
            for each in devices
        ],
        device_rules=raw.get("device_cgroup_rules") or (),
        sources=_sources(raw),
        security_options=map(str, raw.get("security_opt") or ()),
        groups=map(str, raw.get("group_add") or ()),
        volumes_from=bool(raw.get("volumes_from")),
    )


def _no_new_privileges(raw: Raw) -> bool | None:
    options = [str(each).replace("=", ":") for each in raw.get("security_opt") or ()]
    if {"no-new-privileges", "no-new-privileges:true"} & set(options):
        return True
    return False if "no-new-privileges:false" in options else None


def _ulimits(raw: Raw) -> dict[str, Any] | None:
    # Compose's JSON leaves out a soft or hard limit of 0, which forbids core dumps.
    return {
        name: {"soft": 0, "hard": 0, **limit} if isinstance(limit, Mapping) else limit
        for name, limit in (raw.get("ulimits") or {}).items()
    } or None


def _logging(raw: Raw) -> dict[str, Any] | None:
    driver, max_size = logging(raw)
    if not driver:
        return None  # the engine's default applies
    return {"driver": driver, **({"max_size": max_size} if max_size else {})}


def logging(raw: Raw) -> tuple[str, str | None]:
    """Return the log driver, empty for the engine's default, and the largest size of a log file."""
    declared = raw.get("logging") or {}
    return declared.get("driver") or "", (declared.get("options") or {}).get("max-size")


def _image_defaults(raw: Raw) -> list[str] | None:
    return [key for key in _OF_IMAGE if raw.get(key) is None] or None


def _gpus(raw: Raw) -> list[dict[str, Any]] | None:
    """Return the GPUs that it may use."""
    reserved = _deploy(raw, "resources", "reservations", "devices") or ()
    wanted = [each for each in reserved if "gpu" in (each.get("capabilities") or ())]
    keys = ("driver", "count", "device_ids", "capabilities")
    return [
        {key: each[key] for key in keys if each.get(key)}
        for each in (*(raw.get("gpus") or ()), *wanted)
    ] or None


def _list(key: str) -> Callable[[Raw], list[str] | None]:
    return lambda raw: [str(each) for each in raw.get(key) or ()] or None


def _plain(key: str) -> Callable[[Raw], Any]:
    return lambda raw: raw.get(key) or None


FIELDS = (
    Field("container", ("container_name",), lambda raw: raw.get("container_name") or ""),
    Field("instances", ("scale", "deploy"), _instances),
    Field("image", ("image",), _plain("image")),
    Field("ports", ("ports", "expose"), ports),
    Field("publish", ("ports", "network_mode"), publish),
    Field("limits.cpus", ("cpus", "cpu_quota", "cpu_period", "deploy"), cpus),
    Field("limits.memory", ("mem_limit", "deploy"), memory),
    Field("limits.pids", ("pids_limit", "deploy"), _pids),
    Field("restart", ("restart", "deploy"), restart),
    Field("healthcheck", ("healthcheck",), health_check),
    Field("healthcheck_test", ("healthcheck",), _health_check_test),
    Field("listens", ("healthcheck", "ports", "expose", "network_mode"), _listens),
    Field("secrets", ("secrets",), _secrets),
    Field("configs", ("configs",), lambda raw: config_paths(raw) or None),
    Field("logging", ("logging",), _logging),
    Field("networks", ("networks", "network_mode"), _networks, ("networks",)),
    Field("network_mode", ("network_mode",), _plain("network_mode")),
    Field("mounts", ("volumes", "tmpfs", "volumes_from"), _mounts, ("volumes",)),
    Field("command", ("command",), _plain("command")),
    # An empty one is none at all. An empty command is that of the image.
    Field("entrypoint", ("entrypoint",), lambda raw: raw.get("entrypoint")),
    Field("image_defaults", _OF_IMAGE, _image_defaults),
    Field("user", ("user",), lambda raw: str(raw.get("user") or "") or None),
    Field("read_only", ("read_only",), _plain("read_only")),
    Field("cap_add", ("cap_add",), _list("cap_add")),
    Field("cap_drop", ("cap_drop",), _list("cap_drop")),
    Field("no_new_privileges", ("security_opt",), _no_new_privileges),
    Field("ulimits", ("ulimits",), _ulimits),
    Field("devices", ("devices",), _plain("devices")),
    Field("shm_size", ("shm_size",), _plain("shm_size")),
    Field("extra_hosts", ("extra_hosts",), _list("extra_hosts")),
    Field("gpus", ("gpus", "deploy"), _gpus),
    Field("granted", ("privileged", "network_mode", "volumes"), granted),
    Field("root_access", _OF_ROOT_ACCESS, lambda raw: list(root_access_of(raw))),
)
"""The fields of a service that Compose files specify."""
