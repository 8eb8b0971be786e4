"""What Caddy's configuration leads to, and how two configurations differ."""

from typing import Any

import pytest

from stackproof.probes.proxies.caddy_config import first_difference, max_fails, passes, possible
from stackproof.unobserved import UnobservedError

HOME = "http://shop.test/"


def _to(*dials: str, **more: Any) -> dict[str, Any]:
    return {"handler": "reverse_proxy", "upstreams": [{"dial": each} for each in dials], **more}


def _config(*routes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"apps": {"http": {"servers": {"srv0": {"routes": list(routes), **more}}}}}


def _sub(*routes: dict[str, Any]) -> dict[str, Any]:
    return {"handler": "subroute", "routes": list(routes)}


def _upstreams(config: Any, url: str) -> list[str]:
    return sorted(each for one in possible(passes(config), url) for each in one.upstreams)


BY_HOST = _config(
    {"match": [{"host": ["shop.test", "*.shop.test"]}],
     "handle": [_sub({"handle": [_to("web:1")]})]},
    {"match": [{"host": ["api.test"], "path": ["/v1/*"]}, {"host": ["old.test"]}],
     "handle": [_to("api:2")]},
    {"match": [{"host": ["{env.HOST}"]}], "handle": [_to("any:3")]},
)  # fmt: skip


@pytest.mark.parametrize(
    ("url", "upstreams"),
    [
        (HOME, ["any:3", "web:1"]),
        ("http://SHOP.test/", ["any:3", "web:1"]),
        ("http://a.shop.test/", ["any:3", "web:1"]),
        ("http://a.b.shop.test/", ["any:3"]),
        ("http://api.test/v1/x", ["api:2"]),
        ("http://api.test/V1/x", ["api:2"]),
        ("http://api.test/v2/x", ["any:3"]),
        ("http://old.test/v2/x", ["api:2"]),
    ],
)
def test_hosts_and_paths_exclude_routes(url: str, upstreams: list[str]) -> None:
    assert _upstreams(BY_HOST, url) == upstreams


def _handle(to: str, *handlers: dict[str, Any], **match: Any) -> dict[str, Any]:
    """Return what `handle` becomes: a route of a group."""
    route = {"group": "group1", "handle": [_sub({"handle": [*handlers, _to(to)]})]}
    return {**route, "match": [match]} if match else route


STRIP = {"handler": "rewrite", "strip_path_prefix": "/files"}
HANDLES = _config(
    _handle("api:1", path=["/api*"]),
    _handle("files:1", STRIP, path=["/files/*"]),
    _handle("beta:1", header={"X-Beta": ["1"]}),
    _handle("glob:1", path=["/a/*/b"]),
    _handle("web:1"),
    _handle("none:1"),
)


@pytest.mark.parametrize(
    ("path", "upstreams"),
    [
        ("/api/x", ["api:1"]),
        ("/API", ["api:1"]),
        ("/files/x", ["files:1"]),
        # A header may decide.
        ("/", ["beta:1", "web:1"]),
        # Caddy's `*` in the middle stands for one part of a path.
        ("/a/x/b", ["beta:1", "glob:1", "web:1"]),
    ],
)
def test_the_first_route_of_a_group_is_the_only_one(path: str, upstreams: list[str]) -> None:
    assert _upstreams(HANDLES, f"http://shop.test{path}") == upstreams


def test_a_reverse_proxy_ends_the_request() -> None:
    api = {"match": [{"path": ["/api/*"]}], "handle": [_to("api:1")]}
    web = {"handle": [_to("web:1")]}
    for config in (_config(api, web), _config({"handle": [_sub(api, web)]})):
        assert _upstreams(config, "http://shop.test/api/x") == ["api:1"]
        assert _upstreams(config, HOME) == ["web:1"]
    nested = {**api, "handle": [_sub({"handle": [_to("api:1")]})]}
    assert _upstreams(_config(nested, web), "http://shop.test/api/x") == ["api:1", "web:1"]
    last = {**nested, "terminal": True}
    assert _upstreams(_config(last, web), "http://shop.test/api/x") == ["api:1"]


