"""Further settings of a container, by Compose's key: where files and engines have them, and how.

Files and engines write the same value in several ways. Both are brought into one form before they
are compared.
"""

import posixpath
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, Literal, NamedTuple, Self

from stackproof.frozen import Frozen
from stackproof.secrets import REDACTED, is_harmless, is_secret_name
from stackproof.sizes import Bytes

Group = Literal[
    "health check", "process", "network", "isolation", "mounts", "limits", "labels", "logging"
]
"""What an option is about: each group is one check."""

_DIGITS = 4
"""Hexadecimal digits of a digest: enough to notice another secret, too few to find one."""
_SHOWN = 200
_UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s|us|µs|ns))+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|s|us|µs|ns)")
_NANOSECOND = 1e-9
_MOST_CPUS = 8192
OF_ANOTHER = "that of another container"
OF_A_REMOVED_ONE = "that of a removed container"
"""A namespace of a container that no longer exists: it was replaced."""
_OF_COMPOSE = ("com.docker.compose.", "desktop.docker.io/")


class OptionValue(Frozen):
    """The value of an option, and a short digest of it: it may be redacted later."""

    shown: str
    digest: str

    @classmethod
    def of(cls, name: str, text: str) -> Self:
        """Return the value of an option. That of a label with the name of a secret is not kept."""
        digest = sha256(text.encode(errors="replace")).hexdigest()
        shown = REDACTED if is_secret_option(name, text) else text[:_SHOWN]
        return cls(shown=shown, digest=digest[:_DIGITS])


def is_secret_option(name: str, text: str) -> bool:
    """Return whether the value of an option, such as a label, is a secret by its name."""
    return is_secret_name(name, assigned=True) and not is_harmless(text)


class Option(NamedTuple):
    """One setting, or a table of settings."""

    name: str
    """Its key in Compose; `healthcheck.interval` for one in a section."""
    engine: tuple[str, ...]
    """Its path in the engine's inspect."""
    form: Callable[[Any], str]
    """Returns the text in which values are compared. It raises ValueError for another type."""
    group: Group
    default: str = ""
    """What a container has if the engine reports nothing."""
    dropped: str | None = None
    """What the engine reports if it or its kernel does not have the setting."""
    is_table: bool = False
    """Whether each of its items is an option of its own, such as `sysctls.net.core.somaxconn`."""

    @property
    def path(self) -> tuple[str, ...]:
        """Return its keys in a service of a Compose file."""
        return tuple(self.name.split("."))

    def texts(self, value: Any) -> Iterator[tuple[str, str]]:
        """Yield the option, or each item of the table, with its text. None is no value.

        Raises:
            ValueError: the value is of another type.
        """
        if value is None or value == "" or value == []:
            return
        if not self.is_table:
            yield self.name, self.normal(value)
            return
        if not isinstance(value, Mapping):
            raise ValueError("expected a table")  # noqa: TRY004 - the callers expect one kind
        for key, each in value.items():
            if not key.startswith(_OF_COMPOSE):
                yield f"{self.name}.{key}", "" if each is None else self.form(each)

    def normal(self, value: Any) -> str:
        """Return the text in which a value is compared.

        Raises:
            ValueError: the value is of another type.
        """
        text = self.form(value)
        # Engines take 0 as their default.
        return self.default or text if text in ("0s", "0") else text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise ValueError("expected a text")  # noqa: TRY004 - the callers expect one kind
    return str(value)


def _flag(value: Any) -> str:
    text = _text(value).lower()
    if text not in ("true", "false"):
        raise ValueError("expected true or false")
    return text


def _number(value: Any) -> str:
    return str(int(_text(value)))


def _size(value: Any) -> str:
    text = _text(value)
    if text in ("-1", "unlimited"):
        return "unlimited"
    size = Bytes.parse(int(text) if text.isdigit() else text)
    return str(size) if Bytes.parse(str(size)) == size else f"{int(size)} B"


def _rate(value: Any) -> str:
    """Return a number of bytes or operations in a second."""
    return str(int(Bytes.parse(_text(value))))


