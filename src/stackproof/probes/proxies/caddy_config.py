"""Caddy's configuration: what it passes to which upstreams, and how two of them differ."""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from stackproof.facts.caddy import CaddyMatcher, CaddyPass
from stackproof.unobserved import UnobservedError

_MOST_PASSES = 2000
_DEEPEST = 50
# A path whose pattern means the same to Caddy and here: `*` stands at one of its ends.
_PLAIN_PATH = re.compile(r"\*?[^*?\[\]{}%]*\*?")

Conditions = tuple[tuple[CaddyMatcher, ...], ...]


def first_difference(one: Any, other: Any, path: str = "") -> str:
    """Return where two JSON values first differ, as `apps.http`; empty if they are equal."""
    if one == other:
        return ""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                return first_difference(one.get(key), other.get(key), f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (each, there) in enumerate(zip(one, other, strict=True)):
            if each != there:
                return first_difference(each, there, f"{path}.{index}")
    return path.lstrip(".") or "everything"


def passes(config: Any) -> tuple[CaddyPass, ...]:
    """Return the reverse proxies of a configuration.

    Raises:
        UnobservedError: it is too large, or not a configuration of Caddy.
    """
    found: list[CaddyPass] = []
    try:
        servers = _mapping(_mapping(_mapping(config).get("apps")).get("http")).get("servers")
        for server in _mapping(servers).values():
            # Any route can invoke a named one.
            named = _of_routes(
                list((server.get("named_routes") or {}).values()), (), (), rewritten=True, depth=0
            )
            routes = _of_routes(server.get("routes") or (), (), (), rewritten=False, depth=0)
            for each in (*named, *routes):
                found.append(each)
                if len(found) > _MOST_PASSES:
                    raise UnobservedError(f"Caddy has more than {_MOST_PASSES} reverse proxies")
    except (AttributeError, TypeError, KeyError):
        raise UnobservedError("Caddy's configuration has an unknown form") from None
    return tuple(found)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _of_routes(
    routes: Sequence[Any],
    around: Conditions,
    unless: Conditions,
    *,
    rewritten: bool,
    depth: int,
) -> Iterator[CaddyPass]:
    """Yield the reverse proxies of some routes. After a rewrite, a path decides nothing."""
    if depth > _DEEPEST:
        raise UnobservedError("Caddy's configuration is nested too deeply")
    kept: dict[str, Conditions] = {}
    rewriters: set[str] = {""} if rewritten else set()
    for route in routes:
        group = str(route.get("group") or "")
        # Of a group, the first route that fits is the only one.
        rewritten = bool(rewriters - ({group} if group else set()))
        matchers = tuple(_matcher(each, rewritten) for each in route.get("match") or ())
        conditions = (*around, matchers) if matchers else around
        others = (*unless, *kept.get("", ()), *(kept.get(group, ()) if group else ()))
        inside = rewritten
        its: list[CaddyPass] = []
        is_last = bool(route.get("terminal"))
        for handler in route.get("handle") or ():
            if handler.get("handler") == "reverse_proxy":
                its.append(_pass(handler, conditions, others))
                is_last = True  # it ends the request
            nested = list(handler.get("routes") or ())
            for response in handler.get("handle_response") or ():
                nested += response.get("routes") or ()
            its += _of_routes(nested, conditions, others, rewritten=inside, depth=depth + 1)
            inside = inside or _rewrites(handler)
        yield from its
        if its and (group or is_last) and _is_decided(route, rewritten):
            key = "" if is_last else group
            kept[key] = (*kept.get(key, ()), matchers or (CaddyMatcher(),))
        if inside and not route.get("terminal"):
            rewriters.add(group)


def _is_decided(route: Mapping[str, Any], rewritten: bool) -> bool:
    """Return whether a URL alone decides if a route gets a request."""
    matchers = route.get("match") or ()
    return all(
        set(each) <= {"host", "path"}
        and not (rewritten and "path" in each)
        and all("{" not in host for host in each.get("host") or ())
        and all(_PLAIN_PATH.fullmatch(path) for path in each.get("path") or ())
        for each in matchers
    )


def _rewrites(handler: Mapping[str, Any]) -> bool:
    if handler.get("handler") == "rewrite":
        return True
    return any(
        _rewrites(each)
        for route in handler.get("routes") or ()
        for each in route.get("handle") or ()
    )


def _matcher(raw: Mapping[str, Any], rewritten: bool) -> CaddyMatcher:
    return CaddyMatcher(
        hosts=tuple(map(str, raw.get("host") or ())),
        paths=() if rewritten else tuple(map(str, raw.get("path") or ())),
    )


def _pass(handler: Mapping[str, Any], conditions: Conditions, unless: Conditions) -> CaddyPass:
    dials = [str(each.get("dial", "")) for each in handler.get("upstreams") or ()]
    static = tuple(each for each in dials if each and "{" not in each)
    dynamic = bool(handler.get("dynamic_upstreams")) or len(static) < len(dials)
    return CaddyPass(conditions=conditions, unless=unless, upstreams=static, decided=not dynamic)


def max_fails(config: Any) -> dict[str, int]:
    """Return, by upstream, how many failures make Caddy stop using it, if it counts them."""
    found: dict[str, int] = {}
    for handler in _handlers(config):
        checks = _mapping(_mapping(handler.get("health_checks")).get("passive"))
        if checks.get("fail_duration"):
            for each in handler.get("upstreams") or ():
                found[str(_mapping(each).get("dial"))] = int(checks.get("max_fails") or 1)
    return found


def _handlers(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every reverse proxy at any depth."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            if each.get("handler") == "reverse_proxy":
                yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def possible(passes: Iterable[CaddyPass], url: str) -> list[CaddyPass]:
    """Return the reverse proxies that can get a request: all that no host or path excludes."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path or "/")
    return [
        each
        for each in passes
        if all(any(_fits(one, host, path) for one in matchers) for matchers in each.conditions)
        and not any(_fits(one, host, path) for matchers in each.unless for one in matchers)
    ]


def _fits(matcher: CaddyMatcher, host: str, path: str) -> bool:
    of_host = not matcher.hosts or any(_is_host(each, host) for each in matcher.hosts)
    return of_host and (not matcher.paths or any(_is_path(each, path) for each in matcher.paths))


def _is_host(pattern: str, host: str) -> bool:
    """Return whether a host can fit a pattern, in which `*` stands for one label."""
    if "{" in pattern:
        return True
    labels, its = pattern.lower().split("."), host.lower().split(".")
    return len(labels) == len(its) and all(
        label in ("*", there) for label, there in zip(labels, its, strict=True)
    )


def _is_path(pattern: str, path: str) -> bool:
    """Return whether a path can fit a pattern. Upper and lower case are the same."""
    if "{" in pattern or "%" in pattern or "[" in pattern:
        return True
    return fnmatch.fnmatchcase(path.lower(), pattern.lower())
