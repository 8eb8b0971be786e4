"""Text that is safe to print: it cannot control a terminal or a CI runner."""

import re
from unicodedata import category

LONGEST_LINE = 1000
"""Characters of one field. A longer field ends in `…`."""
LONGEST_BLOCK = 50_000
"""Characters of a text of several lines."""

_BREAK = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# ECMA-48 sequences: CSI, then strings (OSC, DCS, APC, PM, SOS) with their end, then two-byte ones.
# If a sequence is incomplete, only its start is removed, not the text after it.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-9:;<=>?]{0,64}(?:[!-/]{0,8}[@-~])?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])(?:[^\x07\x1b\x80-\x9f\n]{0,4096}(?:\x07|\x1b\\|\x9c))?"
    r"|\x1b(?:[ -/]{0,8}[0-~])?"
)
_NOT_ASCII = re.compile(r"[^\n\t -~]+")
# Joiners, fillers and selectors, which Unicode does not classify as invisible.
_BLANK = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    r"\U0001d173-\U0001d17a\U000e0100-\U000e01ef]"
)
_MARKS = {"Mn", "Me"}
_MOST_MARKS = 4
"""Combining marks on one character. No language uses more, and many of them cover other lines."""
# Commands of CI systems: `::error::` at the start of a line (GitHub), `##[error]`, `##vso[` (Azure)
# and `##teamcity[` anywhere in a line. Wrapping can put any word at the start of a line.
# `::ffff:10.0.0.1` and `::1` are addresses.
_COMMAND = re.compile(
    r"(?<!\S)::(?=[A-Za-z])(?![0-9A-Fa-f]{1,4}(?:[\s:%/.,)\]]|$))|##(?=[\w.-]*\[)"
)


def printable(text: str) -> str:
    """Return the text without anything that controls a terminal.

    Escape sequences, C0 and C1 controls (except tabs), bidirectional marks and other invisible
    characters are removed. Every kind of line break becomes a line feed. Characters that UTF-8
    cannot encode or Unicode does not define become `?`.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    text = _SEQUENCE.sub("", _BREAK.sub("\n", text))
    return _NOT_ASCII.sub(lambda found: _visible(found[0]), text)


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Return the text printable and on one line: each run of white space becomes one space.

    It contains no command to a CI runner. A longer text is cut and ends in `…`.
    """
    if _is_plain_line(text) and len(text) <= longest:
        return text
    return _cut(inert(" ".join(printable(text).split())), longest)


def _is_plain_line(text: str) -> bool:
    """Tell whether `one_line` leaves a text as it is, for the texts that every check has."""
    return (
        text.isascii()
        and text.isprintable()
        and "  " not in text
        and "::" not in text
        and "##" not in text
        and text.strip() == text
    )


def text_of(value: object) -> str:
    """Return the text of a value, or what its `__str__` raises instead."""
    try:
        return str(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - it is not our code, and may even exit
        return f"<{type(value).__name__}: its __str__ raised {type(error).__name__}>"


def uncut_line(value: object) -> str:
    """Return the text of a value as `one_line` does, but never cut."""
    text = str(value)
    return one_line(text, 2 * len(text) + 1)


def error_line(error: BaseException) -> str:
    """Return the message of an error on one line: the system's words if it has any."""
    message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return one_line(message) or type(error).__name__


def lines(text: str) -> str:
    """Return a text of several lines, printable, with each line cut as a field is.

    Only a line feed breaks a line. It contains no command to a CI runner.
    """
    text = inert(printable(text))
    if len(text) > LONGEST_BLOCK:
        text = f"{text[: LONGEST_BLOCK - 1]}…"
    return "\n".join(_cut(line) for line in text.split("\n"))


def _cut(line: str, longest: int = LONGEST_LINE) -> str:
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def inert(text: str) -> str:
    """Return the text with a space inside each command to a CI runner, which disables it."""
    if "::" not in text and "##" not in text:
        return text
    return _COMMAND.sub(lambda found: f"{found[0][0]} {found[0][0]}", text)


def _visible(text: str) -> str:
    """Return the visible part of a text that is not ASCII."""
    shown, marks = "", 0
    for character in _BLANK.sub("", text):
        kind = category(character)
        if kind in _MARKS:
            marks += 1
            if marks > _MOST_MARKS:
                continue
        elif kind == "Zs":
            character = " "
        elif kind in ("Cs", "Co", "Cn"):
            character = "?"
        elif not character.isprintable():
            continue
        if kind not in _MARKS:
            marks = 0
        shown += character
    return shown
