"""What is wrong with an environment file, where, and the one line that says so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from stackproof.printable import one_line

FieldPath = tuple[str | int, ...]
"""The keys and indices that lead to a value, from the top of the document."""

_LONGEST_KEY = 60
_LONGEST_LINE = 2000
_MOST_NAMES = 30


class Position(NamedTuple):
    """A line of a file, counted from 1."""

    file: Path
    line: int


@dataclass(frozen=True)
class Problem:
    """One mistake: the line that it stands on, the field, and what was expected."""

    position: Position
    path: FieldPath
    message: str

    def __str__(self) -> str:
        """Say it in one line: `environments/prod.yaml:12: services.api.ports[0]: expected …`."""
        field = "".join(
            f"[{key}]" if isinstance(key, int) else f".{cut(key, _LONGEST_KEY)}"
            for key in self.path
        )
        where = f"{shown(self.position.file)}:{self.position.line}"
        text = ": ".join(part for part in (where, field.removeprefix("."), self.message) if part)
        # A key may hold anything, a line break too.
        return cut(one_line(text), _LONGEST_LINE)


class InvalidEnvironment(ValueError):  # noqa: N818 - the name is the contract of `load`
    """An environment that cannot be used; its text is one line, fit to be shown as it is."""

    @classmethod
    def first_of(cls, problems: Iterable[Problem], main: Path, more: int = 0) -> Self:
        """Tell the first problem by position, those of the file `main` first, and count the rest.

        Args:
            problems: all of them, or those that come first.
            main: the file of the environment.
            more: how many there are besides.

        Raises:
            ValueError: there is no problem.
        """
        first, *rest = sorted(
            dict.fromkeys(problems),
            key=lambda problem: (problem.position.file != main, problem.position),
        )
        more += len(rest)
        return cls(f"{first} (and {more} more)" if more else str(first))


def cut(text: str, longest: int) -> str:
    """Return a text, or the start of one that is longer."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def listed(names: Sequence[str]) -> str:
    """Return names as a message lists them; of many, the first ones and a count."""
    more = len(names) - _MOST_NAMES
    text = ", ".join(names[:_MOST_NAMES])
    return f"{text} and {more} more" if more > 0 else text


def shown(path: Path) -> Path:
    """Return the path as a person at this working directory would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
