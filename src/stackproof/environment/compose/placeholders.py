"""Variables that Compose files use, and values for those that are unset."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# It must be valid where a number is expected. What depends on it is left out.
PLACEHOLDER = "1"
_OF_TYPE = {
    "container_name": "placeholder", "source": "/placeholder", "volumes": "/placeholder",
    **dict.fromkeys(("init", "privileged", "read_only", "stdin_open", "tty", "disable"), "true"),
    **dict.fromkeys(
        ("interval", "timeout", "start_period", "start_interval", "stop_grace_period"), "1s"
    ),
}  # fmt: skip
"""By key, a value of the type that Compose expects there."""


def used_in(part: Any) -> frozenset[str]:
    """Return the variables in the expressions of a part of a Compose file."""
    if isinstance(part, str):
        return frozenset(_names(part))
    if isinstance(part, Mapping):
        return frozenset().union(*map(used_in, (*part.keys(), *part.values())))
    if isinstance(part, list):
        return frozenset().union(*map(used_in, part))
    return frozenset()


def placeholders(names: Iterable[str], services: Any) -> dict[str, str]:
    """Return values for variables that Compose accepts in most places where they are used.

    Args:
        names: the variables.
        services: the services of the Compose files, with expressions instead of values.
    """
    typed = dict(_typed(services))
    return {name: typed.get(name, PLACEHOLDER) for name in names}


def _names(text: str) -> Iterable[str]:
    return re.findall(r"\$\{?(\w+)", text.replace("$$", ""))


def _typed(part: Any, key: str = "") -> Iterable[tuple[str, str]]:
    """Yield the variables of values that are no numbers, each with a value of that type."""
    if isinstance(part, Mapping):
        for name, each in part.items():
            yield from _typed(each, name)
    elif isinstance(part, list):
        for each in part:
            yield from _typed(each, key)
    elif isinstance(part, str) and key in _OF_TYPE:
        for name in _names(part):
            yield name, _OF_TYPE[key]
