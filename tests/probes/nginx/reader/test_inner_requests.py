"""Requests that nginx passes to itself: what the inner server block gets of the outer request."""

from typing import Any

import pytest

from stackproof.facts.proxy import Destination
from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.probes.nginx.routing.request import request_to
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import WHOLE, at


def read(text: str, url: str, own: tuple[str, ...] = (), **options: Any) -> Destination:
    port = 443 if url.startswith("https") else 80
    reader = Reader(parse(WHOLE + text), lambda _: "", frozenset(own))
    return reader.destination(request_to(url, port, **options))


INNER = """http {{
map {} $pool {{ '{}' api:1; default web:1; }}
server {{ listen 81; location / {{ proxy_pass http://$pool; }} }}
server {{ listen 80; listen 443 ssl; {} }}
}}"""
PASS = "location / { proxy_pass http://127.0.0.1:81; }"  # noqa: S105 - a directive
ONLY = "location {} {{ proxy_pass http://127.0.0.1:81{}; }}"


@pytest.mark.parametrize(
    ("source", "value", "outer", "url"),
    [
        ("$request_uri", "/a%20b?x=1", PASS, "http://shop.test/a%20b?x=1"),
        ("$request_uri", "/a%3Fb%25", PASS, "http://shop.test/a%3Fb%25"),
        ("$uri", "/a?b%25", PASS, "http://shop.test/a%3Fb%2525"),
        ("$request_uri", "/b/c%20d", ONLY.format("/a/", "/b/"), "http://shop.test/a/c%20d"),
        ("$uri", "/a", PASS, "http://shop.test/a?x=1"),
        ("$args", "x=1&y", PASS, "http://shop.test/a?x=1&y"),
        ("$args", "", PASS, "http://shop.test/a"),
        ("$request_method", "POST", PASS, "http://shop.test/"),
        ("$http_x_team", "a", PASS, "http://shop.test/"),
        ("$server_port", "81", PASS, "https://shop.test/"),
        ("$scheme", "http", PASS, "https://shop.test/"),
        ("$https", "", PASS, "https://shop.test/"),
        ("$scheme", "https", PASS.replace("http:", "https:"), "http://shop.test/"),
        # The `Host` header.
        ("$http_host", "127.0.0.1:81", PASS, "http://shop.test/"),
        ("$host", "127.0.0.1", PASS, "http://shop.test/"),
        ("$http_host", "A.test:9", f"proxy_set_header Host A.test:9; {PASS}", "http://shop.test/"),
        ("$host", "a.test", f"proxy_set_header HOST A.test:9; {PASS}", "http://shop.test/"),
        ("$host", "shop.test", f"proxy_set_header Host $host; {PASS}", "http://shop.test/"),
        ("$host", "127.0.0.1", f"proxy_set_header Host $http_none; {PASS}", "http://shop.test/"),
        ("$host", "127.0.0.1", "proxy_set_header Host a; "
         "location / { proxy_set_header X y; proxy_pass http://127.0.0.1:81; }",
         "http://shop.test/"),
        # The path that is written replaces that of the location.
        ("$request_uri", "/b/c?x=1", ONLY.format("/a/", "/b/"), "http://shop.test/a/c?x=1"),
        ("$request_uri", "/bc", ONLY.format("/a/", "/b"), "http://shop.test/a/c"),
        ("$request_uri", "/b/c", ONLY.format("^~ /a/", "/b/"), "http://shop.test/a/c"),
        ("$request_uri", "/b", ONLY.format("= /a", "/b"), "http://shop.test/a"),
        ("$request_uri", "/a/c", ONLY.format("/a/", ""), "http://shop.test/a/c"),
        ("$request_uri", "/a/c?x", ONLY.format("~ ^/a/", ""), "http://shop.test/a/c?x"),
        ("$request_uri", "/b?x=1", ONLY.format("/a", "/b$is_args$args"), "http://shop.test/a?x=1"),
        ("$request_uri", "/b", ONLY.format("/a", "/b$arg_none"), "http://shop.test/a?x=1"),
        ("$request_uri", "/a?x=1", "set $to 127.0.0.1:81; location / { proxy_pass http://$to; }",
         "http://shop.test/a?x=1"),
        ("$request_uri", "/c", "location /a/ { rewrite ^/a/(.*) /$1 break; "
         "proxy_pass http://127.0.0.1:81/b/; }", "http://shop.test/a/c"),
        ("$request_uri", "/b/c", "location /a/ { rewrite ^/x/(.*) /$1 break; "
         "proxy_pass http://127.0.0.1:81/b/; }", "http://shop.test/a/c"),
        ("$request_uri", "/c?y=2", "location /a/ { rewrite ^/a/(.*) /$1?y=2? break; "
         "proxy_pass http://127.0.0.1:81; }", "http://shop.test/a/c?x=1"),
    ],
)  # fmt: skip
def test_inner_request(source: str, value: str, outer: str, url: str) -> None:
    options: dict[str, Any] = {"method": "POST", "headers": {"X-Team": "a"}}
    text = INNER.format(source, value, outer)
    assert read(text, url, **options).leads_to == ("api:1",)
    other = INNER.format(source, f"not {value}", outer)
    assert read(other, url, **options).leads_to == ("web:1",)


