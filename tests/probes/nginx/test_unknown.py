"""Each possibility of what is unknown is tried, and it is named if they differ."""

import pytest

from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import WHOLE, at


def destination(
    server: str, before: str = "", url: str = "http://shop.example/api"
) -> tuple[set[str], str]:
    """Return where a request leads, and what decides it, if nothing is known of any file."""
    dump = f"{WHOLE}http {{ {before} server {{ listen 80; {server} }} }}"
    found = Reader(parse(dump), lambda _: None).destination(at(url))
    return set(found.leads_to), found.depends_on


TO_P = "location / { proxy_pass http://$p; }"


@pytest.mark.parametrize(
    ("server", "before", "places", "depends_on"),
    [
        (TO_P, "map $cookie_a $p { default api:1; 1 web:1; }", {"api:1", "web:1"}, "$cookie_a"),
        (TO_P, "map $cookie_a $p { default api:1; 1 api:1; }", {"api:1"}, ""),
        (TO_P, "map $cookie_a $p { 1 web:1; }", {"", "web:1"}, "$cookie_a"),
        (TO_P, "geo $p { default api:1; 10.0.0.0/8 web:1; }", {"api:1", "web:1"}, "geo $p"),
        (TO_P, "geo $p { 10.0.0.0/8 web:1; }", {"", "web:1"}, "geo $p"),
        (TO_P, "geo $p { ranges; default api:1; delete 127.0.0.0/16; proxy 10.0.0.0/8; }",
         {"api:1"}, ""),
        (TO_P, "split_clients $request_id $p { 50% api:1; * web:1; }", {"api:1", "web:1"}, ""),
        (TO_P, "split_clients $request_id $p { 50% api:1; 50% web:1; }", {"api:1", "web:1"}, ""),
        (TO_P, "split_clients $request_id $p { 50% api:1; 49% web:1; }",
         {"", "api:1", "web:1"}, ""),
        (TO_P, "split_clients $request_id $p { 0% web:1; * api:1; }", {"api:1"}, ""),
        # The same question has the same answer.
        (TO_P, "map $cookie_a $q { default x; 1 y; } map $q$q $p { xx api:1; yy api:1; }",
         {"api:1"}, ""),
        (f"set $p api:1; if ($http_a) {{ set $p web:1; }} {TO_P}", "", {"api:1", "web:1"},
         "$http_a"),
        (f"set $p api:1; if ($http_a = b) {{ set $p web:1; }} {TO_P}", "", {"api:1", "web:1"},
         "$http_a"),
        (f"set $p api:1; if ($http_a ~ b) {{ set $p web:1; }} {TO_P}", "", {"api:1", "web:1"},
         "$http_a"),
        (f"set $p api:1; if (-f /srv/off) {{ set $p web:1; }} {TO_P}", "", {"api:1", "web:1"},
         "whether /srv/off exists"),
        (f"set $p api:1; if (-x /srv/off) {{ set $p web:1; }} {TO_P}", "", {"api:1", "web:1"},
         "if (-x /srv/off)"),
        (f"set $q $http_a; set $p api:1; if ($q) {{ set $p web:1; }} {TO_P}", "",
         {"api:1", "web:1"}, "$http_a"),
        ("root /srv; location / { try_files $uri @a; } location @a { proxy_pass http://api:1; }",
         "", {"", "api:1"}, "whether /api exists"),
        ("root /srv; error_page 404 = @a; location @a { proxy_pass http://api:1; }", "",
         {"", "api:1"}, "whether /api exists"),
        ("root /srv/$http_a; location / { try_files $uri @a; } "
         "location @a { proxy_pass http://api:1; }", "", {"", "api:1"}, "whether /api exists"),
        ("auth_request_set $p $upstream_http_x; location / { proxy_pass http://api:1$p; }", "",
         set(), "auth_request_set"),
        ("js_set $p main.p; location / { proxy_pass http://$p; }", "", set(), "js_set"),
        ("location / { if ($http_a ~ ^(.+)$) { proxy_pass http://$1; } proxy_pass http://b; }",
         "", set(), "$http_a"),
        ("location / { if ($http_a ~ ^(?<n>.+)$) { set $m $n; } proxy_pass http://$m; }",
         "", set(), "$http_a"),
        (TO_P, "map $http_a $p { ~^(.+)$ $1; }", set(), "$http_a"),
        ("location / { limit_except GET { proxy_pass http://web:1; } proxy_pass http://api:1; }",
         "", {"api:1"}, ""),
        ("if ($http_a) { return 403; } location / { proxy_pass http://api:1; }", "",
         {"", "api:1"}, "$http_a"),
        ("location / { rewrite ^ /x?a=$http_a; } location /x { proxy_pass http://api:1; }", "",
         {"api:1"}, ""),
        ("location / { balancer; proxy_pass http://g; }",
         "upstream g { server a; balancer_by_lua_block { } }", set(), "balancer_by_lua_block"),
    ],
)  # fmt: skip
def test_possibilities(server: str, before: str, places: set[str], depends_on: str) -> None:
    if places:
        assert destination(server, before) == (places, depends_on)
        return
    with pytest.raises(UnobservedError) as raised:
        destination(server, before)
    assert str(raised.value) == f"where the route leads depends on {depends_on}, which is unknown"


def test_socket_may_be_unknown() -> None:
    """The address of the container is not known."""
    dump = (
        f"{WHOLE}http {{ server {{ listen 172.20.0.2:80; return 200; }} "
        "server { listen 80; location / { proxy_pass http://api:1; } } "
        "server { listen 127.0.0.1:80; location / { proxy_pass http://web:1; } } }"
    )
    found = Reader(parse(dump), lambda _: None).destination(at("http://shop.example/"))
    assert (set(found.leads_to), found.depends_on) == ({"", "api:1"}, "listen 172.20.0.2:80")


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("if a { }", "an 'if' that cannot be read"),
        ("if ($uri == b) { }", "an 'if' that cannot be read"),
        ("if () { }", "an 'if' that cannot be read"),
        ("if ($uri =) { }", "an 'if' that cannot be read"),
    ],
)
def test_condition_that_cannot_be_read(condition: str, reason: str) -> None:
    with pytest.raises(UnobservedError, match=reason):
        destination(condition)


def test_several_conditions_with_handlers() -> None:
    """nginx itself crashes, or uses the handler of one with the address of none."""
    with pytest.raises(UnobservedError, match="depends on several 'if' of a location"):
        destination("location / { if ($uri) { proxy_pass http://a; } if ($host) { set $b c; } }")


def test_share_that_is_no_number() -> None:
    with pytest.raises(UnobservedError, match="has a share that is not a number"):
        destination(TO_P, "split_clients $uri $p { x% a; }")
