"""What is wrong with an environment file, where, and the one line that says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

FieldPath = tuple[str | int, ...]
"""The keys and indices that lead to a value, from the top of the document."""


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
        field = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path)
        where = f"{shown(self.position.file)}:{self.position.line}"
        text = ": ".join(part for part in (where, field.removeprefix("."), self.message) if part)
        # A key may hold anything, a line break too.
        return " ".join(text.split())


class InvalidEnvironment(ValueError):  # noqa: N818 - the name is the contract of `load`
    """An environment that cannot be used; its text is one line, fit to be shown as it is."""

    @classmethod
    def first_of(cls, problems: Iterable[Problem], main: Path) -> Self:
        """Tell the first problem by position, those of the file `main` first, and count the rest.

        Raises:
            ValueError: there is no problem.
        """
        first, *rest = sorted(
            dict.fromkeys(problems),
            key=lambda problem: (problem.position.file != main, problem.position),
        )
        return cls(f"{first} (and {len(rest)} more)" if rest else str(first))


def shown(path: Path) -> Path:
    """Return the path as a person at this working directory would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