PLACES = """
server {{ listen 127.0.0.1:81; location / {{ proxy_pass http://loopback:1; }} }}
server {{ listen 10.0.0.9:81; location / {{ proxy_pass http://special:1; }} }}
server {{ listen 81; location / {{ proxy_pass http://any:1; }} }}
server {{ listen [::1]:82; location / {{ proxy_pass http://six:1; }} }}
server {{ listen 127.0.0.1:83; location / {{ proxy_pass http://inside:1; }} }}
server {{ listen unix:/run/a.sock; location / {{ proxy_pass http://socket:1; }} }}
server {{ listen 1; location / {{ proxy_pass http://first:1; }} }}
server {{ listen 80; location / {{ proxy_pass http://{}; }} }}
"""


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("127.0.0.1:81", "loopback:1"),
        ("localhost:81", "loopback:1"),
        ("127.0.0.2:81", "any:1"),
        ("[::1]:82", "six:1"),
        ("[::1]:81", "any:1"),
        ("127.0.0.1:83", "inside:1"),
        # Nothing outside of the container gets there.
        ("proxy:83", "proxy:83"),
        ("127.0.0.1:84", "127.0.0.1:84"),
        ("127.0.0.1:000081", "127.0.0.1:000081"),
        ("127.0.0.1:x", "127.0.0.1:x"),
        ("128.0.0.1:81", "128.0.0.1:81"),
        ("other:81", "other:81"),
        ("unix:/run/a.sock", "socket:1"),
        ("unix:/run/b.sock", "unix:/run/b.sock"),
    ],
)
def test_socket_that_gets_the_request(target: str, place: str) -> None:
    found = read(f"http {{ {PLACES.format(target)} }}", "http://shop.test/", ("proxy",))
    assert (found.leads_to, found.depends_on) == ((place,), "")


def test_own_name_may_lead_to_any_address() -> None:
    found = read(f"http {{ {PLACES.format('proxy:81')} }}", "http://shop.test/", ("proxy",))
    assert (set(found.leads_to), found.depends_on) == (
        {"special:1", "any:1"},
        "listen 10.0.0.9:81",
    )


def test_what_is_shown_is_the_outer_server() -> None:
    text = (
        "http { server { listen 81; server_name inner; location /i { proxy_pass http://a:1; } } "
        "server { server_name shop.test outer; location /i { proxy_pass http://127.0.0.1:81; } } }"
    )
    found = read(text, "http://shop.test/i")
    assert (found.leads_to, found.server, found.location, found.is_default) == (
        ("a:1",), "shop.test outer", "/i", False,
    )  # fmt: skip


def test_group_with_itself_and_others() -> None:
    text = (
        "http { upstream g { server 127.0.0.1:81; server api:1; } "
        "server { listen 81; location / { proxy_pass http://web:1; } } "
        "server { location / { proxy_pass http://g; } } }"
    )
    assert read(text, "http://shop.test/").leads_to == ("web:1", "api:1")


