"""The location that gets a URI, by nginx's own rules."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from stackproof.probes.nginx.configuration.model import PASSES
from stackproof.probes.nginx.configuration.parser import Directive
from stackproof.probes.nginx.routing.choices import Budget, Match

_MODIFIED = re.compile(r"(=|\^~|~\*|~)(.+)", flags=re.DOTALL)


@dataclass(frozen=True)
class Location:
    """A `location` block."""

    modifier: str
    """`=`, `^~`, `~`, `~*`, `@`, or empty for a prefix."""
    path: str
    directive: Directive

    @cached_property
    def nested(self) -> "tuple[Location, ...]":
        """Return the locations within it."""
        return tuple(locations_of(self.directive.block))

    @property
    def redirects_to_itself(self) -> bool:
        """Return whether nginx redirects `/path` to this location `/path/`."""
        return self.path.endswith("/") and any(each.name in PASSES for each in self.directive.block)

    def __str__(self) -> str:
        """Return it as in the configuration."""
        if self.modifier == "@":
            return self.path
        return f"{self.modifier} {self.path}".strip()


class _Found(Enum):
    NOTHING = auto()
    PREFIX = auto()
    FINAL = auto()


@dataclass
class Search:
    """The result of a search."""

    location: Location | None = None
    """None if the server block itself handles the request."""
    parents: tuple[Location, ...] = ()
    """The locations around it, innermost first."""
    needs_slash: bool = False
    """Whether nginx redirects to the same path with a slash at its end."""
    match: Match = None
    """The last match of a regular expression."""


def locations_of(directives: Iterable[Directive]) -> Iterable[Location]:
    """Yield the locations of a block, without those within them."""
    for each in directives:
        if each.name == "location":
            modifier, path = ["", each.argument(), *each.arguments[1:]][-2:]
            # `~* \.php$` and `~*\.php$` mean the same.
            if not modifier and (joined := _MODIFIED.fullmatch(path)):
                modifier, path = joined.groups()
            if not modifier and path.startswith("@"):
                modifier = "@"
            yield Location(modifier, path, each)


def find(locations: Sequence[Location], uri: str, budget: Budget) -> Search:
    """Find the location that gets a URI.

    Raises:
        UnobservedError: that depends on a regular expression that cannot be evaluated here.
    """
    search = Search()
    _find(locations, uri, budget, search, ())
    return search


def _find(
    locations: Sequence[Location],
    uri: str,
    budget: Budget,
    search: Search,
    parents: tuple[Location, ...],
) -> _Found:
    found = _find_prefix(locations, uri, search, parents)
    budget.spend(len(locations))
    without_patterns = False
    if found is _Found.PREFIX and (prefix := search.location):
        without_patterns = prefix.modifier == "^~"
        found = _find(prefix.nested, uri, budget, search, (prefix, *parents))
    if found is _Found.FINAL or without_patterns:
        return found
    for each in locations:
        if each.modifier in ("~", "~*"):
            match = budget.search(each.path, uri, ignore_case=each.modifier == "~*")
            if match:
                search.location, search.parents = each, parents
                search.match = match
                _find(each.nested, uri, budget, search, (each, *parents))
                return _Found.FINAL
    return found


def _find_prefix(
    locations: Sequence[Location], uri: str, search: Search, parents: tuple[Location, ...]
) -> _Found:
    """Find the exact location, or else the longest prefix."""
    prefixes = [each for each in locations if each.modifier in ("", "^~")]
    exact = [each for each in locations if each.modifier == "="]
    if its := next((each for each in exact if each.path == uri), None):
        search.location, search.parents = its, parents
        return _Found.FINAL
    longest = max(
        (each for each in prefixes if uri.startswith(each.path)),
        key=lambda each: len(each.path),
        default=None,
    )
    if not (longest and longest.path == uri):
        for each in (*exact, *prefixes):
            if each.path == f"{uri}/" and each.redirects_to_itself:
                search.location, search.parents, search.needs_slash = each, parents, True
                return _Found.FINAL
    if longest:
        search.location, search.parents = longest, parents
        return _Found.PREFIX
    return _Found.NOTHING
