"""`stackproof show`: prints what an environment specifies, and where each value comes from."""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackproof.cli.usage import Parser, UsageError, add_environments_option
from stackproof.outcome import EXIT_GO
from stackproof.secrets import REDACTED, is_secret_name, redact

if TYPE_CHECKING:
    from stackproof.environment.loader import Loaded

SUMMARY = "print what an environment specifies"
_USAGE = "stackproof show ENV [--environments=DIR]"
# YAML reads any other text differently without quotes.
_PLAIN = re.compile(r"[\w/.(+%][^\x00-\x1f#,\[\]{}\"']*")
_ORIGIN_COLUMN = 44


def run(given: Sequence[str]) -> int:
    """Print an environment as YAML, with the origin of each value in a comment.

    Raises:
        UsageError: the command line is wrong, or the environment is invalid.
    """
    arguments = _parser().parse_args(given)
    # Imported here: the help does not need it.
    from stackproof.environment.loader import InvalidEnvironment, load_with_origins

    name, directory, problem = arguments.environment, arguments.environments, ""
    try:
        try:
            loaded = load_with_origins(name, directory)
        except InvalidEnvironment as error:
            loaded = load_with_origins(name, directory, offline=True)
            problem = f"# engine is left out: {error}"
    except InvalidEnvironment as error:
        raise UsageError(str(error)) from None
    lines = [*_lines(loaded, loaded.document.data, ()), *filter(None, [problem])]
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:  # the reader has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_GO


def _parser() -> Parser:
    parser = Parser(
        prog="stackproof show",
        usage=_USAGE,
        description="Print what an environment specifies, with the file that each value is from. "
        "Values that no file mentions have their defaults and are left out.",
        allow_abbrev=False,
    )
    parser.add_argument("environment", metavar="ENV")
    add_environments_option(parser)
    return parser


def _lines(loaded: "Loaded", part: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    indent = "  " * len(path)
    for key, value in part.items():
        here = (*path, key)
        if isinstance(value, dict) and value:
            yield f"{indent}{_scalar(key)}:"
            yield from _lines(loaded, value, here)
        elif value is not None and value != "":
            text = REDACTED if _is_secret(here) else _redacted(key, value)
            yield f"{indent}{_scalar(key)}: {text}".ljust(_ORIGIN_COLUMN) + _origin(loaded, here)
    for unset, variables in loaded.environment.origin.unspecified.items():
        if unset[:-1] == path and unset[-1] not in part:
            left_open = f"{indent}# {unset[-1]} is not specified"
            yield f"{left_open.ljust(_ORIGIN_COLUMN)} # depends on {', '.join(variables)}, unset"


def _origin(loaded: "Loaded", path: tuple[str, ...]) -> str:
    names = loaded.variables.get(path, ())
    return f" # {loaded.document.position(path)}" + (f", {', '.join(names)}" if names else "")


def _is_secret(path: tuple[str, ...]) -> bool:
    return path == ("engine", "key") or (path[-2:-1] == ("headers",) and is_secret_name(path[-1]))


def _redacted(key: str, value: Any) -> str:
    if key in ("command", "entrypoint") and isinstance(value, list):
        line = shlex.join(map(str, value))
        # A secret may be the word after its option: it is found only in the whole line.
        if (shown := redact(line)) != line:
            return _scalar(shown)
    return redact(_inline(value))


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        inside = (f"{_scalar(key)}: {_inline(each)}" for key, each in value.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    is_plain = _PLAIN.fullmatch(text) and ": " not in text and not text.endswith((" ", ":"))
    return text if is_plain else json.dumps(text, ensure_ascii=False)
