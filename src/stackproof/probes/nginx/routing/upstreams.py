"""Where `proxy_pass` and the like send a request."""

from typing import NamedTuple
from urllib.parse import quote

from stackproof.probes.nginx.configuration.model import Scope
from stackproof.probes.nginx.configuration.parser import Directive
from stackproof.probes.nginx.configuration.target import parse_target
from stackproof.probes.nginx.routing.choices import UnknownError
from stackproof.probes.nginx.routing.locations import Location
from stackproof.probes.nginx.routing.request import Outcome
from stackproof.probes.nginx.routing.variables import Variables


class Passed(NamedTuple):
    """A request that a location passes on."""

    location: Location | None
    uri: str
    query: str
    levels: tuple[Directive, ...]


def pass_to(scope: Scope, variables: Variables, handler: Directive, passed: Passed) -> Outcome:
    """Return where a request is sent.

    Raises:
        UnobservedError: that depends on something unknown.
    """
    target = handler.argument()
    addresses, written = addresses_of(scope, variables, target)
    return Outcome(
        addresses=addresses,
        path=_path(variables, target, passed),
        http_host=_http_host(variables, passed.levels) or written,
        scheme="https" if target.startswith("https:") else "http",
    )


def addresses_of(scope: Scope, variables: Variables, target: str) -> tuple[tuple[str, ...], str]:
    """Return the servers of a target, and its host and port as they are written.

    Raises:
        UnobservedError: they depend on something unknown.
    """
    text = ""
    for part in variables.parts(target):
        text += part
        # What follows the host may be unknown.
        if "/" in text.partition("://")[2]:
            break
    found = parse_target(text)
    if not found.host and not found.socket:
        return (), ""  # an error of nginx itself
    group = None if found.port else scope.groups.get(found.host.lower())
    if group is None:
        return (found.address,), found.written
    if group.balancer:
        raise UnknownError(group.balancer)
    return group.addresses, found.host


def _path(variables: Variables, target: str, passed: Passed) -> str | None:
    """Return the path and query of the request that is passed on; None if unknown."""
    found = parse_target(target)
    before, path = "", passed.uri
    try:
        if "$" in target:
            if written := parse_target(variables.expand(target)).path:
                return written
        elif found.path and passed.location:
            before, path = found.path, path.removeprefix(passed.location.path)
    except UnknownError:
        return None
    if "$" in passed.query:  # a variable whose value is unknown
        return None
    return before + quote(path) + (f"?{passed.query}" if passed.query else "")


def _http_host(variables: Variables, levels: tuple[Directive, ...]) -> str:
    """Return the `Host` header that is set; empty if none is, or if it is unknown."""
    for level in levels:
        headers = [each for each in level.block if each.name == "proxy_set_header"]
        for each in headers:
            if each.argument().lower() == "host":
                try:
                    return variables.expand(each.argument(1))
                except UnknownError:
                    return ""
        if headers:
            return ""
    return ""
