"""Where nginx's configuration leads a request."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from stackproof.facts.proxy import Destination
from stackproof.probes.nginx.configuration.model import Configuration, Scope
from stackproof.probes.nginx.routing.choices import Budget, Choices, each_run
from stackproof.probes.nginx.routing.evaluation import Evaluation
from stackproof.probes.nginx.routing.request import Outcome, Request, host_of
from stackproof.probes.nginx.routing.rewrite import Exists
from stackproof.probes.nginx.routing.servers import at_socket, server_of
from stackproof.probes.nginx.routing.upstreams import addresses_of
from stackproof.probes.nginx.routing.variables import Variables
from stackproof.unobserved import UnobservedError

ITSELF = ""
"""nginx itself, among the places that a request leads to."""
_MAX_REDIRECTS = 5
_MAX_DEPTH = 5
_SHOWN = 60
_LOCAL = "127.0.0.1"
_PORT = re.compile(r"\d{1,5}", flags=re.ASCII)

Follow = Callable[[str, str], Request | None]
"""Returns the request that a client sends after a redirect from a URL; None if it sends none."""


@dataclass(frozen=True)
class Reader:
    """A configuration, and what is known of the container that it is in."""

    configuration: Configuration
    exists: Exists
    own_hosts: frozenset[str] = frozenset()
    """Names and addresses of nginx's container."""
    budget: Budget = field(default_factory=Budget)

    def destination(self, request: Request, follow: Follow | None = None) -> Destination:
        """Return where a request leads.

        Args:
            request: the request.
            follow: returns the request after a redirect; None if no redirect is followed.

        Raises:
            UnobservedError: that cannot be decided.
        """
        unknown = ""
        leads_to: dict[str, None] = {}
        outcomes: list[Outcome] = []
        for choices, (outcome, places) in each_run(partial(self._run, request, follow)):
            unknown = unknown or choices.unknown
            leads_to |= dict.fromkeys(places)
            outcomes.append(outcome)
        return Destination(
            leads_to=tuple(leads_to),
            depends_on=unknown if len(leads_to) > 1 else "",
            server=outcomes[0].server,
            location=outcomes[0].location,
            is_default=outcomes[0].is_default,
        )

    def _run(
        self, request: Request, follow: Follow | None, choices: Choices
    ) -> tuple[Outcome, list[str]]:
        outcome = self._outcome(request, choices)
        for _ in range(_MAX_REDIRECTS):
            if follow is None or not outcome.redirect:
                break
            if "$" in outcome.redirect:
                target = outcome.redirect[:_SHOWN]
                raise UnobservedError(f"nginx redirects to {target}, which is unknown")
            following = follow(request.url, outcome.redirect)
            if following is None:
                break
            request, outcome = following, self._outcome(following, choices)
        if outcome.is_refused:
            return outcome, []
        return outcome, self._destinations(request, outcome, choices, 0)

    def _outcome(self, request: Request, choices: Choices) -> Outcome:
        """Return what one pass through the configuration does with a request."""
        if self._listens(self.configuration.http, request, choices):
            evaluation = Evaluation(
                self.configuration.http, request, self.exists, choices, self.budget
            )
            return evaluation.outcome()
        return self._streamed(request, choices)

    def _streamed(self, request: Request, choices: Choices) -> Outcome:
        scope = self.configuration.stream
        servers = at_socket(scope.servers, request.address, request.port, choices)
        name = request.host if request.scheme == "https" else ""
        chosen = server_of(servers, name, self.budget)
        if chosen is None:
            return Outcome(is_refused=True)
        known = {"ssl_preread_server_name": name, "server_port": str(request.port)}
        variables = Variables(scope, known.get, choices, self.budget)
        for each in chosen.server.directive.block:
            if each.name in ("proxy_pass", "pass"):
                addresses, _ = addresses_of(scope, variables, each.argument())
                return Outcome(
                    addresses=addresses,
                    path=request.path + (f"?{request.query}" if request.query else ""),
                    http_host=request.http_host,
                    scheme=request.scheme,
                    server=" ".join(chosen.server.names),
                    location="stream",
                )
        return Outcome(server=" ".join(chosen.server.names))

    def _listens(self, scope: Scope, request: Request, choices: Choices) -> bool:
        self.budget.spend(len(scope.servers))
        return bool(at_socket(scope.servers, request.address, request.port, choices))

    def _destinations(
        self, request: Request, outcome: Outcome, choices: Choices, depth: int
    ) -> list[str]:
        """Return where an outcome leads, also if nginx passes the request to itself."""
        if depth > _MAX_DEPTH:
            raise UnobservedError("nginx passes the request to itself again and again")
        found: list[str] = []
        for address in outcome.addresses or (ITSELF,):
            inner = self._request_inside(request, outcome, address, choices)
            if inner is None:
                found.append(address)
            else:
                found += self._destinations(
                    inner, self._outcome(inner, choices), choices, depth + 1
                )
        return found

    def _request_inside(
        self, request: Request, outcome: Outcome, address: str, choices: Choices
    ) -> Request | None:
        """Return the request that nginx sends to itself; None if the address is another's."""
        host, _, port = address.rpartition(":")
        is_local = host.startswith("127.") or host in ("localhost", "[::1]")
        if address.startswith("unix:"):
            host, port, inside = address, "0", address
        elif is_local or host in self.own_hosts:
            inside = {"localhost": _LOCAL}.get(host, host) if is_local else ""
        else:
            return None
        inner = request._replace(
            scheme=outcome.scheme,
            host=host_of(outcome.http_host),
            http_host=outcome.http_host,
            port=int(port) if _PORT.fullmatch(port) else 0,
            address=inside,
        )
        scopes = (self.configuration.http, self.configuration.stream)
        if not any(self._listens(each, inner, choices) for each in scopes):
            return None
        if outcome.path is None:
            raise UnobservedError("nginx passes the request to itself, with a path that is unknown")
        path, _, query = outcome.path.partition("?")
        return inner._replace(path=path, query=query)
