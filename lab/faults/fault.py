"""A fault: how to break the lab, how to undo it, and exactly what it must turn red."""

import fnmatch
import os
import shlex
import time
from collections.abc import Set
from dataclasses import dataclass

from lab import HERE, address, containers, shapes, stack
from lab.engine import compose
from lab.process import LabError, run, say
from lab.shapes import Shape, ShapeName

COMMAND_SECONDS = 60
SHOWS_WITHIN = 60
"""Seconds; the slowest is a crash loop, until its restarts are far enough apart to look at."""
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Fault:
    """One way to break the lab.

    `red` are the checks that must fail, and no others: ids such as `containers.running[redis]`.
    `unknown` are the checks that cannot be evaluated: ids, or patterns such as `*[redis]`, each of
    which must match. `says` is part of the headline of a failure.
    The shell lines run in the directory `lab/`, with the variables of `scripts/lab env`
    and `compose`, which is Compose for the shape's project.
    """

    name: str
    sentence: str
    inject: str
    red: frozenset[str]
    says: str
    heal: str = "true"
    """Undoes the fault, apart from what the lab repairs anyway when it comes up."""
    unknown: tuple[str, ...] = ()
    until: str = "true"
    """A shell condition that is true once the fault has taken effect."""
    shape: ShapeName = "prod"
    """The shape that it breaks."""

    def differs(self, red: Set[str], unknown: Set[str]) -> dict[str, list[str]]:
        """Return how the results of a run differ from the expected ones; empty if they do not."""
        met = {each: set(fnmatch.filter(unknown, _escaped(each))) for each in self.unknown}
        differences = {
            "not red": self.red - red,
            "red too": red - self.red,
            "unknown too": set(unknown).difference(*met.values()),
            "not unknown": {each for each, checks in met.items() if not checks},
        }
        return {name: sorted(ids) for name, ids in differences.items() if ids}

    def inject_now(self) -> None:
        """Break the lab, and wait until the fault has taken effect."""
        shape = shapes.ALL[self.shape]
        containers.refuse_foreign(shape)
        self._refuse_other_shape()
        if not containers.is_up(shape):
            raise LabError(f"{shape.title} is not up: {shape.up_command}")
        _shell(shape, self.inject)
        give_up = time.monotonic() + SHOWS_WITHIN
        while not _holds(shape, self.until):
            if time.monotonic() > give_up:
                raise LabError(f"{self.name} had no effect within {SHOWS_WITHIN} s: {self.until}")
            time.sleep(_POLL_SECONDS)

    def heal_now(self) -> None:
        """Undo the fault. The lab repairs what its `heal` leaves changed."""
        shape = shapes.ALL[self.shape]
        containers.refuse_foreign(shape)
        self._refuse_other_shape()
        try:
            _shell(shape, self.heal)
        except LabError as error:
            say(f"{self.name}: {error}; the lab repairs it")
        stack.up(shape, heals=True)

    def _refuse_other_shape(self) -> None:
        """Refuse if the lab of another shape is up, which would have to be stopped."""
        needed = shapes.ALL[self.shape]
        other = shapes.other(needed)
        if other and containers.is_up(other) and not containers.is_up(needed):
            raise LabError(
                f"{self.name} needs {needed.title}, and {other.title} is up: {needed.up_command}"
            )


def checks(*ids: str) -> frozenset[str]:
    """Write `a.b[x, y]` for `a.b[x]` and `a.b[y]`."""
    return frozenset(
        f"{check}[{subject.strip()}]"
        for each in ids
        for check, _, subjects in [each.removesuffix("]").partition("[")]
        for subject in subjects.split(",")
    )


def _escaped(pattern: str) -> str:
    """The brackets of an id are no set of characters."""
    return pattern.replace("[", "[[]")


def health_is(container: str, status: str) -> str:
    """A shell condition: the container's health has this status."""
    return f'[ "$(docker inspect -f {{{{.State.Health.Status}}}} {container})" = {status} ]'


def _shell(shape: Shape, line: str) -> None:
    variables = {**os.environ, **address.variables(shape)}
    prelude = f'compose() {{ {shlex.join(compose.project_command(shape))} "$@"; }}\n'
    run(
        "bash", "-euc", prelude + line,
        deadline=COMMAND_SECONDS, environment=variables, directory=HERE,
    )  # fmt: skip


def _holds(shape: Shape, condition: str) -> bool:
    try:
        _shell(shape, condition)
    except LabError:
        return False
    return True
