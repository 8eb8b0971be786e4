"""Mistakes in environment files: position, field, and the message in one line."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from stackproof.printable import one_line
from stackproof.schema.declared import FieldPath
from stackproof.secrets import redact

_LONGEST_KEY = 60
_LONGEST_LINE = 2000
_LONGEST_QUOTE = 60
_MOST_NAMES = 30


class Position(NamedTuple):
    """A line of a file, counted from 1; 0 if the line is unknown."""

    file: Path
    line: int

    def __str__(self) -> str:
        """Return `environments/prod.yaml:12`."""
        line = f":{self.line}" if self.line else ""
        return f"{relative(self.file)}{line}"


class Problem(NamedTuple):
    """A mistake in a file: its line, its field, and what was expected."""

    position: Position
    path: FieldPath
    message: str

    def __str__(self) -> str:
        """Return one line: `environments/prod.yaml:12: services.api.ports[0]: expected …`."""
        field = "".join(
            f"[{key}]" if isinstance(key, int) else f".{truncate(key, _LONGEST_KEY)}"
            for key in self.path
        )
        where = str(self.position)
        text = ": ".join(part for part in (where, field.removeprefix("."), self.message) if part)
        # A key may contain anything, even a line break.
        return truncate(one_line(text), _LONGEST_LINE)


class InvalidEnvironment(ValueError):  # noqa: N818 - the name is the contract of `load`
    """An environment cannot be used. The message is one printable line."""

    @classmethod
    def first_of(cls, problems: Iterable[Problem], main: Path, more: int = 0) -> Self:
        """Return an error with the first problem, and the number of the others.

        Problems in the file `main` come first, then by position.

        Args:
            problems: all problems, or the first ones.
            main: the file of the environment.
            more: the number of problems that are not in `problems`.

        Raises:
            ValueError: there are no problems.
        """
        first, *rest = sorted(
            dict.fromkeys(problems),
            key=lambda problem: (problem.position.file != main, problem.position),
        )
        more += len(rest)
        return cls(f"{first} (and {more} more)" if more else str(first))


def truncate(text: str, longest: int) -> str:
    """Return the text, cut after `longest` characters."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def join_names(names: Sequence[str]) -> str:
    """Return the names separated by commas. Of many, return the first ones and a count."""
    more = len(names) - _MOST_NAMES
    text = ", ".join(names[:_MOST_NAMES])
    return f"{text} and {more} more" if more > 0 else text


def relative(path: Path) -> Path:
    """Return the path relative to the working directory if it is in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def describe(value: object) -> str:
    """Return a value as messages quote it: text in quotes and shortened, the rest by its type."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(str(value))
    return text[0] + truncate(redact(text[1:-1]), _LONGEST_QUOTE) + text[0]
