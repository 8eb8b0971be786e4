"""The matrix of a verdict: one row per service, one column per suite."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stackproof.outcome import Outcome, worst
from stackproof.reports.verdict import CheckResult

STACK = "stack"
"""The row of the checks that concern no single service."""


class Matrix(NamedTuple):
    """The worst outcome of each service in each suite."""

    rows: Sequence[str]
    suites: Sequence[str]
    worst: Mapping[tuple[str, str], Outcome]
    """By row and suite; missing if there is no check."""


def matrix(checks: Sequence[CheckResult]) -> Matrix:
    """Return the matrix of checks, each of which belongs to a suite."""
    cells: defaultdict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for check in checks:
        cells[check.service or STACK, check.suite].append(check.outcome)
    services = list(dict.fromkeys(check.service for check in checks if check.service))
    return Matrix(
        rows=[*services, STACK] if any(not check.service for check in checks) else services,
        suites=list(dict.fromkeys(check.suite for check in checks)),
        worst={cell: worst(outcomes) for cell, outcomes in cells.items()},
    )
