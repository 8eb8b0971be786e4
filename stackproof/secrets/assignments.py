"""Secrets by the name that they are given: `name=value`, `"name": "value"`, `name: value`.

Each character is read a bounded number of times, so that long texts take no longer than they are.
"""

import json
import re
from typing import Any, NamedTuple

from stackproof.secrets.names import is_secret_name
from stackproof.secrets.shapes import Mark

# What says whether or how, that there is none, or how a sentence goes on.
_HARMLESS = re.compile(
    r"\d{1,4}|true|false|yes|no|on|off|none|null|nil|undefined|nan|ok|up|down|set|unset|empty|n/?a"
    r"|healthy|unhealthy|degraded|starting|running|restarting|paused|exited|dead"
    r"|ready|pass|passed|fail|failed|failure|errors?|success|enabled"
    r"|disabled|required|optional|needed|present|absent|missing|invalid|valid|expired|expires"
    r"|unknown|unexpected|expected|observed|incorrect|wrong|denied|rejected|revoked|refused|changed"
    r"|updated|created|loaded|mounted|unmounted|not|is|was|are|has|have|had|must|should|cannot|can"
    r"|could|will|would|does|did|do|too|the|an?|at|in|of|for|from|to|by|with|without|and|or|it|its"
    r"|if|this|that|your|our|string|number|boolean|object|bytes|text|str|int|bearer|basic|digest"
    r"|negotiate|authentication|await|malformed|mismatch|signature|verification|default|hidden|masked|filtered|removed|redacted",
    re.IGNORECASE,
)
# Stands for a secret in a template, or where someone else took it out.
_PLACEHOLDER = re.compile(
    r"\*+|[xX]{3,}|\.{3,}|…|\?|-+|<[A-Za-z][A-Za-z_ .-]{0,40}>|\{\{? ?[\w.$-]{0,40} ?\}?\}"
    r"|\$\{\w+\}|\$\{\{[^{}\n]{0,80}\}\}|\$\([^()\n]{0,200}\)|\$[A-Z_][A-Z0-9_]*"
    r"|%\(?\w{0,40}\)?[sdr]|\[(?:hidden|filtered|removed|masked)\]"
    r"|SecretStr\('\*+'\)"
)
_ELSEWHERE = re.compile(
    r"(?:~|\.{1,2})?(?:/(?:Users|\.?[a-z0-9][a-z0-9._-]{0,63})){1,16}/?"
    r"|sha(?:1|256|512):[0-9a-f]{40,128}"
)
MARKED = re.compile(r"\[redacted\]|REDACTED(?:-\d+)?|\*{3}")

