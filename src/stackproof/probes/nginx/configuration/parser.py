"""A parser of the output of `nginx -T`: its directives, with all files included."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from stackproof.unobserved import UnobservedError

_FILE = re.compile(r"^# configuration file (.+):\n", flags=re.MULTILINE)
# As nginx tokenizes its files: a brace, a quote or a `#` within a word is part of the word.
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<end>[;{}])"""
    r"""|"(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"|'(?P<single>[^'\\]*(?:\\.[^'\\]*)*)'"""
    r"""|(?P<word>(?!["'])(?:[^\s;{\\$]+|\\.|\$\{?)+)""",
    flags=re.DOTALL,
)
_ESCAPED = re.compile(r"""\\(["'\\trn])""")
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}
# In Lua code, only braces, strings and comments matter here.
_LUA = re.compile(r"""[{}]|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|--[^\n]*""")

# Larger ones take more than half a second.
_MAX_DIRECTIVES = 20_000
"""As written, and again after each `include` is replaced by its files."""
_MAX_FILES_MATCHED = 20_000
_MAX_DEPTH = 40


@dataclass(slots=True)
class Directive:
    """A directive of nginx's configuration."""

    name: str
    arguments: list[str]
    block: list["Directive"] = field(default_factory=list)

    def argument(self, number: int = 0) -> str:
        """Return one of its arguments.

        Raises:
            UnobservedError: it has fewer.
        """
        if number >= len(self.arguments):
            raise UnobservedError(
                f"nginx's configuration has a {self.name!r} that lacks an argument"
            )
        return self.arguments[number]


def parse(dump: str) -> list[Directive]:
    """Parse the directives of the main file, with those of included files in their places.

    Raises:
        UnobservedError: it cannot be parsed, or exceeds a limit.
    """
    _, *parts = _FILE.split(dump)
    limit = _Limit()
    files = {
        name: _directives(text, limit) for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
    if not files:
        raise UnobservedError("nginx -T showed no configuration")
    main = next(iter(files))
    return _Expansion(files, PurePosixPath(main).parent).of(files[main])


class _Limit:
    """A counter of directives, with a limit."""

    def __init__(self) -> None:
        self._counted = 0

    def count(self) -> None:
        self._counted += 1
        if self._counted > _MAX_DIRECTIVES:
            raise UnobservedError(
                f"nginx's configuration has more than {_MAX_DIRECTIVES} directives"
            )


def _directives(text: str, limit: _Limit) -> list[Directive]:
    top: list[Directive] = []
    blocks, words, position = [top], list[str](), 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise UnobservedError(
                "nginx's configuration cannot be read: a quote or an escape is open"
            )
        position = token.end()
        if (end := token["end"]) is None:
            word = token["word"] or token["double"] or token["single"]
            if token.lastgroup:
                words.append(_ESCAPED.sub(_unescaped, word or ""))
            continue
        if end == "}":
            if words or len(blocks) == 1:
                raise UnobservedError("nginx's configuration cannot be read: a '}' is out of place")
            blocks.pop()
            continue
        if not words:
            raise UnobservedError(
                f"nginx's configuration cannot be read: a {end!r} is out of place"
            )
        limit.count()
        directive, words = Directive(words[0], words[1:]), []
        blocks[-1].append(directive)
        if end == "{" and directive.name.endswith("_by_lua_block"):
            position = _end_of_lua(text, position)
        elif end == "{":
            blocks.append(directive.block)
            if len(blocks) > _MAX_DEPTH:
                raise UnobservedError("nginx's configuration is nested too deeply to be read")
    if words or len(blocks) > 1:
        raise UnobservedError("nginx's configuration cannot be read: it ends within a directive")
    return top


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], escape[1])


def _end_of_lua(text: str, position: int) -> int:
    depth = 1
    for token in _LUA.finditer(text, position):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    raise UnobservedError("nginx's configuration cannot be read: it ends within Lua")


class _Expansion:
    """Replaces `include` directives by the files that they name, within limits."""

    def __init__(self, files: Mapping[str, list[Directive]], folder: PurePosixPath) -> None:
        self._files = files
        self._folder = folder
        self._limit = _Limit()
        self._matched = 0

    def of(self, directives: Iterable[Directive], depth: int = 0) -> list[Directive]:
        if depth > _MAX_DEPTH:
            raise UnobservedError("nginx's configuration includes itself, or is nested too deeply")
        expanded: list[Directive] = []
        for each in directives:
            self._limit.count()
            if each.name == "include":
                for name in self._matching(each.argument()):
                    expanded += self.of(self._files[name], depth + 1)
            else:
                block = self.of(each.block, depth + 1)
                expanded.append(Directive(each.name, each.arguments, block))
        return expanded

    def _matching(self, argument: str) -> list[str]:
        pattern = str(self._folder / argument)
        if pattern in self._files:
            return [pattern]
        self._matched += len(self._files)
        if self._matched > _MAX_FILES_MATCHED:
            raise UnobservedError(
                "nginx's configuration has too many files and includes to be read"
            )
        # As glob: in its order, and no `*` means a `/` or the dot of a hidden file.
        wanted = pattern.split("/")
        return sorted(
            name
            for name in self._files
            if len(parts := name.split("/")) == len(wanted) and all(map(_fits, parts, wanted))
        )


def _fits(name: str, pattern: str) -> bool:
    is_hidden = name.startswith(".") and not pattern.startswith(".")
    return fnmatchcase(name, pattern) and not is_hidden
