"""Parser of variable files: `NAME=value` lines, as Compose's `env_file` and a shell read them."""

import re
from pathlib import Path

from stackproof.environment.document.problem import InvalidEnvironment, Position, Problem
from stackproof.files.regular_file import read_regular_file

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A word is a sequence of quoted texts, escaped characters and plain text.
_QUOTED = r"""'([^']*+)'|"((?:[^"\\]++|\\.)*+)"|\\(.)"""
_PART = re.compile(_QUOTED)
_WORD = re.compile(rf"""(?:{_QUOTED}|[^\s'"\\]++)*+""")
_ESCAPED = re.compile(r"""\\(["\\])""")


def read_variables(file: Path) -> dict[str, str]:
    """Return the variables in a file, none if it does not exist.

    Quotes are read as a shell reads them. Blank lines and lines that start with `#` are ignored.

    Raises:
        InvalidEnvironment: the file cannot be read, or a line is not an assignment.
    """
    try:
        # Some editors write a byte order mark at the start.
        text = read_regular_file(file).decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise _error(file, 1, "expected UTF-8 text") from None
    except OSError as error:
        raise _error(file, 1, f"cannot be read: {error.strerror}") from None
    variables: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        value = value.lstrip()
        word = _WORD.match(value)
        end = word.end() if word else 0
        if value[end:].startswith(("'", '"', "\\")):
            raise _error(file, number, "expected NAME=value, got a quote left open")
        if not equals or not _NAME.fullmatch(name) or end < len(value):
            # The message does not quote the line: it may contain a secret.
            raise _error(file, number, "expected NAME=value, with quotes around a space")
        variables[name] = _PART.sub(_unquote, value)
    return variables


def _unquote(part: re.Match[str]) -> str:
    single, double, escaped = part.groups()
    if single is not None:
        return single
    return escaped if double is None else _ESCAPED.sub(r"\1", double)


def _error(file: Path, line: int, message: str) -> InvalidEnvironment:
    return InvalidEnvironment(str(Problem(Position(file, line), (), message)))
