"""nginx's content phase: who handles a request in its location, or which page it gets instead."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from stackproof.probes.nginx.configuration.model import PASSES, Scope
from stackproof.probes.nginx.configuration.parser import Directive
from stackproof.probes.nginx.routing.choices import Choices, UnknownError
from stackproof.probes.nginx.routing.locations import Location
from stackproof.probes.nginx.routing.request import Outcome
from stackproof.probes.nginx.routing.rewrite import Exists, Internal
from stackproof.probes.nginx.routing.upstreams import Passed, pass_to
from stackproof.probes.nginx.routing.variables import Variables

Step = Internal | Outcome

_OTHER_LANGUAGE = re.compile(
    r"(?:pre)?content_by_lua(?:_block|_file)?|js_content|perl|echo\w*|passenger_enabled"
)
_PASS_OF_OTHERS = re.compile(r"\w+_pass")
_RESPONDERS = frozenset(["stub_status", "empty_gif", "api", "status", "f4f", "hls", "mp4", "flv"])
# Where nginx's own packages and Debian's have their files.
_PREFIXES = ("/etc/nginx", "/usr/share/nginx")
_NOT_FOUND, _FORBIDDEN = "404", "403"


class Content(NamedTuple):
    """A request in its location, after the rewrite phase."""

    scope: Scope
    variables: Variables
    choices: Choices
    exists: Exists
    levels: tuple[Directive, ...]
    """The blocks in force, innermost first: a true `if`, the location, those around it."""
    location: Location | None
    method: str
    uri: str
    query: str
    is_error_page: bool = False
    """Whether it is already the page of an error."""
    statuses: frozenset[str] = frozenset()
    """The statuses that the client expects; empty if they are unknown."""

    def result(self) -> Step:
        """Return who handles the request.

        Raises:
            UnobservedError: that depends on something unknown.
        """
        for each in self.levels[0].block:
            if _OTHER_LANGUAGE.fullmatch(each.name):
                raise UnknownError(each.name)
        if self._denies_all():
            return self.error(_FORBIDDEN)
        for each in self.levels[0].block:
            if each.name == "try_files":
                step = self._try_files(each)
                if isinstance(step, Internal | Outcome):
                    return step
                return self._replace(uri=step)._handled()
        return self._handled()

    def _denies_all(self) -> bool:
        """Return whether nobody gets access; other restrictions let some pass."""
        for level in self.levels:
            rules = [each for each in level.block if each.name in ("allow", "deny")]
            if rules:
                first = rules[0]
                _, satisfy = next(_levels_with("satisfy", self.levels), (None, []))
                return (
                    first.name == "deny"
                    and first.arguments == ["all"]
                    and not any(each.arguments == ["any"] for each in satisfy)
                )
        return False

    def error(self, status: str) -> Step:
        """Return the page that a client gets instead of an error.

        Raises:
            UnobservedError: that depends on something unknown.
        """
        for each in self._error_pages():
            *statuses, target = each.arguments
            if status in statuses:
                if target.startswith("@"):
                    return Internal(self.uri, self.query, named=target, is_error_page=True)
                if _is_url(target):
                    return Outcome(redirect=target)
                path, _, query = self.variables.expand(target).partition("?")
                if not path.startswith("/"):
                    return Outcome(redirect=path)
                return Internal(path, query, is_error_page=True)
        return Outcome()

    def _error_pages(self) -> list[Directive]:
        """Return each `error_page` in force."""
        if self.is_error_page and not self._is_on("recursive_error_pages"):
            return []
        _, pages = next(_levels_with("error_page", self.levels), (None, []))
        return pages

    def _is_on(self, name: str) -> bool:
        found = next(_levels_with(name, self.levels), None)
        return bool(found and found[1][0].arguments == ["on"])

    def _page_instead(self, handler: Directive) -> Step | None:
        """Return the page that a client gets instead of the response of whom it is passed to.

        Only the client's expected statuses say whether that responds with an error. Without `=`,
        the client gets the status of the error. With it, errors of the server do not count: they
        are not how a healthy one responds, and neither are those of a page.

        Raises:
            UnobservedError: that depends on something unknown.
        """
        kind = handler.name.removesuffix("_pass")
        intercepts = self._is_on(f"{kind}_intercept_errors")
        if not intercepts or not self.statuses or self.is_error_page:
            return None
        replaced: dict[str, str] = {}
        for each in self._error_pages():
            *given, target = each.arguments
            changed = next((code for code in given if code.startswith("=")), "")
            for code in given:
                if not code.startswith("="):
                    replaced.setdefault(code, changed or ("=302" if _is_url(target) else ""))
        possible = [code for code, changed in replaced.items() if self._fits(code, changed)]
        # The other statuses that are expected are those of the response itself.
        itself = [""] if self.statuses - replaced.keys() or not possible else []
        options = itself + possible
        question = ("intercept_errors", id(handler))
        code = options[self.choices.choose(question, len(options), f"{kind}_intercept_errors")]
        return self.error(code) if code else None

    def _fits(self, code: str, changed: str) -> bool:
        """Return whether the client may expect the page of a status, which may change it."""
        if not changed:
            return code in self.statuses
        is_of_client = code.startswith("4")
        return is_of_client and (changed == "=" or changed.removeprefix("=") in self.statuses)

    def _handled(self) -> Step:
        """Return who handles the request, after `try_files`."""
        handler = next(self._handlers(), None)
        if handler is None:
            return self._file()
        if handler.name in PASSES:
            if (page := self._page_instead(handler)) is not None:
                return page
            passed = Passed(self.location, self.uri, self.query, self.levels)
            return pass_to(self.scope, self.variables, handler, passed)
        if handler.name in _RESPONDERS:
            return Outcome()
        raise UnknownError(handler.name)

    def _handlers(self) -> Iterator[Directive]:
        """Yield the handlers in force: those of a true `if`, then those of its location."""
        for level in self.levels:
            limits = (each for each in level.block if each.name == "limit_except")
            blocks = [each.block for each in limits if not _allows(each, self.method)]
            for block in (*blocks, level.block):
                for each in block:
                    if (
                        each.name in PASSES
                        or each.name in _RESPONDERS
                        or _PASS_OF_OTHERS.fullmatch(each.name)
                    ):
                        yield each
            if level.name != "if":
                return

    def _try_files(self, directive: Directive) -> Step | str:
        """Return what handles the request instead, or the URI of the file that exists."""
        *tried, last = directive.arguments
        for each in tried:
            wants = "directory" if each.endswith("/") else "file"
            value = self._known(each.removesuffix("/"))
            found = self._at(value) if value is not None else None
            if found is None:
                question = ("try_files", id(directive), each)
                found = (
                    wants
                    if self.choices.choose(question, 2, f"whether {value or each} exists")
                    else ""
                )
            if found == wants:
                if value is not None:
                    return value
                # Whatever its name is, nginx serves it, or passes the request on.
                return self.uri if any(self._handlers()) else Outcome()
        if last.startswith("="):
            return self.error(last.removeprefix("="))
        if last.startswith("@"):
            return Internal(self.uri, self.query, named=last)
        path, _, query = last.partition("?")
        known = self._known(query)
        return Internal(self.variables.expand(path), query if known is None else known)

    def _known(self, text: str) -> str | None:
        """Return a text with the values of its variables; None if one is unknown."""
        try:
            return self.variables.expand(text)
        except UnknownError:
            return None

    def _file(self) -> Step:
        """Return the file at the URI, the index of a directory, or the error."""
        if self.uri.endswith("/"):
            return self._index()
        found = self._at(self.uri)
        if found == "directory":
            return Outcome(redirect=f"{self.uri}/")
        if found is None and self.choices.choose(
            ("file", self.uri), 2, f"whether {self.uri} exists"
        ):
            found = "file"
        return Outcome() if found == "file" else self.error(_NOT_FOUND)

    def _index(self) -> Step:
        _, indexes = next(_levels_with("index", self.levels), (None, []))
        names = [name for each in indexes for name in each.arguments] or ["index.html"]
        for name in names:
            if name.startswith("/"):
                return Internal(name, self.query)
            uri = self.uri + (self._known(name) or name)
            found = self._at(uri)
            if found is None and self.choices.choose(("file", uri), 2, f"whether {uri} exists"):
                found = "file"
            if found == "file":
                return Internal(uri, self.query)
        listed = next(_levels_with("autoindex", self.levels), None)
        if listed and listed[1][0].arguments == ["on"]:
            return Outcome()
        return self.error(_NOT_FOUND if self._at(self.uri) == "" else _FORBIDDEN)

    def _at(self, uri: str) -> str | None:
        """Return what is at the path of a URI; None if unknown."""
        found = root_of(self.levels)
        base = self._known(found.argument()) if found else "html"
        if base is None:
            return None
        if found and found.name == "alias":
            return self.exists(base + self._after_alias(uri))
        if base.startswith("/"):
            return self.exists(base.removesuffix("/") + uri)
        return self._below_prefix(base, uri)

    def _after_alias(self, uri: str) -> str:
        """Return the part of a URI that is added to an alias."""
        for level in self.levels:
            if level.name == "location" and any(each.name == "alias" for each in level.block):
                is_pattern = any(each.startswith("~") for each in level.arguments)
                return "" if is_pattern else uri.removeprefix(level.arguments[-1])
        return ""

    def _below_prefix(self, root: str, uri: str) -> str | None:
        found = [self.exists(f"{prefix}/{root.removesuffix('/')}{uri}") for prefix in _PREFIXES]
        return next((each for each in found if each), None if None in found else "")


def _is_url(target: str) -> bool:
    """Return whether an `error_page` sends the client elsewhere."""
    return not target.startswith(("/", "@", "$"))


def _levels_with(
    name: str, levels: tuple[Directive, ...]
) -> Iterator[tuple[Directive, list[Directive]]]:
    """Yield each level that has a directive, innermost first, and its directives."""
    for level in levels:
        if found := [each for each in level.block if each.name == name and each.arguments]:
            yield level, found


def root_of(levels: tuple[Directive, ...]) -> Directive | None:
    """Return the `root` or `alias` in force; None if it is the default."""
    for level in levels:
        for each in level.block:
            if each.name in ("root", "alias") and each.arguments:
                return each
    return None


def _allows(limit: Directive, method: str) -> bool:
    allowed = set(limit.arguments)
    return method in allowed or (method == "HEAD" and "GET" in allowed)
