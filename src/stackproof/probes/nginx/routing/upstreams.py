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
from stackproof.sizes import Bytes


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
        not_passed=_not_passed(passed.levels) if handler.name == "proxy_pass" else (),
        buffers=handler.name == "proxy_pass" and _buffers(passed.levels),
        max_body=_max_body(passed.levels),
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


def _not_passed(levels: tuple[Directive, ...]) -> tuple[str, ...]:
    """Return which headers of a request for a WebSocket are not passed on.

    They concern one connection, so that nginx passes them on only where they are set.
    """
    given = {
        each.argument().lower()
        for each in _set_headers(levels)
        if len(each.arguments) > 1 and each.argument(1) not in ("", "close")
    }
    return tuple(name for name in ("Upgrade", "Connection") if name.lower() not in given)


def _buffers(levels: tuple[Directive, ...]) -> bool:
    return _in_force("proxy_buffering", levels, "on") == "on"


def _max_body(levels: tuple[Directive, ...]) -> int | None:
    try:
        return Bytes.parse(_in_force("client_max_body_size", levels, "1m"))
    except ValueError:
        return None


def _in_force(name: str, levels: tuple[Directive, ...], default: str) -> str:
    """Return the value of a directive that a level inherits unless it has its own."""
    found = (each for level in levels for each in level.block if each.name == name)
    directive = next(found, None)
    return directive.argument() if directive and directive.arguments else default


def _set_headers(levels: tuple[Directive, ...]) -> list[Directive]:
    """Return each `proxy_set_header` in force: those of the innermost level that has any."""
    for level in levels:
        if headers := [each for each in level.block if each.name == "proxy_set_header"]:
            return headers
    return []


def _http_host(variables: Variables, levels: tuple[Directive, ...]) -> str:
    """Return the `Host` header that is set; empty if none is, or if it is unknown."""
    for each in _set_headers(levels):
        if each.argument().lower() == "host":
            try:
                return variables.expand(each.argument(1))
            except UnknownError:
                return ""
    return ""
