"""Where the routes of an environment lead, and which names nginx resolves when it loads."""

from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.proxy import Destination
from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.destinations import destinations, resolved_at_load
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.unobserved import Unobserved
from tests.probes.nginx.test_configuration import WHOLE


def lead(http: str, url: str = "http://shop.test/", **route: Any) -> Destination | Unobserved:
    """Return where one route leads; nginx is published as 80:8080 and 443:8443."""
    own = {"resolve": route.pop("resolve", {})}
    environment = Environment.model_validate(
        {
            "name": "shop",
            "services": {"proxy": {}, "api": {}},
            "nginx": {"service": "proxy"},
            "routes": {"home": {"url": url, "service": "api", **route}},
            **own,
        }
    )
    reader = Reader(parse(f"{WHOLE}http {{ {http} }}"), lambda _: "", frozenset(["proxy"]))
    published = {"80": 8080, "443": 8443}
    return destinations(reader, environment, published)["home"]


def places(http: str, url: str = "http://shop.test/", **route: Any) -> tuple[str, ...]:
    found = lead(http, url, **route)
    assert isinstance(found, Destination), found
    return found.leads_to


TO_API = "location / { proxy_pass http://api:1; }"
UPGRADED = (
    "server { listen 8080; return 301 https://$host$request_uri; } "
    f"server {{ listen 8443 ssl; {TO_API} }}"
)


def test_published_port() -> None:
    assert places(f"server {{ listen 8080; {TO_API} }}") == ("api:1",)
    assert places(f"server {{ listen 80; {TO_API} }}") == ()
    resolve = {"shop.test:9000": "127.0.0.1:443"}
    https = "https://shop.test:9000/"
    assert places(f"server {{ listen 8443; {TO_API} }}", https, resolve=resolve) == ("api:1",)


def test_redirect_to_https() -> None:
    assert places(UPGRADED) == ("",)
    assert places(UPGRADED, follow_redirects=True) == ("api:1",)


def test_redirect_to_another_host() -> None:
    other = "server { listen 8080; return 301 http://other.test/; }"
    assert places(other, follow_redirects=True) == ("",)


@pytest.mark.parametrize("target", ["http://[/", "ftp://shop.test/"])
def test_redirect_to_no_url(target: str) -> None:
    http = f"server {{ listen 8080; return 301 {target}; }}"
    assert lead(http, follow_redirects=True) == Unobserved(
        reason=f"nginx redirects to {target}, which is not a URL"
    )


def test_redirect_within_a_path() -> None:
    http = (
        "server { listen 8080; location /a/ { return 302 ../b/; } "
        "location /b/ { proxy_pass http://api:1; } }"
    )
    assert places(http, "http://shop.test/a/", follow_redirects=True) == ("api:1",)


DECIDES = """
map {} $pool {{ {} api:1; default web:1; }}
server {{ listen 8080; location / {{ proxy_pass http://$pool; }} }}
"""


@pytest.mark.parametrize(
    ("source", "key", "url", "route"),
    [
        ("$request_method", "POST", "/", {"method": "POST"}),
        ("$http_upgrade", "websocket", "/", {"websocket": True}),
        ("$http_upgrade", "''", "/", {}),
        ("$http_user_agent", "~^python-httpx/[0-9]", "/", {}),
        ("$http_user_agent", "curl", "/", {"headers": {"User-Agent": "curl"}}),
        ("$http_x_team", "a", "/", {"headers": {"X-Team": "a"}}),
        ("$http_accept", "*/*", "/", {}),
        ("$host", "api.test", "/", {"headers": {"Host": "api.test:1"}}),
        ("$http_host", "api.test:1", "/", {"headers": {"Host": "api.test:1"}}),
        ("$http_host", "shop.test", "/", {}),
        ("$scheme", "http", "/", {}),
        ("$https", "''", "/", {}),
        ("$server_port", "8080", "/", {}),
        ("$server_name", "''", "/", {}),
        ("$uri", "/a", "/a?b=c", {}),
        ("$document_uri", "'/a b'", "/a%20b", {}),
        ("$request_uri", "/a%20b?c=d", "/a%20b?c=d", {}),
        ("$args", "b=c&d", "/?b=c&d", {}),
        ("$query_string", "b=c", "/?b=c", {}),
        ("$is_args", "?", "/?b=c", {}),
        ("$is_args", "''", "/", {}),
        ("$arg_b", "c", "/?a=x&B=c&b=d", {}),
        ("$arg_b", "''", "/?bb=c&b", {}),
        ("$ssl_server_name", "''", "/", {}),
        ("$http_x_team", "a", "/", {"headers": {"x-team": "a"}}),
        ("$content_type", "a/b", "/", {"headers": {"Content-Type": "a/b"}}),
        ("$cookie_beta", "1", "/", {"headers": {"Cookie": "x=2; Beta=1; beta=3"}}),
        ("$cookie_beta", "''", "/", {"headers": {"Cookie": "x=2; betas=1"}}),
    ],
)
def test_what_is_known_of_a_request(source: str, key: str, url: str, route: Any) -> None:
    assert places(DECIDES.format(source, key), f"http://shop.test{url}", **route) == ("api:1",)