_NAMED = re.compile(
    r"(?<![\w.$-])(?:(?<=\\)[nrt](?=\w))?([\w.$-]++(?:\[[^\[\]\s]{1,64}\])?)(?:%5[Dd])?"
    r"(&quot;|&#34;|\\+u0022|%22|\\*[\"'`]?\]?)([ \t]*+)"
    r"(=>|:=|={2,3}(?=[ ]?[\"'])|=(?!=)|:(?!//|[:=])|%3[DdAa]|%253[DdAa])([ \t]*+)"
)
_WORD_BEFORE = re.compile(r"(?<![A-Za-z])([A-Za-z]{2,12})[ ]\Z")
_PREVIOUS = 14
_ENTITY = re.compile(r"&quot;|&#34;|\\+u0022|%22")
_GO_LIST = re.compile(r"\[\][\w.]{0,40}\{(?=[\"'])")
_QUOTE = re.compile(r"[bBrRuUfF]{0,2}(\\*)([\"'`])")
_IN_QUOTES = {
    '"': re.compile(r'(?:[^"\\\r\n]|\\[^\r\n])*+'),
    "'": re.compile(r"(?:[^'\\\r\n]|\\[^\r\n]|'')*+"),
    "`": re.compile(r"[^`\r\n]*+"),
}
# It ends at white space, and at what separates it from the next name or closes what it stands in.
_BARE = re.compile(
    r"(?:[^\s\"'`<&,;\\%]|%(?!26)|[\"'`](?![\s,;)\]}>:&\\]|\Z)|<(?![/a-zA-Z!])"
    r"|&(?![\w.%\[\]-]{1,64}=|amp;|&|\s|\Z)|[,;](?![ ]?[\w.-]{1,40}[=:]|[\s\"'`]|\Z)"
    r"|\\(?!\\*[nrt\"']))++"
)
_OF_FORM = re.compile(r"[^\s&=\"']{1,256}+&")
_ENCODED = re.compile(r"(?:[^\s&%\"'<>\\]|%(?!26|22|27|0[aAdD]|20|7[dD]|2[cC]))++")
_SCALAR = re.compile(r"[^\s,\]}\"']++")
_LINE = re.compile(
    r"(?:=\"[^\"\r\n]*\"|[^\r\n\"'\\]|\\(?!\\*[\"'nr])|[\"'](?![ \t]*(?:[,}\]);\r\n]|\Z)))*+"
)
_SCHEME = re.compile(
    r"(?:bearer|basic|digest|token|negotiate|ntlm|apikey|key|aws4-hmac-sha256|hawk|bot|oauth)"
    r"(?:[ ]+|%20|\+)",
    re.IGNORECASE,
)
_WHOLE_LINE = re.compile(r"(?:cookies?|authorization)$", re.IGNORECASE)
_BLOCK_SCALAR = re.compile(r"[|>][+-]?\d?[+-]?[ \t]*\r?\n")
_NEXT_LINE = re.compile(r"\r?\n([ \t]*)(- )?([^\s#][^\r\n]*)")
_MAPPING = re.compile(r"[\w.\"'-]+:(?:\s|$)")
_FLAT = re.compile(r"\[[^\[\]\n]*\]?|\([^()\n]*\)?|\{[^{}\n]*\}?|<[^<>\n]*>?")
_MARGIN = " \t-\"'"
_CLOSING = ".,:;)]}"
_FAILURES = 3
"""So many broken pieces of JSON are read to their end in one text."""


class _Name(NamedTuple):
    """A name, and how it stands before its value."""

    name: str
    quoted: bool
    separator: str
    spaced: bool
    """Whether white space follows the separator."""
    before: str
    """The character before the name; empty at the start of the text."""
    column: int | None
    """Where it stands in its line; None where something other than white space is before it."""


class _Place(NamedTuple):
    """Where a secret stands, and what is written there instead."""

    start: int
    end: int
    written: str


def is_harmless(value: str) -> bool:
    """Tell whether a value is no secret, whatever its name: a switch, a number, a path."""
    value = value.strip()
    return not value or any(
        pattern.fullmatch(value) for pattern in (_HARMLESS, _PLACEHOLDER, _ELSEWHERE, MARKED)
    )


