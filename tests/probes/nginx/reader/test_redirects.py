"""Redirects of nginx, which a route may follow: what each directive makes of a URL."""

import pytest

from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import WHOLE, at, follow

FILES = {"/srv/docs": "directory"}


def followed(server: str, url: str = "/a") -> str:
    """Return where a request leads if its redirects are followed, at any of two ports."""
    dump = f"{WHOLE}http {{ server {{ listen 80; listen 443 ssl; {server} }} }}"
    reader = Reader(parse(dump), lambda path: FILES.get(path.rstrip("/"), ""))
    found = reader.destination(at(f"http://shop.test{url}"), follow)
    assert found.depends_on == ""
    return " ".join(found.leads_to)


API = "location = /api { proxy_pass http://api:1; }"


@pytest.mark.parametrize(
    "server",
    [
        "rewrite ^/a$ /api redirect;",
        "rewrite ^/a$ /api permanent;",
        "rewrite ^/a$ http://shop.test/api;",
        "rewrite ^/a$ https://shop.test/api;",
        "rewrite ^/a$ $scheme://shop.test/api;",
        "rewrite ^/(a)$ http://shop.test/${1}pi;",
        "rewrite ^/(a)$ /$1pi redirect;",
        "location /a { return 301 /api; }",
        "location /a { return 302 http://$host/api; }",
        "location /a { return 303 https://shop.test/api; }",
        "location /a { return 307 api; }",
        "location /a { return 308 /api; }",
        "location /a { return http://shop.test/api; }",
        "location /a { return https://$host/api; }",
        "location /a { return 404; error_page 404 http://shop.test/api; }",
        "location /a { return 404; error_page 404 =302 https://shop.test/api; }",
        "set $to http://shop.test/api; error_page 404 $to; location /a { return 404; }",
        "if ($uri = /a) { return 301 /api; }",
        "location /a { if ($uri = /a) { rewrite ^ /api permanent; } }",
        "location = /a { return 301 /b; } location = /b { return 301 /api; }",
    ],
)
def test_redirect_is_followed(server: str) -> None:
    assert followed(f"{server} {API}") == "api:1"
    assert followed(server) == ""


@pytest.mark.parametrize(
    "server",
    [
        "location /a { return 200 /api; }",
        "location /a { return 300 /api; }",
        "location /a { return 304 /api; }",
        "location /a { return 404 /api; }",
        "location /a { return 301 http://other.test/api; }",
        "location /a { return 301 $arg_to; }",
        "location /a { return 301; }",
        "rewrite ^/b$ /api redirect;",
        "rewrite ^/(a)(b)?$ $2 redirect;",
        "location /a { return 404; error_page 404 http://other.test/api; }",
        "location /a { return 404; error_page 500 http://shop.test/api; }",
    ],
)
def test_no_redirect_to_follow(server: str) -> None:
    assert followed(f"{server} {API} location / {{ return 200; }}") == ""


@pytest.mark.parametrize(
    ("server", "url", "found"),
    [
        ("location /a/ { proxy_pass http://api:1; }", "/a", "api:1"),
        ("location /a/ { proxy_pass http://api:1; }", "/a?x=1", "api:1"),
        ("location /p { location /p/a/ { grpc_pass api:1; } }", "/p/a", "api:1"),
        ("location ^~ /a/ { fastcgi_pass api:1; }", "/a", "api:1"),
        ("location = /a/ { proxy_pass http://api:1; }", "/a", "api:1"),
        ("root /srv; location = /docs/ { index none; proxy_pass http://api:1; }", "/docs", "api:1"),
        ("root /srv; location ~ ^/docs/$ { proxy_pass http://api:1; }", "/docs", "api:1"),
        ("root /srv; location ~ ^/other/$ { proxy_pass http://api:1; }", "/other", ""),
    ],
)
def test_redirect_to_a_slash(server: str, url: str, found: str) -> None:
    assert followed(server, url) == found


@pytest.mark.parametrize(
    ("place", "shown"),
    [("/$http_a", "/$http_a"), ("/" + "x" * 52 + "$http_a", "/" + "x" * 52 + "$http_a"),
     ("/" + "x" * 53 + "$http_a", "/" + "x" * 53 + "$http_")],
)  # fmt: skip
@pytest.mark.parametrize("directive", ["return 301 {};", "rewrite ^ {} redirect;"])
def test_redirect_to_an_unknown_place(directive: str, place: str, shown: str) -> None:
    with pytest.raises(UnobservedError) as raised:
        followed(f"location / {{ {directive.format(place)} }}")
    assert str(raised.value) == f"nginx redirects to {shown}, which is unknown"


def test_a_location_that_redirects_is_shown() -> None:
    dump = f"{WHOLE}http {{ server {{ location ~ ^/a {{ return 301 /b; }} }} }}"
    found = Reader(parse(dump), lambda _: "").destination(at("http://shop.test/a"), follow)
    assert (found.server, found.location, found.is_default) == ("", "", True)
    found = Reader(parse(dump), lambda _: "").destination(at("http://shop.test/a"))
    assert (found.server, found.location, found.is_default) == ("", "~ ^/a", True)
