"""Caddy's configuration: what it passes to which upstreams, and how two of them differ."""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from stackproof.facts.caddy import CaddyMatcher, CaddyPass
from stackproof.unobserved import UnobservedError

_MOST_PASSES = 2000
_DEEPEST = 50

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
                list((server.get("named_routes") or {}).values()), (), rewritten=True, depth=0
            )
            routes = _of_routes(server.get("routes") or (), (), rewritten=False, depth=0)
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
    routes: Sequence[Any], around: Conditions, *, rewritten: bool, depth: int
) -> Iterator[CaddyPass]:
    """Yield the reverse proxies of some routes. After a rewrite, a path decides nothing."""
    if depth > _DEEPEST:
        raise UnobservedError("Caddy's configuration is nested too deeply")
    for route in routes:
        matchers = tuple(_matcher(each, rewritten) for each in route.get("match") or ())
        conditions = (*around, matchers) if matchers else around
        inside = rewritten
        for handler in route.get("handle") or ():
            kind = handler.get("handler")
            if kind == "reverse_proxy":
                yield _pass(handler, conditions)
            nested = list(handler.get("routes") or ())
            for response in handler.get("handle_response") or ():
                nested += response.get("routes") or ()
            yield from _of_routes(nested, conditions, rewritten=inside, depth=depth + 1)
            inside = inside or _rewrites(handler)
        if not route.get("terminal"):
            rewritten = inside


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


def _pass(handler: Mapping[str, Any], conditions: Conditions) -> CaddyPass:
    dials = [str(each.get("dial", "")) for each in handler.get("upstreams") or ()]
    static = tuple(each for each in dials if each and "{" not in each)
    dynamic = bool(handler.get("dynamic_upstreams")) or len(static) < len(dials)
    return CaddyPass(conditions=conditions, upstreams=static, decided=not dynamic)


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
