"""The outcomes of a check, and the exit codes of every command (docs/adr/0009-exit-codes.md)."""

from collections.abc import Iterable
from enum import StrEnum

EXIT_GO = 0
"""This run reached a verdict of go."""
EXIT_NO_GO = 1
"""This run reached a verdict of no-go."""
EXIT_INTERRUPTED = 2
"""Stopped by Ctrl-C, as in pytest."""
EXIT_INTERNAL_ERROR = 3
"""pytest or a plugin failed, as in pytest."""
EXIT_USAGE = 4
"""Wrong usage or an invalid environment file, as in pytest."""
EXIT_NOTHING_SELECTED = 5
"""No check was selected, as in pytest."""
EXIT_UNKNOWN = 6
"""No check failed, and at least one could not be evaluated."""
EXIT_OBJECTIVE_MISSED = 7
"""`stackproof watch`: a route missed the availability objective."""
EXIT_DEPLOY_FAILED = 8
"""`gated-deploy`: the stack is as specified, but the deploy command failed with a code above."""


class Outcome(StrEnum):
    """The outcome of a check. Later members outweigh earlier ones."""

    PASS = "PASS"  # noqa: S105
    """Observed, and as specified."""
    FLAKY = "FLAKY"
    """As specified only after a retry."""
    WAIVED = "WAIVED"
    """Wrong, but waived in the environment file."""
    UNKNOWN = "UNKNOWN"
    """Could not be evaluated: neither a pass nor a failure."""
    FAIL = "FAIL"
    """Observed, and wrong."""

    @property
    def weight(self) -> int:
        """The rank of the outcome: of two outcomes, the one with the greater weight counts."""
        return _WEIGHTS[self]


_WEIGHTS = {outcome: weight for weight, outcome in enumerate(Outcome)}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome that outweighs the others.

    Raises:
        ValueError: there are no outcomes.
    """
    return max(outcomes, key=lambda outcome: outcome.weight)


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """Return the exit code of these outcomes. No outcomes at all are UNKNOWN, not a success."""
    distinct = set(outcomes)
    if Outcome.FAIL in distinct:
        return EXIT_NO_GO
    if Outcome.UNKNOWN in distinct or not distinct:
        return EXIT_UNKNOWN
    return EXIT_GO


def is_interruption(code: int) -> bool:
    """Tell whether a run was stopped by Ctrl-C or by a signal (128 plus its number)."""
    return code == EXIT_INTERRUPTED or code > 128
