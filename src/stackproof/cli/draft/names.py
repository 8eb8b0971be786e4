"""Names of environments."""

from pathlib import Path

import stackproof
from stackproof.cli.usage import UsageError
from stackproof.fixtures.own_suites.directory import PATTERN
from stackproof.schema.values import is_name

_OF_PYTEST = {
    "and", "or", "not", "True", "False", "None", "critical", "synthetic", "filterwarnings", "skip",
    "skipif", "xfail", "parametrize", "usefixtures", "tryfirst", "trylast", "anyio", "xdist_group",
}  # fmt: skip
"""The words of an expression of `-m`, and the markers of pytest and of the plugins we need."""


def usable(project: str) -> str:
    """Return the name of a project, or one like it if an environment cannot have that name."""
    return f"{project}-stack" if project in _reserved() else project


def require_usable(name: str) -> None:
    """Refuse a name that an environment cannot have.

    Raises:
        UsageError: there is a suite or a marker of this name, or it has other characters.
    """
    if not is_name(name):
        raise UsageError(
            f"--env: expected a name of letters, digits, '_', '.' and '-', got {name[:60]!r}"
        )
    if name in _reserved():
        raise UsageError(f"--env: {name!r} is a reserved name: -m selects checks by it")


def _reserved() -> set[str]:
    folders = (Path(stackproof.__file__).parent / "suites", Path("suites"))
    suites = {path.stem.removeprefix("test_") for each in folders for path in each.rglob(PATTERN)}
    return suites | _OF_PYTEST
