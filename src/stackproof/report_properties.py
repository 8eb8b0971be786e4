"""What fixtures attach to pytest's items and reports, and outputs read from them.

Properties are pairs of a name and a text. They become the `user_properties` of reports: JUnit
writes them, and xdist sends them from its workers. What is not a text of one check travels as an
attribute of a report.
"""

from typing import Any, TypedDict

import pytest

ENVIRONMENT = "environment"
SUITE = "suite"
CHECK = "check"
SUBJECT = "subject"
SERVICE = "service"
"""The service concerned; empty for the stack as a whole."""
SEVERITY = "severity"
VANTAGE_POINT = "vantage_point"
"""The host that the check observed from, where there are several."""
ENGINE = "engine"
"""The address of the engine, without secrets."""
REPLAY_OF = "replay_of"
"""When the facts were gathered, in a replay."""
WAIVER = "waiver"
"""Until when the check is waived and why, or that its waiver has expired."""
BEFORE = "before"
"""The outcome before the deploy; empty if it is unknown."""
WARNING = "warning"
OUTCOME = "outcome"
ATTEMPTS = "attempts"
ATTEMPT = "attempt"
"""With a number: one attempt of several."""

_NAMES = {
    *(ENVIRONMENT, SUITE, CHECK, SUBJECT, SERVICE, SEVERITY, VANTAGE_POINT, ENGINE, REPLAY_OF),
    *(WAIVER, BEFORE, WARNING, OUTCOME, ATTEMPTS, ATTEMPT),
}

WAIVED = pytest.StashKey[bool]()
"""On an item: whether a waiver that has not expired covers the failure of the check."""

_PROPERTIES = pytest.StashKey[list[tuple[str, str]]]()

ENVIRONMENT_NOTES = "environment_notes"
"""The attribute of a report that holds `EnvironmentNotes`."""


class EnvironmentNotes(TypedDict, total=False):
    """What a report says of its environment as a whole. Plain values, as xdist can send them."""

    warnings: list[str]
    required: list[dict[str, str]]
    """The properties of the checks that the gate cannot do without."""
    settling: list[dict[str, Any]]
    """How the wait for the stack to settle went, as plain values of `Settling`. The last counts."""


def properties_of(item: pytest.Item) -> list[tuple[str, str]]:
    """Return our properties of an item, to read or to extend.

    Not in its `user_properties`, where a check can record others of the same name.
    """
    return item.stash.setdefault(_PROPERTIES, [])


def is_reserved(name: str) -> bool:
    """Tell whether a property is ours, so that a check cannot record one of this name."""
    return name.partition(" ")[0] in _NAMES
