"""Practices: settings that not everyone minds, and what `may` allows to a service."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator

from stackproof.facts.root_access import RootAccess
from stackproof.schema.expected import expect

Permission = Literal["privileged", "engine-socket", "host-network"] | RootAccess
"""A permission that is equivalent to root on the host."""
Practice = (
    Permission | Literal["latest-tag", "no-health-check", "no-restart-policy", "secret-environment"]
)
"""A setting that checks only warn about, because not everyone minds it. Permissions are one only
if the Compose file grants them."""

_PRACTICES = tuple(name for literal in get_args(Practice) for name in get_args(literal))
_SETTING = re.compile(
    r"(cap_add|pid|ipc|uts|userns_mode|cgroup|devices|device_cgroup_rules|volumes|security_opt"
    r"|group_add): \S.*|volumes_from"
)


def _as_text(value: object) -> object:
    """Return a setting as text: in a list, YAML reads `pid: host` as a mapping."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((key, each),) = value.items()
        return f"{key}: {each}"
    return value


Allowed = Annotated[
    str,
    BeforeValidator(_as_text),
    expect(
        f"{', '.join(_PRACTICES)}, or a setting such as 'pid: host'",
        lambda text: text in _PRACTICES or _SETTING.fullmatch(text),
        pattern=f"^({'|'.join(_PRACTICES)}|{_SETTING.pattern})$",
    ),
]
"""A practice, or one setting that gives root access to the host."""
