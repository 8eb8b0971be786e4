"""Who handles a request in its location: files, errors, handlers and what is around it."""

import pytest

from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.probes.nginx.routing.request import request_to
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import WHOLE, at
from tests.probes.nginx.test_rules import API, AT, WEB, lead
from tests.probes.nginx.test_unknown import destination


@pytest.mark.parametrize(
    "handler",
    [
        "stub_status", "empty_gif", "api", "status s", "f4f", "hls", "mp4", "flv",
        "return 200", "return 404", "deny all",
    ],
)  # fmt: skip
def test_nginx_responds_itself(handler: str) -> None:
    """Of `root`, nothing exists: without the handler, the error page would be what it gets."""
    page = f"error_page 404 403 = @a; location /b {{ {handler}; }} {AT}"
    red = handler in ("return 404", "deny all")
    assert lead(page, "/b") == ("api:1" if red else "")
    assert lead(f"error_page 404 = @a; location /b {{ }} {AT}", "/b") == "api:1"


@pytest.mark.parametrize(
    "directive",
    [
        "content_by_lua x", "content_by_lua_file x.lua", "precontent_by_lua_file x.lua",
        "js_content main.x", "perl x", "echo x", "echo_exec /x", "passenger_enabled on",
        "memc_pass a", "ajp_pass a", "rewrite_by_lua x", "access_by_lua_file x", "js_access x",
    ],
)  # fmt: skip
def test_handlers_of_others_are_named(directive: str) -> None:
    with pytest.raises(UnobservedError) as raised:
        lead(f"location / {{ {directive}; {API} }}" if "_pass" not in directive else
             f"location / {{ {directive}; }}")  # fmt: skip
    name = directive.split()[0]
    assert str(raised.value) == f"where the route leads depends on {name}, which is unknown"


def test_rewriting_of_others_in_a_server() -> None:
    with pytest.raises(UnobservedError, match=r"^where the route leads depends on server_rewrite_"):
        lead(f"server_rewrite_by_lua_file x; location / {{ {API} }}")


