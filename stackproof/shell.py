"""Shell lines, built from typed operands: what a target reports is an operand, or is refused.

A template is ours and is used as it stands. Each `<name>` in it is replaced by operands, quoted.
"""

import re
import shlex
from collections.abc import Iterable

# What Linux itself takes for a path.
_LONGEST_PATH = 4096
_SHOWN = 80
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,4095}")
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_PLACEHOLDER = re.compile(r"<([a-z]+)>")


class UnusableError(ValueError):
    """A value cannot be an operand: `unusable path '-exec'`."""


class Operand:
    """A word of a shell line. Only the functions below make one."""

    __slots__ = ("_word",)

    def __init__(self, word: str) -> None:
        """Keep a word that was checked."""
        self._word = word

    def __str__(self) -> str:
        """Quoted for a shell."""
        return shlex.quote(self._word)


class Line(str):
    """A shell line, or several, that `line` built."""

    __slots__ = ()


def line(template: str, **operands: Operand | Iterable[Operand]) -> Line:
    """Return a template with operands in place of `<name>`.

    Raises:
        TypeError: one of them was not checked: it is no `Operand`.
    """

    def fill(placeholder: re.Match[str]) -> str:
        given = operands[placeholder[1]]
        words = [given] if isinstance(given, Operand) else list(given)
        if unchecked := [word for word in words if not isinstance(word, Operand)]:
            raise TypeError(f"not an operand: {unchecked[0]!r}")
        return " ".join(map(str, words))

    return Line(_PLACEHOLDER.sub(fill, template))


def lines(*parts: Line) -> Line:
    """Return lines that run one after the other."""
    return Line("\n".join(parts))


def path(text: str) -> Operand:
    """Return an absolute path, without `..` and without control characters.

    Raises:
        UnusableError: it is none.
    """
    usable = (
        text.startswith("/")
        and ".." not in text.split("/")
        and not _CONTROL.search(text)
        and len(_encoded(text)) in range(1, _LONGEST_PATH)
    )
    return _checked("path", text, usable)


def name(text: str) -> Operand:
    """Return a name of letters, digits, `_`, `.` and `-` that starts with a letter or digit.

    Raises:
        UnusableError: it is none.
    """
    return _checked("name", text, _NAME.fullmatch(text))


def container_id(text: str) -> Operand:
    """Return the id of a container: 64 hexadecimal digits.

    Raises:
        UnusableError: it is none.
    """
    return _checked("container id", text, is_container_id(text))


def is_container_id(text: str) -> bool:
    """Tell whether a text is the id of a container or of an exec."""
    return _CONTAINER_ID.fullmatch(text) is not None


def database_name(text: str) -> Operand:
    """Return the name of a role or database of PostgreSQL.

    libpq would read `name=value` and `postgresql://…` as settings of a connection.

    Raises:
        UnusableError: it is none.
    """
    usable = not _CONTROL.search(text) and "=" not in text and "://" not in text
    return _checked("database name", text, usable and len(_encoded(text)) in range(1, 64))


def number(value: int) -> Operand:
    """Return a number."""
    return Operand(str(int(value)))


def script(of: Line) -> Operand:
    """Return a line as one word, for `sh -c`."""
    return Operand(str(of))


def _checked(kind: str, text: str, usable: object) -> Operand:
    if not usable:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise UnusableError(f"unusable {kind} {shown!r}")
    return Operand(text)


def _encoded(text: str) -> bytes:
    """The bytes of a text; none where UTF-8 cannot encode it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b""