def _seconds(value: Any) -> float:
    """Return a duration: nanoseconds, or a text such as `1m30s`."""
    text = _text(value)
    if text.lstrip("-").isdigit():
        return int(text) * _NANOSECOND
    if not _DURATION.fullmatch(text):
        raise ValueError("expected a duration such as 30s")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _duration(value: Any) -> str:
    return f"{_seconds(value):.12g}s"


def _whole_seconds(value: Any) -> str:
    """Return a duration that the engine keeps in whole seconds."""
    return f"{value if isinstance(value, int) else int(_seconds(value))}s"


def _signal(value: Any) -> str:
    text = _text(value).upper()
    if text.isdigit():
        try:
            return signal.Signals(int(text)).name
        except ValueError:
            return text
    return text if text.startswith("SIG") else f"SIG{text}"


def _path(value: Any) -> str:
    return posixpath.normpath(_text(value))


def _list(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return _text(value)
    return ", ".join(map(_text, value))


def _sorted(value: Any) -> str:
    items = value if isinstance(value, list | tuple) else _text(value).split(", ")
    return ", ".join(sorted(set(map(_text, items))))


def _cpus(value: Any) -> str:
    """Return a set of CPUs, such as `0-3` or `0,1,2,3`, with each of them."""
    numbers: set[int] = set()
    for part in _text(value).split(","):
        first, _, last = part.strip().partition("-")
        if int(last or first) >= _MOST_CPUS:
            raise ValueError("expected CPUs such as 0-3")
        numbers.update(range(int(first), int(last or first) + 1))
    return ", ".join(map(str, sorted(numbers)))


def _namespace(value: Any) -> str:
    """Return the mode of a namespace. Engines name the container of a service by its id."""
    text = _text(value)
    return OF_ANOTHER if text.startswith(("service:", "container:")) else text


def _of_others(value: Any) -> str:
    """Return whose volumes a container has, too. Compose does not pass on everything about them."""
    return OF_ANOTHER if isinstance(value, list | tuple) else _text(value)


_HEALTH = ("Config", "Healthcheck")
OPTIONS: tuple[Option, ...] = (
    Option("healthcheck.interval", (*_HEALTH, "Interval"), _duration, "health check", "30s"),
    Option("healthcheck.timeout", (*_HEALTH, "Timeout"), _duration, "health check", "30s"),
    Option("healthcheck.retries", (*_HEALTH, "Retries"), _number, "health check", "3"),
    Option("healthcheck.start_period", (*_HEALTH, "StartPeriod"), _duration, "health check", "0s"),
    Option(
        "healthcheck.start_interval", (*_HEALTH, "StartInterval"), _duration, "health check",
        dropped="",
    ),
    # Made from its test on both sides.
    Option("healthcheck.disable", (), _flag, "health check", "false"),
    Option("init", ("HostConfig", "Init"), _flag, "process", "false"),
    Option("stop_signal", ("Config", "StopSignal"), _signal, "process", "SIGTERM"),
    Option("stop_grace_period", ("Config", "StopTimeout"), _whole_seconds, "process", "10s"),
    Option("working_dir", ("Config", "WorkingDir"), _path, "process", "/"),
    Option("tty", ("Config", "Tty"), _flag, "process", "false"),
    Option("stdin_open", ("Config", "OpenStdin"), _flag, "process", "false"),
    Option("hostname", ("Config", "Hostname"), _text, "network"),
    Option("domainname", ("Config", "Domainname"), _text, "network"),
    Option("dns", ("HostConfig", "Dns"), _list, "network"),
    Option("dns_search", ("HostConfig", "DnsSearch"), _list, "network"),
    Option("dns_opt", ("HostConfig", "DnsOptions"), _list, "network"),
    Option("mac_address", ("Config", "MacAddress"), _text, "network", dropped=""),
    # Made from several parts on both sides.
    Option("links", (), _sorted, "network", is_table=True),
    Option("ipv4_address", (), _text, "network", is_table=True),
    Option("ipv6_address", (), _text, "network", is_table=True),
    Option("host_ip", (), _sorted, "network", is_table=True),
    Option("privileged", ("HostConfig", "Privileged"), _flag, "isolation", "false"),
    Option("pid", ("HostConfig", "PidMode"), _namespace, "isolation"),
    Option("ipc", ("HostConfig", "IpcMode"), _namespace, "isolation"),
    Option("uts", ("HostConfig", "UTSMode"), _text, "isolation"),
    Option("userns_mode", ("HostConfig", "UsernsMode"), _text, "isolation"),
    Option("cgroup", ("HostConfig", "CgroupnsMode"), _text, "isolation", dropped=""),
    Option("cgroup_parent", ("HostConfig", "CgroupParent"), _text, "isolation"),
    Option("runtime", ("HostConfig", "Runtime"), _text, "isolation"),
    Option("group_add", ("HostConfig", "GroupAdd"), _sorted, "isolation"),
    Option("sysctls", ("HostConfig", "Sysctls"), _text, "isolation", is_table=True),
    Option("security_opt", (), _sorted, "isolation", is_table=True),
    Option("device_cgroup_rules", ("HostConfig", "DeviceCgroupRules"), _sorted, "isolation"),
    Option("storage_opt", ("HostConfig", "StorageOpt"), _text, "isolation", is_table=True),
    Option(
        "annotations", ("HostConfig", "Annotations"), _text, "isolation", dropped="", is_table=True
    ),
    # By path in the container, from several parts on both sides.
    Option("tmpfs_size", (), _size, "mounts", is_table=True),
    Option("propagation", (), _text, "mounts", is_table=True),
    Option("tmpfs_options", (), _text, "mounts", "none", is_table=True),
    Option("volume_driver", (), _text, "mounts", is_table=True),
    Option("volumes_from", ("HostConfig", "VolumesFrom"), _of_others, "mounts"),
    Option("memswap_limit", ("HostConfig", "MemorySwap"), _size, "limits", "0 B", "unlimited"),
    Option("mem_reservation", ("HostConfig", "MemoryReservation"), _size, "limits", "0 B"),
    Option("mem_swappiness", ("HostConfig", "MemorySwappiness"), _number, "limits", dropped=""),
    Option("cpuset", ("HostConfig", "CpusetCpus"), _cpus, "limits"),
    Option("cpu_shares", ("HostConfig", "CpuShares"), _number, "limits", "0"),
    Option("oom_score_adj", ("HostConfig", "OomScoreAdj"), _number, "limits", "0"),
    Option(
        "oom_kill_disable", ("HostConfig", "OomKillDisable"), _flag, "limits", "false", "false"
    ),
    # By the device after the name of a limit. Kernels without these limits drop them.
    Option("blkio_config", (), _rate, "limits", dropped="", is_table=True),
    Option("labels", ("Config", "Labels"), _text, "labels", is_table=True),
    Option(
        "logging.options", ("HostConfig", "LogConfig", "Config"), _text, "logging", is_table=True
    ),
)  # fmt: skip
"""The settings that are compared as they are written."""

_BY_NAME = {each.name: each for each in OPTIONS}
_TABLES = tuple(each for each in OPTIONS if each.is_table)


def group_of(name: str) -> Group | None:
    """Return what an option is about; None if there is no such option."""
    found = option(name)
    return found.group if found else None


def option(name: str) -> Option | None:
    """Return the option with a name, or the table that it is an item of."""
    found = _BY_NAME.get(name)
    if found is None:
        return next((each for each in _TABLES if name.startswith(f"{each.name}.")), None)
    return None if found.is_table else found


def normal_text(name: str, value: object) -> str:
    """Return the text in which the value of an option is compared.

    Raises:
        ValueError: there is no such option, or the value is not one of it.
    """
    found = option(name)
    if found is None:
        near = get_close_matches(name, _BY_NAME, n=1)
        raise ValueError(f"unknown option; did you mean {near[0]!r}?" if near else "unknown option")
    return found.normal(value)
