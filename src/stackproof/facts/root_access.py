"""Settings of a container that make whoever breaks into it as good as root on the host.

The settings of Compose files and those that an engine reports have one form here: Compose's key
and value, such as `pid: host`. Privileged mode, the engine's socket and the host's network are
facts of their own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

RootAccess = Literal[
    "capabilities", "host-namespaces", "host-files", "host-devices", "unconfined", "volumes-from"
]
"""The permission that allows such settings, by the kind of setting."""
CGROUP = "cgroup: host"
"""The default with version 1 of cgroups."""
_ALL = "ALL"
_CAPABILITIES = frozenset(
    {
        _ALL, "BPF", "DAC_READ_SEARCH", "MAC_ADMIN", "MAC_OVERRIDE", "SYS_ADMIN", "SYS_BOOT",
        "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO",
    }
)  # fmt: skip
_WITH_HOST_NETWORK = "NET_ADMIN"
_GROUPS = frozenset({"containerd", "disk", "docker", "kmem", "podman"})
_UNCONFINED = re.compile(
    r"(?:seccomp|apparmor|systempaths|proc-opts)=unconfined|label=disable|unmask=.+"
)
# A rule for all devices, for disks, or for memory: `a`, `b 8:* rwm`, `c 1:1 rwm`, `c *:* rwm`.
_DEVICE_RULE = re.compile(r"\s*(?:[ab]\b|c\s+(?:1|\*):).*")
_MEMORY_OR_DISK = re.compile(
    r"/dev(?:/(?:k?mem|port|kmsg|block(?:/.*)?|disk(?:/.*)?|mapper(?:/.*)?"
    r"|(?:[shv]d|xvd)[a-z]+\d*|(?:nvme|mmcblk|md|dm-|loop|nbd|sr|sg|zd|pmem)\d.*|root))?"
)
# Whoever changes one of these directories, or reads some of them, owns the host.
_DIRECTORIES = tuple(
    map(
        PurePosixPath,
        (
            "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/run",
            "/sbin", "/sys", "/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/local/sbin",
            "/usr/sbin", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker",
            "/var/spool/cron",
        ),
    )
)  # fmt: skip
_WITH_CONTENT = ("/boot", "/proc", "/sys", "/var/lib/containerd", "/var/lib/docker")
"""So does anything below these."""
_FILES = re.compile(
    r"/etc/(?:passwd|shadow|group|gshadow|sudoers|cron|crontab|systemd|pam\.d|ssh|ld\.so|profile)"
    r"(?:[-./].*|tab|\.d.*)?|(?:/root|/home/[^/]+)/\.ssh(?:/.*)?|/run/systemd(?:/.*)?"
)
_SOCKETS = (
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/buildkit/buildkitd.sock",
)
_SOCKET_NAME = re.compile(
    r".*/(?:docker[^/]*|containerd|podman|crio|buildkitd)\.sock(?:\.raw)?|/run/user/\d+(?:/docker)?"
)


def root_access(
    *,
    capabilities: Iterable[str],
    namespaces: Mapping[str, str],
    network: str,
    devices: Iterable[str],
    device_rules: Iterable[str],
    sources: Iterable[str],
    security_options: Iterable[str],
    groups: Iterable[str],
    volumes_from: bool,
) -> dict[str, RootAccess]:
    """Return the settings that give root access, and the permission that allows each one.

    Args:
        capabilities: those that are added, with or without `CAP_`.
        namespaces: by key of Compose, such as `pid`: its value.
        network: the network mode.
        devices: paths on the host.
        device_rules: `device_cgroup_rules` of Compose.
        sources: paths of the host that are mounted.
        security_options: `security_opt` of Compose.
        groups: `group_add` of Compose.
        volumes_from: whether the volumes of another container are mounted, too.
    """
    added = {each.upper().removeprefix("CAP_") for each in capabilities}
    strong = _CAPABILITIES | ({_WITH_HOST_NETWORK} if network == "host" else set())
    options = (each.replace(":", "=", 1) for each in security_options)
    found: list[tuple[RootAccess, Iterable[str]]] = [
        ("capabilities", (f"cap_add: {each}" for each in sorted(added & strong))),
        ("host-namespaces", (f"{key}: host" for key in namespaces if namespaces[key] == "host")),
        ("host-devices", (f"devices: {each}" for each in devices if _is_of_host(each))),
        ("host-devices", _rules(device_rules)),
        ("host-files", (f"volumes: {each}" for each in sources if _is_sensitive(each))),
        ("unconfined", (f"security_opt: {each}" for each in options if _is_unconfined(each))),
        ("host-files", (f"group_add: {each}" for each in groups if each in _GROUPS)),
        ("volumes-from", ("volumes_from",) if volumes_from else ()),
    ]
    return {setting: kind for kind, settings in found for setting in settings}


def exposes_engine(source: str) -> bool:
    """Return whether a path of the host is an engine's socket, or a directory above one."""
    if not source:
        return False
    path = _plain(source)
    places = (place for each in _SOCKETS for place in (each, f"/var{each}"))
    known = any(PurePosixPath(place).is_relative_to(path) for place in places)
    return known or _SOCKET_NAME.fullmatch(str(path)) is not None


def _rules(rules: Iterable[str]) -> Iterator[str]:
    for rule in rules:
        if _DEVICE_RULE.fullmatch(rule):
            yield f"device_cgroup_rules: {' '.join(rule.split())}"


def _is_of_host(device: str) -> bool:
    return _MEMORY_OR_DISK.fullmatch(device.rstrip("/")) is not None


def _is_unconfined(option: str) -> bool:
    return _UNCONFINED.fullmatch(option) is not None


@lru_cache(256)
def _is_sensitive(source: str) -> bool:
    if not source:
        return False
    path = _plain(source)
    if any(each.is_relative_to(path) for each in _DIRECTORIES):
        return True
    below = any(path.is_relative_to(each) for each in _WITH_CONTENT)
    return below or _FILES.fullmatch(str(path)) is not None


def _plain(source: str) -> PurePosixPath:
    """Return a path without Docker Desktop's prefix, and with `/run` for `/var/run`."""
    path = PurePosixPath(source.removeprefix("/host_mnt") or "/")
    is_link = path.is_relative_to("/var/run")
    return PurePosixPath("/run") / path.relative_to("/var/run") if is_link else path
