"""What nginx does with a request: its phases, from the server block to the content."""

from stackproof.probes.nginx.configuration.model import Scope
from stackproof.probes.nginx.configuration.parser import Directive
from stackproof.probes.nginx.routing import locations
from stackproof.probes.nginx.routing.choices import Budget, Choices
from stackproof.probes.nginx.routing.content import Content, root_of
from stackproof.probes.nginx.routing.locations import Location
from stackproof.probes.nginx.routing.request import Outcome, Request
from stackproof.probes.nginx.routing.rewrite import Exists, Internal, Rewriting
from stackproof.probes.nginx.routing.servers import Chosen, at_socket, server_of
from stackproof.probes.nginx.routing.variables import Variables
from stackproof.unobserved import UnobservedError

_MAX_URI_CHANGES = 11
_NOT_FOUND = "404"


class Evaluation:
    """The way of one request through the configuration."""

    def __init__(
        self,
        http: Scope,
        request: Request,
        exists: Exists,
        choices: Choices,
        budget: Budget,
    ) -> None:
        """Store the request, and what decides about it."""
        self._http = http
        self._request = request
        self._exists = exists
        self._choices = choices
        self._budget = budget
        self._uri, self._query = request.uri, request.query
        self._chosen: Chosen | None = None
        self._location: Location | None = None
        self._is_internal = self._is_error_page = False
        self._levels: tuple[Directive, ...] = ()
        self._variables = Variables(self._http, self._builtin, choices, budget)

    def outcome(self) -> Outcome:
        """Return what nginx does with the request.

        Raises:
            UnobservedError: that cannot be decided here.
        """
        request = self._request
        servers = at_socket(self._http.servers, request.address, request.port, self._choices)
        self._chosen = chosen = server_of(servers, request.host, self._budget)
        if chosen is None:
            return Outcome(is_refused=True)
        names = " ".join(chosen.server.names)
        if _is_on("ssl_reject_handshake", chosen.server.directive.block):
            return Outcome(is_refused=True, server=names)
        self._variables.keep(chosen.match)
        found = self._follow(chosen.server.directive)
        shown = str(self._location or "")
        return found._replace(server=names, location=shown, is_default=not chosen.is_named)

    def _follow(self, server: Directive) -> Outcome:
        self._budget.spend(len(server.block))
        tops = (server, self._http.top)
        all_locations = tuple(locations.locations_of(server.block))
        named = {each.path: each for each in all_locations if each.modifier == "@"}
        step: Internal | Outcome = self._from_server(server, tops)
        for _ in range(_MAX_URI_CHANGES):
            self._budget.spend()
            if isinstance(step, Outcome):
                return step
            self._uri, self._query = step.uri, step.query
            self._is_internal = self._is_internal or not step.keeps_server
            self._is_error_page = self._is_error_page or step.is_error_page
            if step.named:
                if step.named not in named:
                    return Outcome()
                step = self._at((named[step.named],), tops)
                continue
            if not step.keeps_server:
                step = self._from_server(server, tops)
                if isinstance(step, Outcome) or not step.keeps_server:
                    continue
            found = locations.find(all_locations, self._uri, self._budget)
            self._variables.keep(found.match)
            if found.needs_slash:
                self._location = found.location
                return Outcome(redirect=f"{self._uri}/")
            step = self._at((found.location, *found.parents) if found.location else (), tops)
        return step if isinstance(step, Outcome) else Outcome()

    def _from_server(self, server: Directive, tops: tuple[Directive, ...]) -> Internal | Outcome:
        """Return what the rewrite phase of the server block does with the request."""
        rewriting = self._rewriting(tops)
        done = rewriting.run(server.block)
        self._keep(rewriting)
        if done is not None:
            return self._after(done, rewriting.levels)
        return Internal(self._uri, self._query, keeps_server=True)

    def _at(self, around: tuple[Location, ...], tops: tuple[Directive, ...]) -> Internal | Outcome:
        """Return what a location does with the request, or the server block outside of any."""
        self._location = next(iter(around), None)
        levels = (*(each.directive for each in around), *tops)
        if not around:
            return self._content(levels).result()
        directives = (each for level in levels for each in level.block)
        if not self._is_internal and any(each.name == "internal" for each in directives):
            return self._after(_NOT_FOUND, levels)
        rewriting = self._rewriting(levels)
        done = rewriting.run(levels[0].block)
        self._keep(rewriting)
        if done is not None:
            return self._after(done, rewriting.levels)
        if rewriting.is_changed:
            return Internal(self._uri, self._query, keeps_server=True)
        if rewriting.undecided_handler:
            raise UnobservedError("where the route leads depends on several 'if' of a location")
        content = self._content(rewriting.levels)
        # After `rewrite … break`, the path of `proxy_pass` does not replace that of the location.
        return (content._replace(location=None) if rewriting.has_matched else content).result()

    def _rewriting(self, levels: tuple[Directive, ...]) -> Rewriting:
        self._levels = levels
        return Rewriting(
            self._variables, self._choices, self._exists, levels, self._uri, self._query
        )

    def _keep(self, rewriting: Rewriting) -> None:
        self._uri, self._query = rewriting.uri, rewriting.query
        self._is_internal = self._is_internal or rewriting.has_matched

    def _after(self, done: Outcome | str, levels: tuple[Directive, ...]) -> Internal | Outcome:
        """Return the result of a `return`, or the page of its error."""
        return done if isinstance(done, Outcome) else self._content(levels).error(done)

    def _content(self, levels: tuple[Directive, ...]) -> Content:
        self._levels = levels
        return Content(
            self._http, self._variables, self._choices, self._exists, levels, self._location,
            self._request.method, self._uri, self._query, self._is_error_page,
            self._request.statuses,
        )  # fmt: skip

    def _builtin(self, name: str) -> str | None:
        """Return the value of a variable of nginx itself; None if it is unknown."""
        request = self._request
        port = request.port
        known = {
            "uri": self._uri, "document_uri": self._uri,
            "args": _known(self._query), "query_string": _known(self._query),
            "is_args": "?" if self._query else "",
            "request_uri": request.path + (f"?{request.query}" if request.query else ""),
            "host": request.host, "http_host": request.http_host, "scheme": request.scheme,
            "https": "on" if request.scheme == "https" else "", "request_method": request.method,
            "server_port": str(port),
            "ssl_server_name": request.host if request.scheme == "https" else "",
        }  # fmt: skip
        if name in known:
            return known[name]
        if name in ("document_root", "realpath_root", "request_filename"):
            return self._path(self._uri if name == "request_filename" else "")
        if name == "server_name" and self._chosen:
            return next(iter(self._chosen.server.names), "")
        if name.startswith("arg_"):
            return _argument(self._query, name.removeprefix("arg_"))
        if name == "content_type":
            name = "http_content_type"
        if name.startswith("cookie_") and "cookie" in request.headers:
            return _cookie(request.headers["cookie"], name.removeprefix("cookie_"))
        if name.startswith("http_"):
            headers = {each.replace("-", "_"): value for each, value in request.headers.items()}
            return headers.get(name.removeprefix("http_"))
        return None

    def _path(self, uri: str) -> str | None:
        """Return the path of a URI below the root in force; None if unknown."""
        root = root_of(self._levels)
        if root is None or root.name == "alias" or "$document_root" in root.argument():
            return None
        base = self._variables.expand(root.argument())
        return base.removesuffix("/") + uri if base.startswith("/") else None


def _known(query: str) -> str | None:
    """Return a query; None if it has a variable whose value is unknown."""
    return None if "$" in query else query


def _argument(query: str, name: str) -> str | None:
    for each in query.split("&"):
        key, found, value = each.partition("=")
        if found and key.lower() == name.lower():
            return _known(value)
    return None if _known(query) is None else ""


def _cookie(header: str, name: str) -> str:
    for each in header.split(";"):
        key, _, value = each.strip().partition("=")
        if key.lower() == name.lower():
            return value
    return ""


def _is_on(name: str, block: list[Directive]) -> bool:
    return any(each.name == name and each.arguments == ["on"] for each in block)
