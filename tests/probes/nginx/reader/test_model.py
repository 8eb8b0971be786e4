"""What the configuration declares: its scopes, groups, variables and targets."""

import pytest

from stackproof.probes.nginx.configuration.model import all_of, parse
from stackproof.probes.nginx.configuration.target import Target, parse_target
from tests.probes.nginx.test_configuration import WHOLE

GROUPS = """
upstream Shop { server api:1 weight=2; server API:1; server web; server old:1 down;
  server spare:1 backup; server unix:/run/a.sock; keepalive 8; }
upstream spares { server a:1 backup; server b:1 backup down; }
upstream nobody { server a:1 down; }
upstream resolved { server a:1 resolve; server b:1; }
upstream lua { server 0.0.0.1; balancer_by_lua_file balance.lua; }
"""


def test_groups() -> None:
    groups = parse(f"{WHOLE}http {{ {GROUPS} }}").http.groups
    assert {name: each.addresses for name, each in groups.items()} == {
        "shop": ("api:1", "API:1", "web:80", "unix:/run/a.sock"), "spares": ("a:1",),
        "nobody": (), "resolved": ("a:1", "b:1"), "lua": ("0.0.0.1:80",),
    }  # fmt: skip
    assert {name: set(each.resolved_at_load) for name, each in groups.items()} == {
        "shop": {"api", "API", "web", "old", "spare"}, "spares": {"a", "b"}, "nobody": {"a"},
        "resolved": {"b"}, "lua": {"0.0.0.1"},
    }  # fmt: skip
    assert {name: each.balancer for name, each in groups.items() if each.balancer} == {
        "lua": "balancer_by_lua_file"
    }


VARIABLES = """
map $uri $Xm { default a; } geo $g { default b; } geo $remote_addr $h { default b; }
split_clients $uri $s { * c; } js_set $Xj main.j; set_real_ip_from 10.0.0.0/8; auth_request_set;
server {
  set $Xa 1; location ~ ^/(?<b>x)/(?'c'y)$ { if ($uri ~ "^/(?P<d>.)") { set $e $d; } }
  location / { perl_set $p 'sub { }'; set_by_lua_block $l { } rewrite ^/(f)$ /g; }
}
"""


@pytest.mark.parametrize("scope", ["http", "stream"])
def test_variables(scope: str) -> None:
    configuration = parse(f"{WHOLE}{scope} {{ {VARIABLES} }}")
    found = configuration.http if scope == "http" else configuration.stream
    assert {name: each.name for name, each in found.definitions.items()} == {
        "Xm": "map", "g": "geo", "h": "geo", "s": "split_clients",
    }  # fmt: skip
    assert found.assigned == {"Xa", "b", "c", "d", "e"}
    assert found.computed == {"Xj": "js_set", "p": "perl_set", "l": "set_by_lua_block"}


def test_scopes() -> None:
    text = (
        "http { a; server { b { c; } } server { listen 81; } d; } stream { server { listen 1; } }"
    )
    found = parse(f"{WHOLE}{text} http {{ server {{ listen 82; }} }} events {{ }}")
    assert [each.name for each in found.top] == ["http", "stream", "http", "events"]
    assert [each.ports for each in found.http.servers] == [(80,), (81,), (82,)]
    assert [each.ports for each in found.stream.servers] == [(1,)]
    assert [each.name for each in found.http.top.block] == ["a", "d"]
    assert [each.name for each in all_of([found.http.servers[0].directive])] == ["server", "b", "c"]


def test_names_of_a_server() -> None:
    text = "server { server_name a b; listen 81; server_name c ''; }"
    [server] = parse(f"{WHOLE}http {{ {text} }}").http.servers
    assert server.names == ("a", "b", "c", "")


@pytest.mark.parametrize(
    ("text", "target", "address", "written"),
    [
        ("http://api:5000/x", Target("http", "api", "5000", "", "/x"), "api:5000", "api:5000"),
        ("https://api", Target("https", "api", "", "", ""), "api:443", "api"),
        ("grpcs://api", Target("grpcs", "api", "", "", ""), "api:443", "api"),
        ("suwsgi://api", Target("suwsgi", "api", "", "", ""), "api:443", "api"),
        ("https://api:80?x", Target("https", "api", "80", "", "?x"), "api:80", "api:80"),
        ("api", Target("", "api", "", "", ""), "api:80", "api"),
        ("api:9000", Target("", "api", "9000", "", ""), "api:9000", "api:9000"),
        ("u:p@api:1", Target("", "api", "1", "", ""), "api:1", "api:1"),
        ("[fd00::1]:5", Target("", "[fd00::1]", "5", "", ""), "[fd00::1]:5", "[fd00::1]:5"),
        ("http://[::1]/", Target("http", "[::1]", "", "", "/"), "[::1]:80", "[::1]"),
        ("unix:/run/a.sock", Target("", "", "", "unix:/run/a.sock", ""), "unix:/run/a.sock",
         "localhost"),
        ("http://unix:/run/a.sock:/x", Target("http", "", "", "unix:/run/a.sock", "/x"),
         "unix:/run/a.sock", "localhost"),
        ("", Target("", "", "", "", ""), ":80", ""),
        ("http://[", Target("http", "[", "", "", ""), "[:80", "["),
        ("http://a:1/\nb", Target("http", "a", "1", "", "/\nb"), "a:1", "a:1"),
    ],
)  # fmt: skip
def test_target(text: str, target: Target, address: str, written: str) -> None:
    found = parse_target(text)
    assert (found, found.address, found.written) == (target, address, written)
