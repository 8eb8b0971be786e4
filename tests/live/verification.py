"""What one run of the suites against the lab came to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """What one run came to."""

    exit_code: int
    output: str
    first_lines: dict[str, str]
    by_outcome: dict[str, frozenset[str]]

    def ids(self, outcome: str) -> frozenset[str]:
        return self.by_outcome.get(outcome, frozenset())
