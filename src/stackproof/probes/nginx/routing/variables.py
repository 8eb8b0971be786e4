"""The values of nginx's variables in one request."""

import re
from collections.abc import Callable, Iterator

from stackproof.probes.nginx.configuration import patterns
from stackproof.probes.nginx.configuration.model import Scope
from stackproof.probes.nginx.configuration.parser import Directive
from stackproof.probes.nginx.routing.choices import Budget, Choices, Match, UnknownError
from stackproof.unobserved import UnobservedError

# `$10` is the first group and a zero.
_PART = re.compile(
    r"\$(?:(?P<name>[1-9]|[A-Za-z_]\w*)|\{(?P<braced>[1-9]|[A-Za-z_]\w*)\})|(?P<text>[^$]+|\$)",
    flags=re.ASCII,
)
_MAX_DEPTH = 10
"""How often the value of a variable may name another variable."""
_MAX_LENGTH = 4096
_NO_VALUES_OF_GEO = frozenset(["delete", "proxy"])

Builtin = Callable[[str], str | None]


class Variables:
    """The variables of one request, evaluated when they are used."""

    def __init__(self, scope: Scope, builtin: Builtin, choices: Choices, budget: Budget) -> None:
        """Store where values come from."""
        self._scope = scope
        self._builtin = builtin
        self._choices = choices
        self._budget = budget
        self._set: dict[str, str | UnknownError] = {}
        self._evaluated: dict[str, str | UnknownError] = {}
        self._captures: list[str] | UnknownError = []
        self._depth = 0

    def value(self, name: str) -> str:
        """Return the value of a variable.

        Raises:
            UnobservedError: it is unknown, or cannot be evaluated.
        """
        if name.isdigit():
            if isinstance(self._captures, UnknownError):
                raise self._captures
            return self._captures[int(name)] if int(name) < len(self._captures) else ""
        self._budget.spend()
        value = self._set.get(name)
        if value is None and name in self._scope.definitions:
            value = self._defined(name)
        if value is None:
            value = self._builtin(name)
        if value is None and name in self._scope.assigned:
            value = ""
        if value is None:
            raise UnknownError(self._scope.computed.get(name) or f"${name}")
        if isinstance(value, UnknownError):
            raise value
        return value

    def expand(self, text: str) -> str:
        """Return a text with the values of its variables.

        Raises:
            UnobservedError: one is unknown, or the result is too long.
        """
        return "".join(self.parts(text))

    def parts(self, text: str) -> Iterator[str]:
        """Yield the parts of a text, each with its value, so that a caller can stop early.

        Raises:
            UnobservedError: a value is unknown, or the result is too long.
        """
        length = 0
        for part in _PART.finditer(text):
            name = part["name"] or part["braced"]
            value = self.value(name) if name else part["text"]
            length += len(value)
            if length > _MAX_LENGTH:
                raise UnobservedError("nginx's configuration has a value that is too long")
            yield value

    def set(self, name: str, text: str) -> None:
        """Give a variable a value, which may be unknown."""
        self._budget.spend()
        try:
            self._set[name] = self.expand(text)
        except UnknownError as unknown:
            self._set[name] = unknown

    def matches(self, pattern: str, text: str, *, ignore_case: bool = False) -> bool:
        """Return whether a regular expression matches, and keep its groups.

        Raises:
            UnobservedError: it cannot be evaluated.
        """
        found = self._budget.search(pattern, text, ignore_case=ignore_case)
        self.keep(found)
        return found is not None

    def keep(self, match: Match) -> None:
        """Keep the groups of a match."""
        if match is not None:
            self._captures = [patterns.text_of(each) for each in (match[0], *match.groups())]
            self._set |= {name: patterns.text_of(each) for name, each in match.groupdict().items()}

    def forget(self, unknown: UnknownError, pattern: str) -> None:
        """Mark the groups of an expression as unknown: its text is."""
        self._captures = unknown
        self._set |= dict.fromkeys(patterns.names(pattern), unknown)

    def _defined(self, name: str) -> str | UnknownError:
        """Return the value of a `map`, a `geo` or a `split_clients`, which is cached."""
        if name in self._evaluated:
            return self._evaluated[name]
        definition = self._scope.definitions[name]
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                raise UnobservedError("nginx's configuration has variables of too many variables")
            value: str | UnknownError = self._evaluate(name, definition)
        except UnknownError as unknown:
            value = unknown
        finally:
            self._depth -= 1
        if not any(each.name == "volatile" for each in definition.block):
            self._evaluated[name] = value
        return value

    def _evaluate(self, name: str, definition: Directive) -> str:
        self._budget.spend(len(definition.block))
        if definition.name == "map":
            return self._mapped(name, definition)
        if definition.name == "geo":
            values = [
                each.argument()
                for each in definition.block
                if each.arguments and each.name not in _NO_VALUES_OF_GEO
            ]
            if not any(each.name == "default" for each in definition.block):
                values.append("")
            return self._one_of(name, values, f"geo ${name}")
        shares = [each for each in definition.block if each.name != "0%"]
        values = [each.argument() for each in shares]
        if not any(each.name == "*" for each in shares) and _total(shares) < 100:
            values.append("")
        return self.expand(self._one_of(name, values, ""))

    def _one_of(self, question: str, values: list[str], construct: str) -> str:
        values = list(dict.fromkeys(values))
        return values[self._choices.choose(question, len(values), construct)]

    def _mapped(self, name: str, definition: Directive) -> str:
        entries = [
            (each.name, each.argument())
            for each in definition.block
            if each.name not in ("hostnames", "volatile")
        ]
        default = next((value for key, value in entries if key == "default"), "")
        try:
            source = self.expand(definition.argument())
        except UnknownError as unknown:
            self._captures = unknown
            values = [value for key, value in entries if key != "default"] + [default]
            return self.expand(self._one_of(name, values, unknown.construct))
        hostnames = any(each.name == "hostnames" for each in definition.block)
        value = self._entry(entries, source, hostnames=hostnames)
        return self.expand(default if value is None else value)

    def _entry(self, entries: list[tuple[str, str]], source: str, *, hostnames: bool) -> str | None:
        """Return the value of the entry that matches; None if none does."""
        exact: dict[str, str] = {}
        for key, value in entries:
            if key != "default" and not key.startswith("~"):
                exact.setdefault(key.removeprefix("\\").lower(), value)
        text = source.lower()
        for wanted in _hostnames(text) if hostnames else (text,):
            if wanted in exact:
                return exact[wanted]
        for key, value in entries:
            if key.startswith("~"):
                ignore_case = key.startswith("~*")
                pattern = key[2:] if ignore_case else key[1:]
                if self.matches(pattern, source, ignore_case=ignore_case):
                    return value
        return None


def _hostnames(host: str) -> Iterator[str]:
    """Yield the keys that mean a host, those that win first."""
    labels = host.split(".")
    yield host
    yield f".{host}"
    for start in range(1, len(labels)):
        yield f"*.{'.'.join(labels[start:])}"
        yield f".{'.'.join(labels[start:])}"
    for end in range(len(labels) - 1, 0, -1):
        yield f"{'.'.join(labels[:end])}.*"


def _total(shares: list[Directive]) -> float:
    """Return the sum of the percentages of a `split_clients`."""
    try:
        return sum(float(each.name.removesuffix("%")) for each in shares)
    except ValueError:
        raise UnobservedError("nginx's configuration has a share that is not a number") from None