@pytest.mark.parametrize(
    ("server", "url", "found"),
    [
        # Access: the first rule decides for those it is for.
        (f"location / {{ deny all; allow 10.0.0.0/8; {API} }}", "/", ""),
        (f"location / {{ allow all; deny all; {API} }}", "/", "api:1"),
        (f"location / {{ deny all; {API} }} satisfy any;", "/", "api:1"),
        (f"location / {{ deny all; satisfy all; {API} }} satisfy any;", "/", ""),
        (f"deny all; location / {{ location /a {{ {API} }} }}", "/a", ""),
        (f"location / {{ deny all; location /a {{ allow all; {API} }} }}", "/a", "api:1"),
        # Error pages.
        (f"error_page 404 /b?x=y; location / {{ return 404; }} "
         f"location /b {{ if ($arg_x = y) {{ return 200; }} {API} }}", "/a", ""),
        (f"error_page 404 /b; location / {{ return 404; }} "
         f"location /b {{ if ($arg_x = y) {{ return 200; }} {API} }}", "/a?x=y", "api:1"),
        (f"error_page 404 /$arg_x; location / {{ return 404; }} location /b {{ {API} }}", "/a?x=b",
         "api:1"),
        (f"error_page 404 = @b; error_page 500 /c; location / {{ return 404; }} "
         f"location @b {{ return 500; }} location /c {{ {API} }}", "/a", ""),
        (f"error_page 404 = @b; error_page 500 /c; recursive_error_pages on; "
         f"location / {{ return 404; }} location @b {{ return 500; }} location /c {{ {API} }}",
         "/a", "api:1"),
        (f"error_page 404 /b; error_page 500 /c; recursive_error_pages off; "
         f"location / {{ return 404; }} location /b {{ return 500; }} location /c {{ {API} }}",
         "/a", ""),
        (f"error_page 404 = @a; location / {{ return 404; }} location @a "
         f"{{ if ($uri = /x) {{ return 200; }} {API} }}", "/x?y", ""),
        (f"error_page 404 = @a; location / {{ return 404; }} location @a "
         f"{{ if ($args = y) {{ {API} }} return 200; }}", "/x?y", ""),
        (f"error_page 404 = @none; location / {{ return 404; }} {AT}", "/", ""),
        (f"error_page 404 $arg_x; location / {{ return 404; }} location /b {{ {API} }}", "/?x=/b",
         "api:1"),
        # The server block gets an internal request first, too.
        (f"if ($uri = /b) {{ return 200; }} error_page 404 /b; location / {{ return 404; }} "
         f"location /b {{ {API} }}", "/a", ""),
        (f"if ($uri = /b) {{ return 404; }} error_page 404 /c; location /c {{ {API} }} "
         f"location / {{ try_files /none /b; }}", "/a", "api:1"),
        (f"rewrite ^/b$ /c; error_page 404 /b; location / {{ return 404; }} "
         f"location /c {{ {API} }}", "/a", "api:1"),
        # Files.
        (f"root /srv/; location / {{ try_files $uri @a; }} {AT}", "/a.html", ""),
        (f"root html/; location / {{ try_files $uri @a; }} {AT}", "/own.txt", ""),
        (f"root /srv; location / {{ try_files $uri @none; }} {AT}", "/x", ""),
        (f"root /srv; location / {{ try_files $uri /b; }} location /b "
         f"{{ if ($args) {{ return 200; }} {API} }}", "/x?y=1", "api:1"),
        (f"root /srv; location / {{ try_files $uri /b?$args; }} location /b "
         f"{{ if ($args != y=1) {{ return 200; }} {API} }}", "/x?y=1", "api:1"),
        (f"root /srv; location / {{ try_files $uri /b$uri; }} location /b/x {{ {API} }}", "/x",
         "api:1"),
        (f"root /srv; location / {{ try_files $uri @b; }} location @b "
         f"{{ if ($args != y=1) {{ return 200; }} {API} }}", "/x?y=1", "api:1"),
        (f"root /srv; index i.html; location / {{ try_files $uri/ @a; }} location = /docs/ "
         f"{{ {WEB} }} {AT}", "/docs/", "web:1"),
        (f"root /srv; index none; location / {{ try_files $uri/ =404; }} error_page 403 = @a; {AT}",
         "/empty/", "api:1"),
        (f"root /srv; index $arg_i; location /docs/index.htm {{ {API} }}", "/docs/?i=index.htm",
         "api:1"),
        (f"root /srv; index /b; location /b {{ if ($args != y=1) {{ return 200; }} {API} }}",
         "/docs/?y=1", "api:1"),
        (f"root /srv; index index.htm; location = /docs/index.htm "
         f"{{ if ($args != y=1) {{ return 200; }} {API} }}", "/docs/?y=1", "api:1"),
        (f"root /srv; index none; index index.htm; location = /docs/index.htm {{ {API} }}",
         "/docs/", "api:1"),
        # What is around a location is in force in it.
        (f"root /none; location /p {{ root /srv; location /p/a.html {{ }} }} "
         f"error_page 404 = @a; {AT}", "/p/a.html", "api:1"),
        (f"location / {{ root /srv; location /a {{ try_files $uri @a; }} }} {AT}", "/a.html", ""),
        (f"location / {{ root /srv; if ($uri) {{ set $x y; }} try_files $uri @a; }} {AT}",
         "/x", ""),
        (f"location /s/ {{ alias /srv/; location ~ html$ {{ }} error_page 404 = @a; }} {AT}",
         "/s/a.html", ""),
        (f"location /s {{ alias /srv; error_page 404 = @a; }} {AT}", "/s/a.html", ""),
        (f"location = /s {{ alias /srv/a.html; error_page 404 = @a; }} {AT}", "/s", ""),
        (f"location ^~ /s/ {{ alias /srv/; error_page 404 = @a; }} {AT}", "/s/a.html", ""),
        (f"location ~* ^/S/(.*)$ {{ alias /srv/$1; error_page 404 = @a; }} {AT}", "/s/a.html", ""),
        # Conditions: the handler of the location is that of a true `if` without its own.
        (f"location / {{ if ($uri) {{ set $x y; }} {API} }}", "/", "api:1"),
        (f"location / {{ if ($uri) {{ {WEB} }} {API} }}", "/", "web:1"),
        (f"location / {{ if ($uri) {{ empty_gif; }} {API} }}", "/", ""),
        (f"location / {{ if ($arg_x) {{ {WEB} }} {API} }}", "/", "api:1"),
        (f"location / {{ {API} location /a {{ }} }}", "/a", ""),
    ],
)  # fmt: skip
def test_rule(server: str, url: str, found: str) -> None:
    assert lead(server, url) == found


