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
_COMMENT = re.compile(r"\s+#.*")
_ESCAPED = re.compile(r"""\\(["\\])""")


def read_variables(file: Path) -> dict[str, str]:
    """Return the variables in a file, none if it does not exist.

    Quotes are read as a shell reads them. A value without quotes may contain spaces, as Compose
    reads it. Blank lines and comments, also after a value, are ignored.

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
        if not equals or not _NAME.fullmatch(name):
            # The message does not quote the line: it may contain a secret.
            raise _error(file, number, "expected NAME=value")
        variables[name] = _value(value, file, number)
    return variables


def _value(text: str, file: Path, number: int) -> str:
    text = text.lstrip()
    word = _WORD.match(text)
    end = word.end() if word else 0
    rest = text[end:]
    if rest.startswith(("'", '"', "\\")):
        raise _error(file, number, "expected NAME=value, got a quote left open")
    if not rest or _COMMENT.fullmatch(rest):
        return _PART.sub(_unquote, text[:end])
    plain = _COMMENT.sub("", text)
    # Of `A= # b`, Compose reads `# b`, and a shell nothing.
    if plain.startswith("#") or any(mark in plain for mark in "'\"\\"):
        raise _error(file, number, "expected NAME=value, with quotes around a space")
    return plain


def _unquote(part: re.Match[str]) -> str:
    single, double, escaped = part.groups()
    if single is not None:
        return single
    return escaped if double is None else _ESCAPED.sub(r"\1", double)


def _error(file: Path, line: int, message: str) -> InvalidEnvironment:
    return InvalidEnvironment(str(Problem(Position(file, line), (), message)))
