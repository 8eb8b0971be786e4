"""The five outcomes of a check, in the order in which one outweighs another, and the exit code."""

from collections.abc import Iterable
from enum import StrEnum

from stackproof.exit_codes import EXIT_GO, EXIT_NO_GO, EXIT_UNKNOWN


class Outcome(StrEnum):
    """What became of a check. Later members outweigh earlier ones."""

    PASS = "PASS"  # noqa: S105
    """Looked, and it is as specified."""
    FLAKY = "FLAKY"
    """As specified only after it was looked at again."""
    WAIVED = "WAIVED"
    """Wrong, and waived in the environment file."""
    UNKNOWN = "UNKNOWN"
    """Could not look. Never a pass, and never a failure."""
    FAIL = "FAIL"
    """Looked, and it is wrong."""

    @property
    def weight(self) -> int:
        """Of two outcomes of one thing, the one of greater weight stands."""
        return _WEIGHTS[self]


_WEIGHTS = {outcome: weight for weight, outcome in enumerate(Outcome)}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that outweighs the others; ValueError where there is none."""
    return max(outcomes, key=lambda outcome: outcome.weight)


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """Exit code that these outcomes call for. No outcomes at all are UNKNOWN, not a success."""
    seen = set(outcomes)
    if Outcome.FAIL in seen:
        return EXIT_NO_GO
    if Outcome.UNKNOWN in seen or not seen:
        return EXIT_UNKNOWN
    return EXIT_GO
