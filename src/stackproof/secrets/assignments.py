"""Secrets by name: `name=value`, `"name": "value"`, `name: value`.

Each character is read a bounded number of times, so that the time is linear in the length.
"""

import json
import re
from typing import Any, NamedTuple

from stackproof.secrets.formats import Mark
from stackproof.secrets.harmless import MARKED, PLACEHOLDER, is_harmless
from stackproof.secrets.json_values import redact_json
from stackproof.secrets.names import decoded_name, is_secret_name

# `%25` is an encoded percent sign: a URL in the query of a URL may be encoded again. `:-` gives the
# default of a shell variable.
_NAMED = re.compile(
    r"(?<![\w.$-])(?:(?<=\\)[nrt](?=\w))?"
    r"([\w.$-]++(?:\[[^\[\]\s]{1,64}\]|%5[Bb][\w.$-]{1,64}%5[Dd])?)(?:%5[Dd])?"
    r"(&quot;|&#34;|\\+u0022|%(?:25){0,3}22|\\*[\"'`]?\]?)([ \t]*+)"
    r"(=>|:=|={2,3}(?=[ ]?[\"'])|=(?!=)|:(?!//|[:=])(?:[-+?](?=\S))?"
    r"|%(?:25){0,3}3[DdAa](?:%(?:25){0,3}20|\+)*+)([ \t]*+)"
)
_EQUALS = re.compile(r"=|%(?:25){0,3}3[Dd]")
_WORD_BEFORE = re.compile(r"(?<![A-Za-z])([A-Za-z]{2,12})[ ]\Z")
_PREVIOUS = 14
_ENTITY = re.compile(r"&quot;|&#34;|\\+u0022|%(?:25){0,3}22")
_GO_LIST = re.compile(r"\[\][\w.]{0,40}\{(?=[\"'])")
_QUOTE = re.compile(r"[bBrRuUfF]{0,2}(\\*)([\"'`])")
_IN_QUOTES = {
    '"': re.compile(r'(?:[^"\\\r\n]|\\[^\r\n])*+'),
    "'": re.compile(r"(?:[^'\\\r\n]|\\[^\r\n]|'')*+"),
    "`": re.compile(r"[^`\r\n]*+"),
}
# Ends at white space, at a separator before the next name, and at a closing bracket or quote.
_BARE = re.compile(
    r"(?:[^\s\"'`<&,;\\%]|%(?!26)|[\"'`](?![\s,;)\]}>:&\\]|\Z)|<(?![/a-zA-Z!])"
    r"|&(?![\w.%\[\]-]{1,64}=|amp;|&|\s|\Z)|[,;](?![ ]?[\w.-]{1,40}[=:]|[\s\"'`]|\Z)"
    r"|\\(?!\\*[nrt\"']))++"
)
_OF_FORM = re.compile(
    r"[^\s&=\"']{1,256}+&|(?:[^\s&=\"'%]|%(?!(?:25){0,3}(?:26|3[Dd]))){1,256}+%(?:25){0,3}26"
)
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


class _Name(NamedTuple):
    """A name, and how it is written before its value."""

    name: str
    quoted: bool
    separator: str
    spaced: bool
    """Whether white space follows the separator, or is around `=`."""
    before: str
    """The character before the name; empty at the start of the text."""
    column: int | None
    """The column of the name; None if it is not the first word of its line."""


class _Replacement(NamedTuple):
    """The position of a secret, and the text that replaces it."""

    start: int
    end: int
    text: str