@pytest.mark.parametrize("name", ["$https", "$ssl_server_name", "$scheme"])
def test_what_is_known_of_a_request_over_tls(name: str) -> None:
    key = {"$https": "on", "$ssl_server_name": "shop.test", "$scheme": "https"}[name]
    http = DECIDES.format(name, key).replace("8080", "8443")
    assert places(http, "https://shop.test/") == ("api:1",)


@pytest.mark.parametrize("name", ["$remote_addr", "$cookie_a", "$http_x_other", "$hostname"])
def test_what_is_unknown_of_a_request(name: str) -> None:
    found = lead(DECIDES.format(name, "x"))
    assert isinstance(found, Destination)
    assert (set(found.leads_to), found.depends_on) == ({"api:1", "web:1"}, name)


def test_one_route_that_cannot_be_read_costs_no_other() -> None:
    environment = Environment.model_validate(
        {
            "name": "shop",
            "services": {"proxy": {}},
            "nginx": {"service": "proxy"},
            "routes": {
                "a": {"url": "http://shop.test/a", "service": "proxy"},
                "b": {"url": "http://shop.test/b", "service": "proxy"},
            },
        }
    )
    http = "server { listen 80; location /a { perl x; } location /b { return 200; } }"
    reader = Reader(parse(f"{WHOLE}http {{ {http} }}"), lambda _: "")
    found = destinations(reader, environment, {})
    assert found["a"] == Unobserved(
        reason="where the route leads depends on perl, which is unknown"
    )
    assert isinstance(found["b"], Destination)


@pytest.mark.parametrize(
    ("configuration", "hosts"),
    [
        (f"http {{ server {{ {TO_API} }} }}", ("api",)),
        ("http { server { location / { proxy_pass https://API/x; } } }", ("API",)),
        ("http { server { location / { fastcgi_pass php:9000; } } }", ("php",)),
        ("http { server { location / { if ($a) { proxy_pass http://b; } } } }", ("b",)),
        ("http { server { location / { limit_except GET { proxy_pass http://b; } } } }", ("b",)),
        ("http { server { location / { proxy_pass http://$a:80; } } }", ()),
        ("http { server { location / { proxy_pass http://unix:/run/a:/; } } }", ()),
        ("http { upstream g { server a:1; server b backup; server unix:/x; } "
         "server { location / { proxy_pass http://G; } } }", ("a", "b")),
        ("http { upstream g { server a:1 resolve; } "
         "server { location / { proxy_pass http://g; } } }", ()),
        ("http { upstream g { server a:1; } server { set $p g; } }", ("a",)),
        ("http { upstream g { server a:1; } map $uri $p { default g; } }", ("a",)),
        ("http { upstream g { server a:1; } map $uri $p { g x; } }", ("a",)),
        ("http { upstream g { server a:1; } split_clients $uri $p { * g; } }", ("a",)),
        ("http { upstream g { server a:1; } geo $p { default g; } }", ("a",)),
        ("http { upstream g { server a:1; } server { return 200 g; } }", ()),
        ("stream { upstream g { server a:1; } server { listen 1; proxy_pass g; } }", ("a",)),
        ("stream { server { listen 1; proxy_pass b:2; } }", ("b",)),
    ],
)  # fmt: skip
def test_hosts_that_are_resolved_at_load(configuration: str, hosts: tuple[str, ...]) -> None:
    assert resolved_at_load(parse(f"{WHOLE}{configuration}")) == hosts
