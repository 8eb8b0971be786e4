"""A file of variables, as Compose's `env_file` and a shell read it: `NAME=value` lines."""

import re
from pathlib import Path

from environments.problem import InvalidEnvironment, Position, Problem
from stackproof.regular_file import read_regular_file

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A quoted text, an escaped character, or plain text: a word is any of them in a row.
_QUOTED = r"""'([^']*+)'|"((?:[^"\\]++|\\.)*+)"|\\(.)"""
_PART = re.compile(_QUOTED)
_WORD = re.compile(rf"""(?:{_QUOTED}|[^\s'"\\]++)*+""")
_ESCAPED = re.compile(r"""\\(["\\])""")


def read_variables(file: Path) -> dict[str, str]:
    """Read the variables of a file; one that does not exist holds none.

    Quotes are read as a shell reads them; blank lines and lines that start with `#` say nothing.

    Raises:
        InvalidEnvironment: it cannot be read, or a line is no assignment.
    """
    try:
        # Some editors put a byte order mark at the start.
        text = read_regular_file(file).decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise _refusal(file, 1, "expected UTF-8 text") from None
    except OSError as error:
        raise _refusal(file, 1, f"cannot be read: {error.strerror}") from None
    variables: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        value = value.lstrip()
        word = _WORD.match(value)
        end = word.end() if word else 0
        if value[end:].startswith(("'", '"', "\\")):
            raise _refusal(file, number, "expected NAME=value, got a quote left open")
        if not equals or not _NAME.fullmatch(name) or end < len(value):
            # The line is not quoted: it may hold a secret.
            raise _refusal(file, number, "expected NAME=value, with quotes around a space")
        variables[name] = _PART.sub(_unquoted, value)
    return variables


def _unquoted(part: re.Match[str]) -> str:
    single, double, escaped = part.groups()
    if single is not None:
        return single
    return escaped if double is None else _ESCAPED.sub(r"\1", double)


def _refusal(file: Path, line: int, message: str) -> InvalidEnvironment:
    return InvalidEnvironment(str(Problem(Position(file, line), (), message)))
