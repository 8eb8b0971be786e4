"""Text that is safe to print: nothing in it acts on a terminal, and a field stays on its line."""

import re

# ECMA-48 sequences: CSI, then strings (OSC, DCS, APC, PM, SOS) with their end, then two-byte ones.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-9:;<=>?]{0,64}[ -/]{0,8}[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]{0,8}[0-~]?"
)
# Controls but line feed and tab, then what changes the direction of text, joins or hides it.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    """Return the text without what acts on a terminal.

    Escape sequences, C0 and C1 controls (line feeds and tabs stay), bidirectional marks and other
    invisible characters are removed. What UTF-8 cannot encode becomes `?`.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _INVISIBLE.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n")))
    return text.encode(errors="replace").decode()


def one_line(text: str) -> str:
    """Return printable text on one line: each run of white space becomes one space."""
    return " ".join(printable(text).split())
