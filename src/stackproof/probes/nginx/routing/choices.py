"""What an evaluation of nginx's configuration cannot know: each possibility is tried in turn."""

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from stackproof.probes.nginx.configuration import patterns
from stackproof.unobserved import UnobservedError

T = TypeVar("T")

_MAX_RUNS = 64
_MAX_WORK = 20_000_000
"""Steps of regular expressions, which take two seconds."""
_STEPS_OF_DIRECTIVE = 20
"""What is done with one directive takes as long as that many."""


class UnknownError(UnobservedError):
    """The configuration decides by something that is unknown here, such as a cookie."""

    def __init__(self, construct: str) -> None:
        """Store what decides: a variable or a directive."""
        super().__init__(f"where the route leads depends on {construct}, which is unknown")
        self.construct = construct


class Budget:
    """How much work one configuration may cause."""

    def __init__(self) -> None:
        """Start without any work."""
        self._work = 0.0

    def search(self, pattern: str, text: str, *, ignore_case: bool = False) -> "Match":
        """Search a text for a regular expression, and count the work.

        Raises:
            UnobservedError: it cannot be evaluated, or the configuration takes too long.
        """
        self.spend()
        self._work += min(patterns.steps(pattern, len(text)), patterns.MAX_STEPS)
        return patterns.search(pattern, text, ignore_case=ignore_case)

    def spend(self, directives: int = 1) -> None:
        """Count the work for some directives.

        Raises:
            UnobservedError: it is too much.
        """
        self._work += directives * _STEPS_OF_DIRECTIVE
        if self._work > _MAX_WORK:
            raise UnobservedError("nginx's configuration takes too long to be evaluated")


Match = patterns.Match


class Choices:
    """The choices of one run. The same question gets the same answer within a run."""

    def __init__(self, taken: list[int]) -> None:
        """Store the choices of this run, which grow with each further question."""
        self._taken = taken
        self._made: dict[Hashable, int] = {}
        self.counts: list[int] = []
        self.unknown = ""
        """The first construct that decides by something unknown; empty if there is none."""

    def choose(self, question: Hashable, count: int, construct: str) -> int:
        """Return which of several possibilities this run is for.

        Args:
            question: what is asked.
            count: the number of possibilities.
            construct: the construct that decides; empty if clients get each of them.
        """
        if count == 1:
            return 0
        if question not in self._made:
            if len(self.counts) == len(self._taken):
                self._taken.append(0)
            self._made[question] = self._taken[len(self.counts)]
            self.counts.append(count)
            self.unknown = self.unknown or construct
        return self._made[question]


def each_run(evaluate: Callable[[Choices], T]) -> Iterator[tuple[Choices, T]]:
    """Evaluate once for each combination of choices.

    Raises:
        UnobservedError: there are too many.
    """
    taken: list[int] = []
    for _ in range(_MAX_RUNS):
        choices = Choices(taken)
        yield choices, evaluate(choices)
        del taken[len(choices.counts) :]
        while taken and taken[-1] + 1 == choices.counts[len(taken) - 1]:
            taken.pop()
        if not taken:
            return
        taken[-1] += 1
    raise UnobservedError("where the route leads depends on too many unknown values")
