"""Shell lines, built from validated operands. Values that a target reports can only be operands.

A template is a constant of this project. Each `<name>` in it is replaced by quoted operands.
"""

import re
import shlex
from collections.abc import Iterable

_LONGEST_PATH = 4096  # PATH_MAX of Linux
_SHOWN = 80
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,4095}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_PLACEHOLDER = re.compile(r"<([a-z]+)>")


class UnusableError(ValueError):
    """A value is not safe as an operand: `unusable path '-exec'`."""


class Operand:
    """A validated word of a shell line. Create one with the functions below."""

    __slots__ = ("_word",)

    def __init__(self, word: str) -> None:
        """Store a word that was validated."""
        self._word = word

    def __str__(self) -> str:
        """Return the word quoted for a shell."""
        return shlex.quote(self._word)


class Line(str):
    """One shell line, or several, built by `line`."""

    label: str = ""
    """What messages say instead of a script; empty for the line itself."""
    may_be_silent: bool = False
    """Whether it means something that it prints nothing."""


def line(template: str, **operands: Operand | Iterable[Operand]) -> Line:
    """Return a template with each `<name>` replaced by its operands.

    Raises:
        TypeError: an operand was not validated: it is not an `Operand`.
    """

    def fill(placeholder: re.Match[str]) -> str:
        given = operands[placeholder[1]]
        words = [given] if isinstance(given, Operand) else list(given)
        if invalid := [word for word in words if not isinstance(word, Operand)]:
            raise TypeError(f"not an operand: {invalid[0]!r}")
        return " ".join(map(str, words))

    return Line(_PLACEHOLDER.sub(fill, template))


def lines(*parts: Line) -> Line:
    """Join lines that run one after the other."""
    return Line("\n".join(parts))


def path(text: str) -> Operand:
    """Return an absolute path without `..` and without control characters.

    Raises:
        UnusableError: the text is not such a path.
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
        UnusableError: the text is not such a name.
    """
    return _checked("name", text, _NAME.fullmatch(text))


def variable(text: str) -> Operand:
    """Return the name of an environment variable.

    Raises:
        UnusableError: the text is not such a name.
    """
    return _checked("variable", text, _VARIABLE.fullmatch(text))


def container_id(text: str) -> Operand:
    """Return the id of a container: 64 hexadecimal digits.

    Raises:
        UnusableError: the text is not such an id.
    """
    return _checked("container id", text, is_container_id(text))


def is_container_id(text: str) -> bool:
    """Tell whether a text has the form of a container id or exec id."""
    return _CONTAINER_ID.fullmatch(text) is not None


def database_name(text: str) -> Operand:
    """Return the name of a role or database of PostgreSQL.

    libpq would read `name=value` and `postgresql://…` as connection settings.

    Raises:
        UnusableError: the text is not such a name.
    """
    usable = not _CONTROL.search(text) and "=" not in text and "://" not in text
    return _checked("database name", text, usable and len(_encoded(text)) in range(1, 64))


def argument(text: str) -> Operand:
    """Return a word of a declared command: text without control characters.

    Raises:
        UnusableError: the text is not such a word.
    """
    usable = not _CONTROL.search(text) and len(_encoded(text)) <= _LONGEST_PATH * 4
    return _checked("argument", text, usable)


def number(value: int) -> Operand:
    """Return a number."""
    return Operand(str(int(value)))


def script(of: Line) -> Operand:
    """Return a line as one operand, for `sh -c`."""
    return Operand(str(of))


def script_line(of: Line, label: str) -> Line:
    """Return one line that runs a script.

    Args:
        of: the lines of the script.
        label: what messages say instead.
    """
    whole = line("sh -c <script>", script=script(of))
    whole.label = label
    return whole


def _checked(kind: str, text: str, usable: object) -> Operand:
    if not usable:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise UnusableError(f"unusable {kind} {shown!r}")
    return Operand(text)


def _encoded(text: str) -> bytes:
    """Return the UTF-8 of a text, or nothing if it cannot be encoded."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b""
