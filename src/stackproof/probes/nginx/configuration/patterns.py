"""Regular expressions of nginx, which are PCRE's, as Python's."""

import math
import re
from functools import lru_cache

from stackproof.unobserved import UnobservedError

_MAX_PATTERN_LENGTH = 2000
# They take a tenth of a second.
MAX_STEPS = 1_000_000
_SHOWN = 60
_ITEM = re.compile(
    r"(?P<item>\\.|\((?:\?(?:[:=!>]|<[=!]|[imsx-]*:|P?<\w+>))?|\[\^?\]?(?:\\.|[^\]\\])*\]|[)|]|.)(?P<times>[*+?]|\{\d*,?\d*\})?[+?]?",
    flags=re.DOTALL,
)
_EXACTLY = re.compile(r"\{\d+\}")
_TOKEN = re.compile(
    r"""\\Q(?P<literal>.*?)(?:\\E|\Z)|(?P<escape>\\(?:x\{[0-9A-Fa-f]{1,2}\}|[kg](?:\{-?\w+\}|<\w+>|'\w+')|.))"""
    r"""|\[(?P<negated>\^?)(?P<set>\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]"""
    r"""|(?P<reference>\(\?P=\w+\))|(?P<open>\((?:\?(?:<[=!]|P?<(?P<name>\w+)>|'(?P<quoted>\w+)'|(?P<flags>[A-Za-z-]*)[:)]|.)|\*)?)"""
    r"""|(?P<close>\))|(?P<other>.)""",
    flags=re.DOTALL,
)
_ESCAPES = {
    "z": r"\Z", "Z": r"(?=\n?\Z)", "h": r"[ \t]", "H": r"[^ \t]", "e": r"\x1b",
    "R": r"(?:\r\n|[\n\x0b\f\r\x85])", "N": r"[^\n]",
}  # fmt: skip
# Each means the same to both, with the flag `re.ASCII`.
_SAME = frozenset("AbBdDfnrsStvwW")
_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z",
    "space": r"\s", "xdigit": "0-9A-Fa-f", "word": r"\w", "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "punct": r"!-/:-@\[-`{-~", "graph": "!-~", "print": " -~",
}  # fmt: skip
_CLASS = re.compile(r"\[:(\^?)(\w+):\]|\\(.)|(\[)", flags=re.DOTALL)
_GROUPS = frozenset(["(", "(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?#"])


Match = re.Match[str] | None


class _UnsupportedError(ValueError):
    """A part of an expression has no equivalent in Python."""


def search(pattern: str, text: str, *, ignore_case: bool = False) -> Match:
    """Search a text for a regular expression of nginx. The groups of the match are bytes as text.

    Raises:
        UnobservedError: Python does not support it, or could take too long.
    """
    if steps(pattern, len(text)) > MAX_STEPS:
        raise UnobservedError(f"{describe(pattern)} cannot be evaluated safely")
    try:
        return _compiled(pattern, ignore_case).search(_bytes(text))
    except (re.error, OverflowError, RecursionError, _UnsupportedError) as error:
        raise UnobservedError(f"{describe(pattern)} cannot be evaluated: {error}") from None


def names(pattern: str) -> list[str]:
    """Return the names of the groups of an expression."""
    found = (token["name"] or token["quoted"] for token in _TOKEN.finditer(pattern))
    return [name for name in found if name]


def text_of(group: str | None) -> str:
    """Return a group of a match; empty if it did not take part."""
    return (group or "").encode("latin-1").decode(errors="replace")


def describe(pattern: str) -> str:
    """Return how a message names an expression."""
    return f"the regular expression {pattern[:_SHOWN]} in nginx's configuration"


def _bytes(text: str) -> str:
    """Return the bytes of a text, each as one character: PCRE compares bytes."""
    return text.encode(errors="surrogateescape").decode("latin-1")


@lru_cache(256)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0)
    return re.compile(_translated(_bytes(pattern)), flags)


def _translated(pattern: str) -> str:
    """Return Python's form of an expression of PCRE.

    Raises:
        _UnsupportedError: there is none.
    """
    if pattern.startswith("(*"):
        raise _UnsupportedError(f"{pattern.partition(')')[0]}) is not supported")
    done: list[str] = []
    # For each open group, how many more are closed with it: those of `(?i)` within it.
    extra = [0]
    for token in _TOKEN.finditer(pattern):
        if token["literal"] is not None:
            done.append(re.escape(token["literal"]))
        elif token["escape"]:
            done.append(_escape(token["escape"]))
        elif token["set"] is not None:
            done.append(f"[{token['negated']}{_set(token['set'])}]")
        elif token["reference"]:
            done.append(token["reference"])
        elif token["open"]:
            done.append(_group(token, extra))
        elif token["close"]:
            done.append(")" * (extra.pop() if len(extra) > 1 else 0) + ")")
        elif token["other"] == "|" and extra[-1]:
            raise _UnsupportedError("an option in the middle of alternatives is not supported")
        elif token["other"] == "{" and re.match(r"\{,\d+\}", pattern[token.start() :]):
            raise _UnsupportedError("{,n} differs between versions of PCRE")
        else:
            done.append(token["other"])
    return "".join(done) + ")" * extra[0]


def _group(token: re.Match[str], extra: list[int]) -> str:
    opened, flags = token["open"], token["flags"]
    if flags is not None and opened not in _GROUPS:
        if set(flags) - set("ims-"):
            raise _UnsupportedError(f"{opened} is not supported")
        if opened.endswith(")"):
            extra[-1] += 1
            return f"(?{flags}:"
    elif not (opened in _GROUPS or token["name"] or token["quoted"]):
        raise _UnsupportedError(f"{opened} is not supported")
    extra.append(0)
    name = token["name"] or token["quoted"]
    return f"(?P<{name}>" if name else opened


def _escape(escape: str) -> str:
    letter = escape[1]
    if letter in "kg":
        reference = escape[3:-1]
        if reference.startswith("-") or not reference:
            raise _UnsupportedError(f"{escape} is not supported")
        return f"(?:\\{reference})" if reference.isdigit() else f"(?P={reference})"
    if escape.startswith("\\x{"):
        return f"\\x{escape[3:-1]:0>2}"
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isascii() and letter.isalpha() and letter not in _SAME | {"x"}:
        raise _UnsupportedError(f"{escape} is not supported")
    return escape


def _set(content: str) -> str:
    def replaced(part: re.Match[str]) -> str:
        if part[4]:
            return r"\["
        if part[2]:
            if part[1] or part[2] not in _CLASSES:
                raise _UnsupportedError(f"{part[0]} is not supported")
            return _CLASSES[part[2]]
        if part[3] in ("h", "e"):
            return {"h": r" \t", "e": r"\x1b"}[part[3]]
        if part[3].isascii() and part[3].isalpha() and part[3] not in _SAME | {"x"}:
            raise _UnsupportedError(f"{part[0]} in a set is not supported")
        return part[0]

    # Python warns of what may become operations of sets.
    return re.sub(r"([-&|~])\1", r"\1\\\1", _CLASS.sub(replaced, content))


@lru_cache(256)
def steps(pattern: str, length: int) -> float:
    """Return the maximum number of ways to match a text of this length; infinite if nested."""
    if len(pattern) > _MAX_PATTERN_LENGTH:
        return math.inf
    # For each open group: the ways to match each of its alternatives, and whether one has several.
    ways, several = [[1.0]], [False]
    for item in _ITEM.finditer(pattern):
        what, times = item["item"], item["times"]
        nested = False
        if what.startswith("("):
            ways.append([1.0])
            several.append(False)
        elif what == "|":
            ways[-1].append(1.0)
        elif what == ")" and len(ways) > 1:
            of_group = ways.pop()
            ways[-1][-1] *= sum(of_group)
            nested = several.pop() or len(of_group) > 1
            several[-1] = several[-1] or nested
        if times and nested and times != "?":
            return math.inf
        if times and not _EXACTLY.fullmatch(times):
            ways[-1][-1] *= 2 if times == "?" else length + 1
            several[-1] = True
    is_anchored = pattern.startswith("^") and len(ways[0]) == 1
    return sum(ways[0]) * (1 if is_anchored else length + 1)