def redact_json(value: Any, mark: Mark, text: Mark, *, named: bool = False) -> Any:
    """Return a value of JSON with a mark in place of each secret.

    Args:
        value: what was parsed.
        mark: what is written in place of a secret.
        text: redacts other texts.
        named: whether the value belongs to a name of a secret.
    """
    if isinstance(value, dict):
        return {
            text(key): redact_json(
                each, mark, text, named=named or is_secret_name(key, assigned=True)
            )
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [redact_json(each, mark, text, named=named) for each in value]
    if isinstance(value, str):
        return mark(value) if named and not is_harmless(value) else text(value)
    plain = json.dumps(value)
    return mark(plain) if named and not is_harmless(plain) else value


class Assignments:
    """Replaces the values of names in one text."""

    def __init__(self, text: str, mark: Mark) -> None:
        """Know the text, and what is written in place of a secret."""
        self._text = text
        self._mark = mark
        self._failures = 0

    def replace(self) -> str:
        """Return the text with a mark in place of what has the name of a secret."""
        parts: list[str] = []
        at = done = 0
        while found := _NAMED.search(self._text, at):
            at = found.end()
            name = self._name(found)
            place = name and self._find(name, at)
            if place:
                parts += [self._text[done : place.start], place.written]
                at = done = place.end
        return "".join([*parts, self._text[done:]])

    def _name(self, found: re.Match[str]) -> _Name | None:
        name, closing, before_it, separator, after = found.groups()
        start = found.start(1)
        before = self._text[start - 1 : start]
        quoted = bool(closing)
        assigned = quoted or ":" not in separator or name[:2] in ("X-", "x-")
        if name.lower() in ("key", "keys", "id", "phrase", "token"):
            word = _WORD_BEFORE.search(self._text[max(0, start - _PREVIOUS) : start])
            name = f"{word[1]}_{name}" if word else name
        in_query = self._in_query(name, start, before, found.end(), separator)
        if not is_secret_name(name, assigned=assigned, in_query=in_query):
            return None
        line = self._text.rfind("\n", max(0, start - 200), start) + 1
        indent = self._text[line:start]
        own_line = (line > 0 or start <= 200) and not indent.removeprefix("export ").strip(_MARGIN)
        spaced = bool(after) and (":" in separator or bool(before_it))
        return _Name(name, quoted, separator, spaced, before, len(indent) if own_line else None)

    def _in_query(self, name: str, start: int, before: str, end: int, separator: str) -> bool:
        if separator not in ("=", "%3D", "%3d"):
            return False
        if before in ("?", "&") or self._text[max(0, start - 4) : start] == "amp;":
            return True
        if before == "%" and name[:2] in ("3F", "3f", "26"):
            return True
        return _OF_FORM.match(self._text, end) is not None

    def _find(self, name: _Name, at: int) -> _Place | None:
        text = self._text
        if name.quoted and text[at : at + 1] in ("\r", "\n"):
            at += len(text[at : at + 100]) - len(text[at : at + 100].lstrip())
        if go_list := _GO_LIST.match(text, at):
            at = go_list.end()
        first = text[at : at + 1]
        if marked := MARKED.match(text, at):
            return _Place(at, marked.end(), marked[0])
        if placeholder := _PLACEHOLDER.match(text, at):
            following = text[placeholder.end() : placeholder.end() + 1]
            if not following or following in " \t\r\n\"',;)]}&<":
                return None
        if entity := _ENTITY.match(text, at):
            return self._until(entity[0], entity.end())
        if opening := _QUOTE.match(text, at):
            return self._in_quotes(name, opening)
        if first and first in "[{(<":
            return self._in_brackets(name, at)
        if name.separator.startswith("%"):
            return self._plain(_ENCODED, at)
        if _WHOLE_LINE.search(name.name):
            return self._line(name, at)
        if name.column is not None and ":" in name.separator:
            if block := _BLOCK_SCALAR.match(text, at):
                return self._indented(name.column, block.end())
            if not first or first in "\r\n":
                return self._next_line(name.name, name.column, at)
        if name.quoted:
            return self._plain(_SCALAR, at, '"')
        if name.column is not None and name.spaced and (place := self._rest(at)):
            return place
        return self._plain(_BARE, at)

    def _plain(self, pattern: re.Pattern[str], at: int, quote: str = "") -> _Place | None:
        found = pattern.match(self._text, at)
        value = found[0].rstrip(_CLOSING) if found else ""
        if is_harmless(value):
            return None
        return _Place(at, at + len(value), f"{quote}{self._mark(value)}{quote}")

    def _until(self, closing: str, at: int) -> _Place | None:
        """A value between quotes that are written as entities."""
        limit = self._text.find("\n", at)
        limit = limit if limit >= 0 else len(self._text)
        end = self._text.find(closing, at, limit)
        value = self._text[at : end if end >= 0 else limit]
        if is_harmless(value):
            return None
        return _Place(at, at + len(value), self._mark(value))

    def _rest(self, at: int) -> _Place | None:
        """A value that goes on to the end of its line."""
        end = self._text.find("\n", at)
        value = self._text[at : end if end >= 0 else len(self._text)].rstrip()
        if not value or is_harmless(value.split(maxsplit=1)[0].rstrip(_CLOSING)):
            return None
        return _Place(at, at + len(value), self._mark(value))

    def _line(self, name: _Name, at: int) -> _Place | None:
        """Cookies and credentials: up to the end of the line, or of what it is quoted in."""
        found = _IN_QUOTES.get(name.before, _LINE).match(self._text, at)
        value = found[0].rstrip() if found else ""
        if not value or is_harmless(value.split(maxsplit=1)[0].rstrip(_CLOSING)):
            scheme = _SCHEME.match(value)
            if scheme is None or is_harmless(value[scheme.end() :]):
                return None
        return _Place(at, at + len(value), self._credentials(value))

    def _credentials(self, value: str) -> str:
        """The value without its secret: of credentials the scheme stays."""
        scheme = _SCHEME.match(value)
        kept = scheme[0] if scheme else ""
        secret = value[len(kept) :]
        return kept + (secret if MARKED.match(secret) else self._mark(secret))

    def _in_quotes(self, name: _Name, opening: re.Match[str]) -> _Place | None:
        text, start = self._text, opening.end()
        escapes, quote = opening.groups()
        tripled = quote * 3 if not escapes and text.startswith(quote * 2, start) else ""
        if tripled:
            start += 2
            end = text.find(tripled, start)
            end = len(text) if end < 0 else end
        elif escapes:
            end = _escaped_end(text, start, escapes + quote)
        else:
            inside = _IN_QUOTES[quote].match(text, start)
            end = inside.end() if inside else start
        value = text[start:end]
        if is_harmless(value):
            return None
        if _WHOLE_LINE.search(name.name):
            return _Place(start, end, self._credentials(value))
        return _Place(start, end, self._mark(value))

    def _in_brackets(self, name: _Name, at: int) -> _Place | None:
        if not is_secret_name(name.name):
            return None  # what is in it has names of its own
        if self._text[at] in "[{" and self._failures < _FAILURES:
            try:
                value, end = _DECODER.raw_decode(self._text, at)
            except (ValueError, RecursionError):
                self._failures += 1
            else:
                kept = redact_json(value, self._mark, str, named=True)
                if kept == value:
                    return _Place(at, end, self._text[at:end])
                return _Place(at, end, json.dumps(kept, ensure_ascii=False))
        found = _FLAT.match(self._text, at)
        value = found[0] if found else ""
        inside = value[1:-1] if value[-1:] in (")", "]", "}", ">") else value[1:]
        if is_harmless(inside) or MARKED.match(inside) or _NAMED.search(inside):
            return None
        return _Place(at + 1, at + 1 + len(inside), self._mark(inside))

    def _indented(self, column: int, at: int) -> _Place | None:
        """The lines of a block of YAML, which are further in than the column."""
        lines = re.compile(rf"(?:[ \t]{{{column + 1},}}[^\r\n]*(?:\r?\n|\Z)|[ \t]*\r?\n)++")
        found = lines.match(self._text, at)
        if not found:
            return None
        value = found[0].rstrip()
        indent = " " * (column + 1)
        if MARKED.fullmatch(value.strip()):
            return None
        return _Place(at, at + len(value), indent + self._mark(value.strip()))

    def _next_line(self, name: str, column: int, at: int) -> _Place | None:
        """A value on the line after its name, or the list there."""
        found = _NEXT_LINE.match(self._text, at)
        if not found or _MAPPING.match(found[3]):
            return None
        if len(found[1]) + bool(found[2]) <= column:
            return None
        value = found[3].rstrip()
        if is_harmless(value.split(maxsplit=1)[0].rstrip(_CLOSING)):
            return None
        if found[2]:
            # In Compose's files it is the names of secrets that are listed so.
            if name.lower().endswith("secrets"):
                return None
            return self._indented(min(column, len(found[1]) - 1), found.start(1))
        quote = value[0] if value[0] in "\"'" else ""
        value = value.strip(quote) if quote else value
        start = found.start(3) + len(quote)
        return _Place(start, start + len(value), self._mark(value))


_DECODER = json.JSONDecoder()


def _escaped_end(text: str, start: int, closing: str) -> int:
    """Where a string ends whose quotes are escaped, as in JSON within JSON."""
    end_of_line = text.find("\n", start)
    limit = end_of_line if end_of_line >= 0 else len(text)
    at = text.find(closing, start, limit)
    while at > start and text[at - 1] == "\\":
        at = text.find(closing, at + len(closing), limit)
    if at >= 0:
        return at
    bare = text.find(closing[-1], start, limit)
    return bare if bare >= 0 else limit