@pytest.mark.parametrize(
    ("allowed", "method", "place"),
    [
        ("GET", "GET", "api:1"), ("GET", "HEAD", "api:1"), ("GET", "POST", "web:1"),
        ("HEAD", "GET", "web:1"), ("HEAD", "HEAD", "api:1"), ("POST", "HEAD", "web:1"),
        ("POST PUT", "PUT", "api:1"), ("POST PUT", "GET", "web:1"),
    ],
)  # fmt: skip
def test_methods_that_a_location_limits(allowed: str, method: str, place: str) -> None:
    text = f"location / {{ limit_except {allowed} {{ {WEB} }} {API} }}"
    dump = f"{WHOLE}http {{ server {{ {text} }} }}"
    request = request_to("http://shop.test/", 80, method=method)
    assert Reader(parse(dump), lambda _: "").destination(request).leads_to == (place,)


CHAIN = {
    "rewrite": "rewrite ^ /{} last;",
    "try_files": "try_files /none /{};",
    "error_page": "error_page 404 /{}; recursive_error_pages on; return 404;",
    "index": "root /srv; index /{};",
}


@pytest.mark.parametrize("kind", CHAIN)
@pytest.mark.parametrize(("changes", "found"), [(10, "api:1"), (11, "")])
def test_most_changes_of_a_uri(kind: str, changes: int, found: str) -> None:
    """nginx gives up after ten."""
    slash = "/" if kind == "index" else ""
    steps = "".join(
        f"location = /{n}{slash} {{ {CHAIN[kind].format(f'{n + 1}{slash}')} }} "
        for n in range(changes)
    )
    assert lead(f"{steps} location = /{changes}{slash} {{ {API} }}", f"/0{slash}") == found


@pytest.mark.parametrize(
    ("server", "places", "depends_on"),
    [
        (f"location / {{ try_files $uri @a; }} {AT}", {"", "api:1"}, "whether /api exists"),
        (f"root /srv; location / {{ try_files /x$http_b @a; }} {AT}", {"", "api:1"},
         "whether /x$http_b exists"),
        (f"root /srv; location / {{ try_files $uri/ @a; }} {AT}", {"", "api:1"},
         "whether /api exists"),
        (f"root /srv; location / {{ try_files $uri$http_b /x$uri; {WEB} }} "
         f"location /x {{ {API} }}", {"web:1", "api:1"}, "whether $uri$http_b exists"),
        (f"root /srv; location / {{ try_files $uri @a; {WEB} }} {AT}", {"web:1", "api:1"},
         "whether /api exists"),
        (f"root /srv; location /api {{ alias /x$http_b; }} error_page 404 = @a; {AT}",
         {"", "api:1"}, "whether /api exists"),
        (f"location / {{ if (-f $document_root/x) {{ {WEB} }} {API} }}", {"web:1", "api:1"},
         "$document_root"),
        (f"root /srv; location /api {{ alias /x; if (-f $request_filename) {{ {WEB} }} {API} }}",
         {"web:1", "api:1"}, "$request_filename"),
        (f"root srv; location / {{ if (-f $realpath_root/x) {{ {WEB} }} {API} }}",
         {"web:1", "api:1"}, "$realpath_root"),
        (f"root /$document_root; location / {{ if (-f $document_root/x) {{ {WEB} }} {API} }}",
         {"web:1", "api:1"}, "$document_root"),
        (f"if (-d /srv/x) {{ return 200; }} location / {{ {API} }}", {"", "api:1"},
         "whether /srv/x exists"),
        (f"if (!-e /srv/x) {{ return 200; }} location / {{ {API} }}", {"", "api:1"},
         "whether /srv/x exists"),
        (f"if (!-x /srv/x) {{ return 200; }} location / {{ {API} }}", {"", "api:1"},
         "if (!-x /srv/x)"),
        # A query with an unknown variable.
        (f"location / {{ rewrite ^ /x?a=$http_a last; }} "
         f"location /x {{ if ($arg_a = b) {{ {WEB} }} {API} }}", {"web:1", "api:1"}, "$arg_a"),
        (f"location / {{ rewrite ^ /x?$http_a break; if ($arg_a) {{ {WEB} }} {API} }}",
         {"api:1"}, ""),
        (f"rewrite ^ /x?$http_a; location / {{ if ($arg_a) {{ {WEB} }} {API} }}",
         {"web:1", "api:1"}, "$arg_a"),
        (f"rewrite ^ /x?$http_a; location / {{ if ($args = b) {{ {WEB} }} {API} }}",
         {"web:1", "api:1"}, "$args"),
        (f"rewrite ^ /x?b=1&a=$http_a; location / {{ if ($arg_b = 1) {{ {WEB} }} {API} }}",
         {"web:1"}, ""),
    ],
)  # fmt: skip
def test_files_that_are_unknown(server: str, places: set[str], depends_on: str) -> None:
    assert destination(server) == (places, depends_on)