class Assignments:
    """Replaces the values of secret names in one text."""

    def __init__(self, text: str, mark: Mark) -> None:
        """Store the text, and the function that returns the replacement of a secret."""
        self._text = text
        self._mark = mark
        self._left = len(text)
        """How much invalid JSON may still be read: the time is linear in the length."""

    def replace(self) -> str:
        """Return the text with every value of a secret name replaced."""
        parts: list[str] = []
        at = done = 0
        while found := _NAMED.search(self._text, at):
            at = found.end()
            name = self._name(found)
            found_value = name and self._find(name, at)
            if found_value:
                parts += [self._text[done : found_value.start], found_value.text]
                at = done = found_value.end
        return "".join([*parts, self._text[done:]])

    def _name(self, found: re.Match[str]) -> _Name | None:
        name, closing, before_it, separator, after = found.groups()
        start = found.start(1)
        before = self._text[start - 1 : start]
        name, preceding = decoded_name(name, before)
        quoted = bool(closing)
        assigned = quoted or ":" not in separator or name[:2] in ("X-", "x-")
        if name.lower() in ("key", "keys", "id", "phrase", "token"):
            word = _WORD_BEFORE.search(self._text[max(0, start - _PREVIOUS) : start])
            name = f"{word[1]}_{name}" if word else name
        in_query = self._in_query(start, preceding, found.end(), separator)
        if not is_secret_name(name, assigned=assigned, in_query=in_query):
            return None
        line = self._text.rfind("\n", max(0, start - 200), start) + 1
        indent = self._text[line:start]
        own_line = (line > 0 or start <= 200) and not indent.removeprefix("export ").strip(_MARGIN)
        spaced = bool(after) and (":" in separator or bool(before_it))
        return _Name(name, quoted, separator, spaced, before, len(indent) if own_line else None)

    def _in_query(self, start: int, before: str, end: int, separator: str) -> bool:
        if not _EQUALS.fullmatch(separator):
            return False
        if before in ("?", "&") or self._text[max(0, start - 4) : start] == "amp;":
            return True
        return _OF_FORM.match(self._text, end) is not None

    def _find(self, name: _Name, at: int) -> _Replacement | None:
        text = self._text
        if name.quoted and text[at : at + 1] in ("\r", "\n"):
            at += len(text[at : at + 100]) - len(text[at : at + 100].lstrip())
        if go_list := _GO_LIST.match(text, at):
            at = go_list.end()
        first = text[at : at + 1]
        if marked := MARKED.match(text, at):
            return _Replacement(at, marked.end(), marked[0])
        if placeholder := PLACEHOLDER.match(text, at):
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
        if name.column is not None and name.spaced and (rest := self._rest(at)):
            return rest
        return self._plain(_BARE, at)

    def _plain(self, pattern: re.Pattern[str], at: int, quote: str = "") -> _Replacement | None:
        found = pattern.match(self._text, at)
        value = found[0].rstrip(_CLOSING) if found else ""
        if is_harmless(value):
            return None
        return _Replacement(at, at + len(value), f"{quote}{self._mark(value)}{quote}")

    def _until(self, closing: str, at: int) -> _Replacement | None:
        """Find a value between quotes that are written as entities."""
        limit = _end_of_line(self._text, at)
        end = self._text.find(closing, at, limit)
        value = self._text[at : end if end >= 0 else limit]
        if is_harmless(value):
            return None
        return _Replacement(at, at + len(value), self._mark(value))

    def _rest(self, at: int) -> _Replacement | None:
        """Find a value that ends with its line."""
        value = self._text[at : _end_of_line(self._text, at)].rstrip()
        if not value or is_harmless(value.split()[0].rstrip(_CLOSING)):
            return None
        return _Replacement(at, at + len(value), self._mark(value))

    def _line(self, name: _Name, at: int) -> _Replacement | None:
        """Find cookies or credentials: they end with the line or at the closing quote."""
        found = _IN_QUOTES.get(name.before, _LINE).match(self._text, at)
        value = found[0].rstrip() if found else ""
        if not value or is_harmless(value.split()[0].rstrip(_CLOSING)):
            scheme = _SCHEME.match(value)
            if scheme is None or is_harmless(value[scheme.end() :]):
                return None
        return _Replacement(at, at + len(value), self._credentials(value))

    def _credentials(self, value: str) -> str:
        """Return the value with its secret replaced; the scheme of credentials is kept."""
        scheme = _SCHEME.match(value)
        kept = scheme[0] if scheme else ""
        secret = value[len(kept) :]
        return kept + (secret if MARKED.match(secret) else self._mark(secret))

    def _in_quotes(self, name: _Name, opening: re.Match[str]) -> _Replacement | None:
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
            return _Replacement(start, end, self._credentials(value))
        return _Replacement(start, end, self._mark(value))

    def _in_brackets(self, name: _Name, at: int) -> _Replacement | None:
        if not is_secret_name(name.name):
            return None  # its content has names of its own
        if parsed := self._json(at):
            value, end = parsed
            kept = redact_json(value, self._mark, str, named=True)
            if kept == value:
                return _Replacement(at, end, self._text[at:end])
            return _Replacement(at, end, json.dumps(kept, ensure_ascii=False))
        found = _FLAT.match(self._text, at)
        value = found[0] if found else ""
        inside = value[1:-1] if value[-1:] in (")", "]", "}", ">") else value[1:]
        if is_harmless(inside) or MARKED.match(inside) or _NAMED.search(inside):
            return None
        return _Replacement(at + 1, at + 1 + len(inside), self._mark(inside))

    def _json(self, at: int) -> tuple[Any, int] | None:
        """Return the JSON array or object at a position and its end; None if there is none.

        The decoder counts all lines before an error. So it gets the whole rest of the text only
        where the next characters do not decide.
        """
        if self._text[at] not in "[{":
            return None
        for length in (_PART, len(self._text)):
            if self._left <= 0:
                break
            part = self._text[at : at + length]
            try:
                value, end = _DECODER.raw_decode(part)
            except json.JSONDecodeError as error:
                is_cut = error.pos >= _PART - _TOKEN or error.msg.startswith("Unterminated")
                if length == _PART and at + length < len(self._text) and is_cut:
                    continue
                self._left -= error.pos
                break
            except (ValueError, RecursionError):  # how much was read is unknown
                self._left = 0
            else:
                return value, at + end
        return None

    def _indented(self, column: int, at: int) -> _Replacement | None:
        """Find the lines of a YAML block, which are indented further than the column."""
        lines = re.compile(rf"(?:[ \t]{{{column + 1},}}[^\r\n]*(?:\r?\n|\Z)|[ \t]*\r?\n)++")
        found = lines.match(self._text, at)
        if not found:
            return None
        value = found[0].rstrip()
        indent = " " * (column + 1)
        if MARKED.fullmatch(value.strip()):
            return None
        return _Replacement(at, at + len(value), indent + self._mark(value.strip()))

    def _next_line(self, name: str, column: int, at: int) -> _Replacement | None:
        """Find a value, or a list, on the line after its name."""
        found = _NEXT_LINE.match(self._text, at)
        if not found or _MAPPING.match(found[3]):
            return None
        if len(found[1]) + bool(found[2]) <= column:
            return None
        value = found[3].rstrip()
        if is_harmless(value.split()[0].rstrip(_CLOSING)):
            return None
        if found[2]:
            # Compose files list the names of secrets in this way.
            if name.lower().endswith("secrets"):
                return None
            return self._indented(min(column, len(found[1]) - 1), found.start(1))
        quote = value[0] if value[0] in "\"'" else ""
        value = value.strip(quote) if quote else value
        start = found.start(3) + len(quote)
        return _Replacement(start, start + len(value), self._mark(value))


_DECODER = json.JSONDecoder()
_PART = 4096
_TOKEN = 16
"""Longer than what the decoder reads before it finds an error in it, apart from strings."""


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return end if end >= 0 else len(text)


def _escaped_end(text: str, start: int, closing: str) -> int:
    """Return the end of a string with escaped quotes, as in JSON within JSON."""
    limit = _end_of_line(text, start)
    at = text.find(closing, start, limit)
    while at > start and text[at - 1] == "\\":
        at = text.find(closing, at + len(closing), limit)
    if at >= 0:
        return at
    bare = text.find(closing[-1], start, limit)
    return bare if bare >= 0 else limit