def test_a_response_of_caddy_itself_excludes_nothing() -> None:
    redirect = {"match": [{"path": ["/old"]}], "handle": [{"handler": "static_response"}]}
    web = {"handle": [_to("web:1")]}
    assert _upstreams(_config({**redirect, "group": "a"}, web), "http://shop.test/old") == ["web:1"]


def test_a_rewrite_of_another_group() -> None:
    other = {"group": "group2", "handle": [_sub({"handle": [STRIP]})]}
    api = _handle("api:1", path=["/api*"])
    assert _upstreams(_config(other, api, _handle("web:1")), HOME) == ["api:1", "web:1"]


def test_a_path_decides_nothing_after_a_rewrite() -> None:
    rewrite = {"handle": [{"handler": "rewrite", "uri": "/index.php"}]}
    php = {"match": [{"path": ["*.php"]}], "handle": [_to("php:9000")]}
    assert _upstreams(_config(php, rewrite), HOME) == []
    assert _upstreams(_config(rewrite, php), HOME) == ["php:9000"]
    assert _upstreams(_config({"handle": [_sub(rewrite)]}, php), HOME) == ["php:9000"]
    assert _upstreams(_config({"handle": [_sub(rewrite)], "terminal": True}, php), HOME) == []
    inside = {"match": [{"path": ["/x"]}], "handle": [_sub(rewrite, php)]}
    assert _upstreams(_config(inside), HOME) == []
    assert _upstreams(_config(inside), f"{HOME}x") == ["php:9000"]


def test_routes_of_responses_and_named_routes() -> None:
    login = _to("auth:1", handle_response=[{"routes": [{"handle": [_to("login:2")]}]}])
    assert _upstreams(_config({"handle": [login]}), HOME) == ["auth:1", "login:2"]
    named = {"pages": {"handle": [_to("pages:3")]}}
    invokes = {"handle": [{"handler": "invoke", "name": "pages"}]}
    assert _upstreams(_config(invokes, named_routes=named), HOME) == ["pages:3"]


def test_upstreams_that_are_looked_up() -> None:
    (found,) = passes(_config({"handle": [_to("api:1", "{http.vars.x}:80")]}))
    assert (found.upstreams, found.decided) == (("api:1",), False)
    dynamic = {"handler": "reverse_proxy", "dynamic_upstreams": {"source": "srv"}}
    (found,) = passes(_config({"handle": [dynamic]}))
    assert (found.upstreams, found.decided) == ((), False)


def test_limits_of_failures() -> None:
    counted = _to("a:1", health_checks={"passive": {"fail_duration": 5, "max_fails": 3}})
    default = _to("b:1", health_checks={"passive": {"fail_duration": 5}})
    off = _to("c:1", health_checks={"passive": {"max_fails": 3}})
    config = _config({"handle": [_sub({"handle": [counted, default]}), off]})
    assert max_fails(config) == {"a:1": 3, "b:1": 1}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (_config({"handle": 5}), "unknown form"),
        ({"apps": {"http": {"servers": {"srv0": None}}}}, "unknown form"),
        (_config({"handle": [_to("a:1")] * 3000}), "more than 2000 reverse proxies"),
    ],
)
def test_unknown_forms(config: Any, reason: str) -> None:
    with pytest.raises(UnobservedError, match=reason):
        passes(config)


def test_nested_too_deeply() -> None:
    route = {"handle": [_to("a:1")]}
    for _ in range(60):
        route = {"handle": [_sub(route)]}
    with pytest.raises(UnobservedError, match="nested too deeply"):
        passes(_config(route))


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ({"a": 1, "b": [1, {"c": 2}]}, {"b": [1, {"c": 2}], "a": 1}, ""),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, "a.b.1.c"),
        ({"a": [1]}, {"a": [1, 2]}, "a"),
        ({"a": 1}, {"a": 1, "z": 1}, "z"),
        ({}, [], "everything"),
    ],
)
def test_first_difference(one: Any, other: Any, difference: str) -> None:
    assert first_difference(one, other) == difference
