"""The settings of a service that its Compose files leave out.

Its container has what its image or Docker gives it. What a variable decides is not left out: where
the stack is deployed the variable may have another value.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stackproof.environment.compose.service import cpus, health_check, memory

Raw = Mapping[str, Any]

_PLAIN = (
    "cpuset", "cpu_shares", "oom_score_adj", "read_only", "cap_add", "cap_drop", "init",
    "group_add", "extra_hosts", "dns", "dns_search", "dns_opt", "memswap_limit",
    "stop_grace_period", "tty", "stdin_open", "pid", "uts", "userns_mode", "oom_kill_disable",
    "device_cgroup_rules", "privileged", "ipc", "volumes_from",
)  # fmt: skip
_KEYS: Mapping[str, tuple[str, ...]] = {
    "mem_limit": ("mem_limit", "deploy"),
    "mem_reservation": ("mem_reservation", "deploy"),
    "cpus": ("cpus", "cpu_count", "cpu_percent", "cpu_quota", "cpu_period", "deploy"),
    "pids_limit": ("pids_limit", "deploy"),
    **{name: (name,) for name in _PLAIN},
    "no_new_privileges": ("security_opt",),
    "security_opt": ("security_opt",),
    "devices": ("devices", "gpus", "deploy"),
    "tmpfs": ("tmpfs", "volumes_from"),
}
"""By setting: the keys of Compose that decide it."""
_OF_HEALTH_CHECKS = ("test", "interval", "timeout", "retries", "start_period")


def left_out(raw: Raw, variables_in: Callable[..., frozenset[str]]) -> Iterator[str]:
    """Yield the settings that a service leaves out, which its container then does not have.

    Args:
        raw: the service.
        variables_in: returns the variables on which a part of the service depends.
    """
    for name, keys in _KEYS.items():
        if not _is_set(name, raw) and not any(map(variables_in, keys)):
            yield name


def left_to_image(
    raw: Raw,
    variables_in: Callable[..., frozenset[str]],
    unset_in: Callable[..., frozenset[str]],
) -> Iterator[str]:
    """Yield the settings of which a service leaves all or a part to its image.

    Args:
        raw: the service.
        variables_in: returns the variables on which a part of the service depends.
        unset_in: returns those of them that are unset here.
    """
    check = raw.get("healthcheck") or {}
    left = [key for key in _OF_HEALTH_CHECKS if not check.get(key)]
    decided = unset_in("healthcheck", "test").union(
        *(variables_in("healthcheck", key) for key in left)
    )
    if health_check(raw) and not decided:
        yield "healthcheck"
    if not raw.get("volumes_from"):
        yield "volumes"
    for key in ("stop_signal", "working_dir"):
        if not raw.get(key) and not variables_in(key):
            yield key


def _is_set(name: str, raw: Raw) -> bool:
    resources = (raw.get("deploy") or {}).get("resources") or {}
    limits, reserved = resources.get("limits") or {}, resources.get("reservations") or {}
    match name:
        case "mem_limit":
            return bool(memory(raw))
        case "mem_reservation":
            return bool(raw.get(name) or reserved.get("memory"))
        case "cpus":
            return bool(cpus(raw) or raw.get("cpu_count") or raw.get("cpu_percent"))
        case "pids_limit":
            return int(limits.get("pids") or raw.get(name) or 0) > 0
        case "no_new_privileges":
            return any("no-new-privileges" in str(each) for each in raw.get("security_opt") or ())
        case "devices":
            return bool(raw.get(name) or raw.get("gpus") or reserved.get("devices"))
        case "tmpfs":  # where there is one is a mount
            return bool(raw.get("volumes_from"))
        case "cap_drop":  # what it drops in addition is left out, too
            return False
    return bool(raw.get(name))
