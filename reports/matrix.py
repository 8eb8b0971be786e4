"""The matrix of one verdict: a row for each service, a column for each suite."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.outcome import Outcome, worst
from reports.verdict import CheckResult

STACK = "stack"
"""Row of the checks that concern no one service."""


@dataclass(frozen=True)
class Matrix:
    """What became of each service in each suite."""

    rows: Sequence[str]
    suites: Sequence[str]
    worst: Mapping[tuple[str, str], Outcome]
    """By row and suite; nothing where no check was made."""


def matrix(checks: Sequence[CheckResult]) -> Matrix:
    """The matrix of these checks, each of which belongs to a suite."""
    cells: defaultdict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for check in checks:
        cells[check.service or STACK, check.suite].append(check.outcome)
    services = list(dict.fromkeys(check.service for check in checks if check.service))
    return Matrix(
        rows=[*services, STACK] if any(not check.service for check in checks) else services,
        suites=list(dict.fromkeys(check.suite for check in checks)),
        worst={cell: worst(outcomes) for cell, outcomes in cells.items()},
    )
