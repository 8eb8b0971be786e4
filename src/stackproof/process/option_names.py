"""pytest plugin: names the option that an unknown one is close to."""

from collections.abc import Sequence
from difflib import get_close_matches

import pytest

_LONGEST_WORD = 100
_CLOSE = 0.75
_OTHERWISE_STORED = {"--output", "--junitxml", "--alluredir", "--collect-only"}
"""Options whose values pytest does not keep under their names."""


@pytest.hookimpl(trylast=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: Sequence[str]) -> None:
    """Refuse a misspelt option, once every plugin and conftest.py has added its own.

    Raises:
        pytest.UsageError: an option is unknown, and the name of another one is close (exit code 4).
    """
    stored = {f"--{name.replace('_', '-')}" for name in vars(parser.parse_known_args([]))}
    known = stored | _OTHERWISE_STORED
    for argument in _unknown(parser, args):
        option = argument.partition("=")[0]
        if option.startswith("--") and len(option) < _LONGEST_WORD:
            for near in get_close_matches(option, known, cutoff=_CLOSE):
                if near not in _unknown(parser, [f"{near}="]):
                    raise pytest.UsageError(f"there is no option {option}; did you mean {near}?")


def _unknown(parser: pytest.Parser, arguments: Sequence[str]) -> list[str]:
    """Return the arguments that no plugin knows."""
    try:
        unknown = parser.parse_known_and_unknown_args(arguments)[1]
    except (pytest.UsageError, SystemExit):  # a value is wrong: pytest reports it
        return []
    return [argument.removesuffix("=") for argument in unknown]