def chain(length: int) -> str:
    servers = "".join(
        f"server {{ listen {80 + n}; location / {{ proxy_pass http://127.0.0.1:{81 + n}; }} }}"
        for n in range(length)
    )
    last = f"server {{ listen {80 + length}; location / {{ proxy_pass http://api:1; }} }}"
    return f"http {{ {servers} {last} }}"


def test_longest_chain() -> None:
    assert read(chain(5), "http://shop.test/").leads_to == ("api:1",)
    with pytest.raises(UnobservedError) as raised:
        read(chain(6), "http://shop.test/")
    assert str(raised.value) == "nginx passes the request to itself again and again"


def test_unknown_path() -> None:
    text = "http { server { location / { proxy_pass http://127.0.0.1:{}/$http_a; } } }"
    with pytest.raises(UnobservedError) as raised:
        read(text.replace("{}", "80"), "http://shop.test/")
    assert str(raised.value) == "nginx passes the request to itself, with a path that is unknown"
    assert read(text.replace("{}", "81"), "http://shop.test/").leads_to == ("127.0.0.1:81",)


STREAM = """
stream {{
  map $ssl_preread_server_name $name {{ shop.test named:1; '' nameless:1; default other:1; }}
  map $server_port $port {{ 443 right:1; default wrong:1; }}
  server {{ listen 443; server_name shop.test b.test; {} }}
  server {{ listen 444; {} }}
}}
http {{
  map $request_uri $uri_is {{ /a?x=1 api:1; default web:1; }}
  map $scheme $scheme_is {{ https api:1; default web:1; }}
  map $http_host $host_is {{ shop.test api:1; default web:1; }}
  map $args $args_is {{ '' api:1; default web:1; }}
  server {{ listen 80; location / {{ proxy_pass http://$uri_is; }} }}
  server {{ listen 81; location / {{ proxy_pass http://$scheme_is; }} }}
  server {{ listen 82; location / {{ proxy_pass http://$host_is; }} }}
  server {{ listen 83; location / {{ proxy_pass http://$args_is; }} }}
}}
"""


@pytest.mark.parametrize(
    ("passing", "url", "place"),
    [
        ("proxy_pass web:1;", "https://shop.test/", "web:1"),
        ("pass 127.0.0.1:80;", "https://shop.test/a?x=1", "api:1"),
        ("proxy_pass 127.0.0.1:81;", "https://shop.test/", "api:1"),
        ("proxy_pass 127.0.0.1:82;", "https://shop.test/", "api:1"),
        ("proxy_pass 127.0.0.1:83;", "https://shop.test/a", "api:1"),
        ("proxy_pass $name;", "https://shop.test/", "named:1"),
        ("proxy_pass $name;", "https://a.test/", "other:1"),
        ("proxy_pass $port;", "https://shop.test/", "right:1"),
        ("proxy_timeout 1s; proxy_pass web:1;", "https://shop.test/", "web:1"),
        ("return x;", "https://shop.test/", ""),
    ],
)
def test_stream(passing: str, url: str, place: str) -> None:
    assert read(STREAM.format(passing, passing), url).leads_to == (place,)


def test_stream_without_tls_has_no_name() -> None:
    text = STREAM.format("return x;", "proxy_pass $name;")
    request = request_to("http://shop.test:444/", 444)
    assert Reader(parse(WHOLE + text), lambda _: "").destination(request).leads_to == (
        "nameless:1",
    )


@pytest.mark.parametrize(
    ("passing", "location"), [("proxy_pass web:1;", "stream"), ("return x;", "")]
)
def test_what_is_shown_of_a_stream(passing: str, location: str) -> None:
    found = read(STREAM.format(passing, ""), "https://shop.test/")
    assert (found.server, found.location, found.is_default) == ("shop.test b.test", location, False)


def test_no_server_block() -> None:
    found = Reader(parse(f"{WHOLE}http {{ }}"), lambda _: "").destination(at("http://a.test/"))
    assert (found.leads_to, found.server, found.location, found.is_default) == ((), None, "", False)
    dump = f"{WHOLE}http {{ server {{ server_name a b; ssl_reject_handshake on; }} }}"
    found = Reader(parse(dump), lambda _: "").destination(at("http://a.test/"))
    assert (found.leads_to, found.server, found.location) == ((), "a b", "")
