"""Options on command lines whose values look like secrets. The values do not leave this module."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from stackproof.secrets import is_harmless, is_secret_name, secret_kind

# `--requirepass`, `--password=x`, `-Dpassword=x` or `PASSWORD=x`. In `-px`, `x` may be the secret.
_OPTION = re.compile(r"(--[A-Za-z][\w.-]*(?==|$)|-?[A-Za-z_][\w.-]*(?==))(=?)(.*)", re.DOTALL)


def secret_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the names of options and variables with a secret: `--requirepass`.

    Args:
        arguments: the words of a command. The words of a script within one count too.
    """
    words = [word for argument in arguments for word in _words(argument)]
    return list(dict.fromkeys(_named(words)))


def _named(words: Sequence[str]) -> Iterator[str]:
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        found = _OPTION.fullmatch(word)
        name, attached, value = found.groups() if found else ("", "", "")
        if is_secret_name(name) and _is_literal(value if attached else following):
            yield name
        elif kind := secret_kind(word):
            yield kind


def _is_literal(value: str) -> bool:
    """Return whether a value is the secret itself, not a variable or a file with the secret."""
    return not value.startswith(("-", "$", "<(")) and not is_harmless(value)


def _words(argument: str) -> Iterable[str]:
    if not re.search(r"\s", argument):
        return [argument]
    try:
        return shlex.split(argument)
    except ValueError:  # a quote is not closed
        return argument.split()
