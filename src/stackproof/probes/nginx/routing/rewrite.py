"""nginx's rewrite module: `set`, `if`, `rewrite`, `return` and `break`, in their order."""

import re
from collections.abc import Callable
from typing import NamedTuple

from stackproof.probes.nginx.configuration.model import PASSES
from stackproof.probes.nginx.configuration.parser import Directive
from stackproof.probes.nginx.routing.choices import Choices, UnknownError
from stackproof.probes.nginx.routing.request import Outcome
from stackproof.probes.nginx.routing.variables import Variables
from stackproof.unobserved import UnobservedError

Exists = Callable[[str], str | None]
"""What is at a path in nginx's container: `file`, `directory`, or empty; None if unknown."""

_REDIRECTS = frozenset(["301", "302", "303", "307", "308"])
_FIRST_ERROR = "400"
_OTHER_LANGUAGE = re.compile(r"(?:(?:server_)?rewrite|access)_by_lua(?:_block|_file)?|js_access")
_OPERATORS = frozenset(["=", "!=", "~", "~*", "!~", "!~*"])
_STATUS = re.compile(r"\d{3}", flags=re.ASCII)
_ABSOLUTE = ("http://", "https://", "$scheme")


class Internal(NamedTuple):
    """A request that nginx handles again, as another URI or in a named location."""

    uri: str
    query: str
    named: str = ""
    """The named location, if it goes to one."""
    keeps_server: bool = False
    """Whether only the location is searched again."""
    is_error_page: bool = False


class Rewriting:
    """The rewrite phase of a server block or a location."""

    def __init__(
        self,
        variables: Variables,
        choices: Choices,
        exists: Exists,
        levels: tuple[Directive, ...],
        uri: str,
        query: str,
    ) -> None:
        """Store the request.

        Args:
            variables: its variables.
            choices: what is unknown.
            exists: what is at a path.
            levels: the block, and those around it, innermost first.
            uri: its URI.
            query: its query.
        """
        self._variables = variables
        self._choices = choices
        self._exists = exists
        self._around = levels
        self.levels = levels
        """The levels in force at the end: an `if` that is true is one of its own."""
        self.uri = uri
        self.query = query
        self.is_changed = False
        """Whether the location has to be searched again."""
        self.has_matched = False
        """Whether a `rewrite` matched."""
        self.undecided_handler = False
        """Whether it depends on several `if` who handles the request."""
        self._is_over = False

    def run(self, block: list[Directive]) -> Outcome | str | None:
        """Run the directives of a block; return what ends the request, or the status of an error.

        Raises:
            UnobservedError: that depends on something unknown.
        """
        for each in block:
            if _OTHER_LANGUAGE.fullmatch(each.name):
                raise UnknownError(each.name)
            if each.name == "return":
                return self._return(each)
            if each.name == "set":
                self._variables.set(each.argument().removeprefix("$"), each.argument(1))
            elif each.name == "if":
                if self._is_true(each):
                    self._enter(each)
                    if (done := self.run(each.block)) is not None:
                        return done
            elif each.name == "rewrite":
                if (redirect := self._rewrite(each)) is not None:
                    return redirect
            elif each.name == "break":
                self.is_changed, self._is_over = False, True
            if self._is_over:
                return None
        return None

    def _enter(self, condition: Directive) -> None:
        before, *_ = self.levels
        inherits = not _has_handler(condition) and not _has_handler(self._around[0])
        if self.levels is not self._around and _has_handler(before) and inherits:
            self.undecided_handler = True
        self.levels = (condition, *self._around)

    def _return(self, directive: Directive) -> Outcome | str:
        code, *texts = directive.arguments or [""]
        if not _STATUS.fullmatch(code):
            return Outcome(redirect=self._text(directive.argument()))
        if code in _REDIRECTS and texts:
            return Outcome(redirect=self._text(texts[0]))
        return code if code >= _FIRST_ERROR and not texts else Outcome()

    def _rewrite(self, directive: Directive) -> Outcome | None:
        pattern, replacement = directive.argument(), directive.argument(1)
        flag = directive.arguments[2] if len(directive.arguments) > 2 else ""
        if not self._variables.matches(pattern, self.uri):
            return None
        self.has_matched = True
        if replacement.startswith(_ABSOLUTE) or flag in ("redirect", "permanent"):
            return Outcome(redirect=self._text(replacement))
        path, _, query = replacement.partition("?")
        self.uri = self._variables.expand(path)
        if replacement.endswith("?") and not query:
            self.query = ""
        elif query:
            added = "" if replacement.endswith("?") or not self.query else f"&{self.query}"
            self.query = self._text(query.removesuffix("?")) + added
        self.is_changed = flag != "break"
        self._is_over = flag in ("last", "break")
        return None

    def _text(self, text: str) -> str:
        """Return a text with its variables; with their names if they are unknown."""
        try:
            return self._variables.expand(text)
        except UnknownError:
            return text

    def _is_true(self, directive: Directive) -> bool:
        words = _words(directive)
        try:
            return self._evaluate(words)
        except UnknownError as unknown:
            if words[1:2] in (["~"], ["~*"]):
                self._variables.forget(unknown, words[2])
            question = (id(directive), *words)
            return bool(self._choices.choose(question, 2, unknown.construct))

    def _evaluate(self, words: list[str]) -> bool:
        if not words[0].startswith("$"):
            return self._has_file(words)
        text = self._variables.expand(words[0])
        if len(words) == 1:
            return text not in ("", "0")
        operator, operand = words[1], words[-1]
        if operator in ("=", "!="):
            return (text == self._variables.expand(operand)) == (operator == "=")
        found = self._variables.matches(operand, text, ignore_case=operator.endswith("*"))
        return found != operator.startswith("!")

    def _has_file(self, words: list[str]) -> bool:
        test = words[0].removeprefix("!")
        kinds = {"-f": ("file",), "-d": ("directory",), "-e": ("file", "directory")}.get(test)
        if kinds is None:
            raise UnknownError(f"if ({' '.join(words)})")
        path = self._variables.expand(words[1])
        found = self._exists(path)
        if found is None:
            raise UnknownError(f"whether {path} exists")
        return (found in kinds) != words[0].startswith("!")


def _has_handler(directive: Directive) -> bool:
    return any(each.name in PASSES for each in directive.block)


def _words(directive: Directive) -> list[str]:
    """Return the words of a condition, without its parentheses."""
    words = list(directive.arguments)
    if words and words[0].startswith("(") and words[-1].endswith(")"):
        words[0] = words[0][1:]
        words[-1] = words[-1][:-1]
        words = words[0 if words[0] else 1 :]
        words = words if words[-1:] != [""] else words[:-1]
        is_test = len(words) == 2 and words[0].startswith(("-", "!-"))
        is_comparison = len(words) == 3 and words[1] in _OPERATORS
        is_variable = len(words) == 1 and words[0].startswith("$")
        if is_variable or is_test or is_comparison:
            return words
    raise UnobservedError("nginx's configuration has an 'if' that cannot be read")