def test_an_unknown_query_after_try_files() -> None:
    server = (
        f"location / {{ try_files /none /x?a=$http_a; }} "
        f"location /x {{ if ($arg_a = b) {{ {WEB} }} {API} }}"
    )
    reader = Reader(parse(f"{WHOLE}http {{ server {{ {server} }} }}"), lambda _: "")
    found = reader.destination(at("http://shop.test/a"))
    assert (set(found.leads_to), found.depends_on) == ({"web:1", "api:1"}, "$arg_a")


@pytest.mark.parametrize(
    ("url", "depends_on"),
    [
        ("http://shop.example/docs/", "whether /docs/index.html exists"),
        ("http://shop.example/docs/x", "whether /docs/x exists"),
    ],
)
def test_indexes_that_are_unknown(url: str, depends_on: str) -> None:
    page = f"error_page 403 404 = @a; location = /docs/index.html {{ {WEB} }} {AT}"
    places, found = destination(f"root /srv; {page}", url=url)
    assert (places, found) == (
        {"web:1", "api:1"} if url.endswith("/") else {"", "api:1"},
        depends_on,
    )


def shown(server: str, url: str = "http://shop.test/a") -> tuple[str | None, str, bool]:
    dump = f"{WHOLE}http {{ server {{ {server} }} }}"
    found = Reader(parse(dump), lambda _: "").destination(at(url))
    return found.server, found.location, found.is_default


@pytest.mark.parametrize(
    ("server", "location", "is_default"),
    [
        ("server_name shop.test; location /a { }", "/a", False),
        ("server_name *.test; location = /a { }", "= /a", False),
        ("server_name ~^shop; location ~* ^/A { }", "~* ^/A", False),
        ("server_name ~^shop; location ~*^/A { }", "~* ^/A", False),
        ("server_name other; location ^~ /a { }", "^~ /a", True),
        ("location / { location /a { } }", "/a", True),
        ("location / { try_files /x @a; } location @a { return 200; }", "@a", True),
        ("location /a/ { proxy_pass http://a; }", "/a/", True),
        ("location /b { }", "", True),
        # Of what is unknown, the first possibility.
        ("location / { if ($http_x) { rewrite ^ /b last; } } location /b { return 200; }", "/",
         True),
    ],
)  # fmt: skip
def test_what_is_shown(server: str, location: str, is_default: bool) -> None:
    name = server.split()[1].rstrip(";") if server.startswith("server_name") else ""
    assert shown(server) == (name, location, is_default)
