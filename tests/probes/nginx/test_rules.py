"""nginx's own rules, one by one; the corpus has what they do together."""

import pytest

from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import WHOLE, at

FILES = {
    "/srv/a.html": "file", "/srv/index.html": "file", "/srv/docs": "directory",
    "/srv/docs/index.htm": "file", "/srv": "directory", "/srv/empty": "directory",
    "/etc/nginx/html/own.txt": "file", "/usr/share/nginx/html/pkg.txt": "file",
    "/other/x.txt": "file",
}  # fmt: skip
API, WEB = "proxy_pass http://api:1;", "proxy_pass http://web:1;"
AT = f"location @a {{ {API} }}"


def lead(server: str, url: str = "/a", before: str = "", own: tuple[str, ...] = ()) -> str:
    """Return where a request leads; an empty text is nginx itself, `refused` no server block."""
    dump = f"{WHOLE}http {{ {before} server {{ listen 80; {server} }} }}"
    reader = Reader(
        parse(dump), lambda path: FILES.get(path.rstrip("/") or "/", ""), frozenset(own)
    )
    found = reader.destination(at(url if "://" in url else f"http://shop.test{url}"))
    assert found.depends_on == ""
    return " ".join(found.leads_to) if found.leads_to else "refused"


@pytest.mark.parametrize(
    ("names", "host", "first"),
    [
        ("a.test", "a.test", True),
        ("a.test", "A.TEST", True),
        ("A.test", "a.test", True),
        ("a.test", "a.test.", True),
        ("*.test", "a.test", True),
        ("*.test", "a.b.test", True),
        ("*.test", "test", False),
        (".test", "test", True),
        (".test", "a.test", True),
        ("a.*", "a.b.test", True),
        ("a.*", "a", False),
        ("b.*", "a.b", False),
        ("~^a\\.", "a.test", True),
        ("~^A\\.", "a.test", True),
        ("~^b", "a.test", False),
        ("b a.test", "a.test", True),
        ("''", "a.test", False),
    ],
)
def test_names_of_a_server(names: str, host: str, first: bool) -> None:
    before = f"server {{ listen 80 default_server; location / {{ {WEB} }} }}"
    found = lead(f"server_name {names}; location / {{ {API} }}", f"http://{host}/", before)
    assert found == ("api:1" if first else "web:1")


@pytest.mark.parametrize(
    ("one", "other", "host", "found"),
    [
        ("a.test", "*.test", "a.test", "one"),
        ("*.test", "a.test", "a.test", "other"),
        ("*.test", "*.b.test", "a.b.test", "other"),
        ("a.*", "*.test", "a.test", "other"),
        ("a.*", "a.b.*", "a.b.test", "other"),
        ("~a", "*.test", "a.test", "other"),
        ("~a", "~.", "a.test", "one"),
        # Conflicts: nginx warns, and ignores the later one, with all that it means.
        ("a.test", "a.test", "a.test", "one"),
        ("a.test", ".a.test", "b.a.test", "default"),
        (".a.test", "a.test", "a.test", "one"),
        ("*.a.test", ".a.test", "a.test", "default"),
        (".a.test", "*.a.test", "b.a.test", "one"),
        ("*.a.test", "*.a.test", "b.a.test", "one"),
        ("a.*", "a.*", "a.b", "one"),
    ],
)
def test_which_name_wins(one: str, other: str, host: str, found: str) -> None:
    servers = "".join(
        f"server {{ listen 80; server_name {names}; location / {{ proxy_pass http://{place}; }} }}"
        for names, place in [("x", "default:1"), (one, "one:1"), (other, "other:1")]
    )
    assert lead("", f"http://{host}/", servers) == f"{found}:1"


@pytest.mark.parametrize(
    ("listens", "found"),
    [
        (("80", "80"), "one"),
        (("80", "80 default_server"), "two"),
        (("80", "80 default"), "two"),
        (("8080", "80"), "two"),
        (("[::]:80", "80"), "two"),
        (("[::]:80", "8080"), "one"),
        (("127.0.0.1:80", "80"), "two"),
        (("[::1]:80", "80"), "two"),
        (("localhost:80", "80"), "two"),
        (("unix:/run/a", "80"), "two"),
        (("*:80", "0.0.0.0:80"), "one"),
        (("79-80", "80"), "one"),
        (("80 udp", "80"), "two"),
        (("8080", "8081"), "refused"),
        (("127.0.0.1:80", "8081"), "refused"),
    ],
)
def test_sockets(listens: tuple[str, str], found: str) -> None:
    servers = "".join(
        f"server {{ listen {listen}; location / {{ proxy_pass http://{place}:1; }} }}"
        for listen, place in zip(listens, ("one", "two"), strict=True)
    )
    reader = Reader(parse(f"{WHOLE}http {{ {servers} }}"), lambda _: "")
    places = reader.destination(at("http://shop.test/")).leads_to
    assert places == ((f"{found}:1",) if found != "refused" else ())


def test_server_that_rejects_handshakes() -> None:
    assert lead(f"ssl_reject_handshake on; location / {{ {API} }}") == "refused"
    assert lead(f"ssl_reject_handshake off; location / {{ {API} }}") == "api:1"


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("/a//b", "/a/b"), ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a/..", "/"), ("/a/.", "/a/"),
        ("/a%2Fb", "/a/b"), ("/a%20b", "/a b"), ("/a/../../b/", "/b/"), ("/a.b", "/a.b"),
        ("/a/.b", "/a/.b"), ("", "/"),
    ],
)  # fmt: skip
def test_uri_of_a_path(url: str, uri: str) -> None:
    assert at(f"http://shop.test{url}").uri == uri


@pytest.mark.parametrize(
    ("server", "url", "found"),
    [
        # Files.
        (f"root /srv; location / {{ try_files $uri @a; }} {AT}", "/a.html", ""),
        (f"root /srv; location / {{ try_files $uri @a; }} {AT}", "/b", "api:1"),
        (f"root /srv; location / {{ try_files $uri @a; }} {AT}", "/docs", "api:1"),
        (f"root /srv; location / {{ try_files $uri/ @a; }} {AT}", "/docs", ""),
        (f"root /srv; location / {{ try_files $uri.html @a; }} {AT}", "/a", ""),
        (f"root /srv; location / {{ try_files $uri /b; }} location /b {{ {API} }}", "/x", "api:1"),
        ("location / { try_files $uri @a; }", "/x", ""),
        (f"root /srv; error_page 404 = @a; location / {{ try_files $uri =404; }} {AT}", "/x",
         "api:1"),
        (f"root /srv; error_page 403 = @a; location / {{ try_files $uri =404; }} {AT}", "/x", ""),
        (f"root /srv; location / {{ try_files $uri /b?c; }} location /b {{ {API} }}", "/x",
         "api:1"),
        (f"root /srv; index none a.html; location = /docs/a.html {{ {API} }}", "/docs/", ""),
        (f"root /srv; index none index.htm; location = /docs/index.htm {{ {API} }}", "/docs/",
         "api:1"),
        (f"root /srv; location / {{ try_files $uri =404; {API} }}", "/a.html", "api:1"),
        (f"root /srv; location / {{ try_files $uri =404; {API} }}", "/b", ""),
        (f"location / {{ try_files $uri @a; }} {AT}", "/own.txt", ""),
        (f"location / {{ try_files $uri @a; }} {AT}", "/pkg.txt", ""),
        (f"root html; location / {{ try_files $uri @a; }} {AT}", "/own.txt", ""),
        (f"location /s/ {{ alias /other/; error_page 404 = @a; }} {AT}",
         "/s/x.txt", ""),
        (f"location /s/ {{ alias /other/; error_page 404 = @a; }} {AT}",
         "/s/y.txt", "api:1"),
        (f"location ~ ^/s/(.*)$ {{ alias /other/$1; error_page 404 = @a; }} {AT}",
         "/s/x.txt", ""),
        (f"location ~ ^/s/(.*)$ {{ alias /other/$1; error_page 404 = @a; }} {AT}",
         "/s/y.txt", "api:1"),
        # Directories.
        (f"root /srv; index index.htm; location /docs/index.htm {{ {API} }}", "/docs/", "api:1"),
        (f"root /srv; index x /i; location /i {{ {API} }}", "/docs/", "api:1"),
        (f"root /srv; location = /index.html {{ {API} }}", "/", "api:1"),
        (f"root /srv; error_page 403 = @a; {AT}", "/empty/", "api:1"),
        (f"root /srv; error_page 404 = @a; {AT}", "/empty/", ""),
        (f"root /srv; error_page 404 = @a; {AT}", "/none/", "api:1"),
        (f"root /srv; autoindex on; error_page 403 = @a; {AT}", "/empty/", ""),
        (f"root /srv; autoindex off; error_page 403 = @a; {AT}", "/empty/",
         "api:1"),
        (f"root /srv; error_page 404 = @a; {AT}", "/docs", ""),
        # Errors.
        (f"error_page 404 = @a; location / {{ return 404; }} {AT}", "/", "api:1"),
        (f"error_page 404 = @a; location / {{ return 404 no; }} {AT}", "/", ""),
        (f"error_page 404 =200 /b; location / {{ return 404; }} location /b {{ {API} }}", "/",
         "api:1"),
        (f"error_page 500 404 /b; location / {{ return 404; }} location /b {{ {API} }}",
         "/", "api:1"),
        (f"error_page 500 /b; location / {{ return 404; }} location /b {{ {API} }}", "/", ""),
        (f"error_page 404 /b; location / {{ error_page 500 /b; return 404; }} "
         f"location /b {{ {API} }}", "/", ""),
        ("error_page 404 http://other.test/; location / { return 404; }", "/", ""),
        (f"error_page 404 $p; set $p /b; location / {{ return 404; }} location /b {{ {API} }}", "/",
         "api:1"),
        (f"error_page 404 /b; error_page 500 /c; location / {{ return 404; }} "
         f"location /b {{ return 500; }} location /c {{ {API} }}", "/", ""),
        (f"recursive_error_pages on; error_page 404 /b; error_page 500 /c; "
         f"location / {{ return 404; }} location /b {{ return 500; }} location /c {{ {API} }}", "/",
         "api:1"),
        (f"error_page 404 = @a; return 404; {AT}", "/", "api:1"),
        # Access.
        (f"location / {{ deny all; {API} }}", "/", ""),
        (f"location / {{ deny 10.0.0.0/8; {API} }}", "/", "api:1"),
        (f"location / {{ allow 10.0.0.0/8; deny all; {API} }}", "/", "api:1"),
        (f"location / {{ deny all; satisfy any; auth_basic x; {API} }}", "/", "api:1"),
        (f"location / {{ deny all; satisfy all; {API} }}", "/", ""),
        (f"deny all; location / {{ {API} }}", "/", ""),
        (f"deny all; location / {{ allow all; {API} }}", "/", "api:1"),
        (f"error_page 403 = @a; deny all; location / {{ }} location @a {{ allow all; {API} }}", "/",
         "api:1"),
        (f"location / {{ auth_basic x; auth_request /b; {API} }}", "/", "api:1"),
        (f"location / {{ limit_except GET HEAD {{ {WEB} }} {API} }}", "/", "api:1"),
        (f"location / {{ limit_except POST {{ {WEB} }} {API} }}", "/", "web:1"),
        (f"location / {{ limit_except POST {{ deny all; }} {API} }}", "/", "api:1"),
        # Internal locations.
        (f"location / {{ internal; {API} }}", "/", ""),
        (f"location /b {{ internal; {API} }} location / {{ rewrite ^ /b; }}", "/", "api:1"),
        (f"rewrite ^ /b; location /b {{ internal; {API} }}", "/", "api:1"),
        (f"location /b {{ internal; {API} }} location / {{ try_files /x /b; }}", "/", "api:1"),
        (f"error_page 404 /b; location /b {{ internal; {API} }}", "/b", "api:1"),
        (f"location /b {{ internal; location /b/c {{ {API} }} }}", "/b/c", ""),
        # Slashes.
        (f"location /b/ {{ {API} }} location / {{ {WEB} }}", "/b", ""),
        (f"location /b/ {{ root /srv; }} location / {{ {WEB} }}", "/b", "web:1"),
        (f"location /b/ {{ {API} }} location /b {{ {WEB} }}", "/b", "web:1"),
        (f"location /b/ {{ {API} }} location = /b {{ {WEB} }}", "/b", "web:1"),
        (f"location = /b/ {{ {API} }} location / {{ {WEB} }}", "/b", ""),
        (f"location ~ ^/b$ {{ {WEB} }} location /b/ {{ {API} }}", "/b", ""),
        # Other handlers.
        ("location / { stub_status; }", "/", ""),
        ("location / { empty_gif; }", "/", ""),
        (f"location / {{ mirror /m; sub_filter a b; ssi on; {API} }}", "/", "api:1"),
        (f"location / {{ post_action /m; brotli on; more_set_headers a; {API} }}", "/", "api:1"),
    ],
)  # fmt: skip
def test_rule(server: str, url: str, found: str) -> None:
    assert lead(server, url) == found


@pytest.mark.parametrize(
    ("rewriting", "url", "found"),
    [
        ("rewrite ^/a$ /api last;", "/a", "api:1"),
        ("rewrite ^/a$ /api;", "/a", "api:1"),
        ("rewrite ^/a$ /api break;", "/a", "api:1"),
        ("rewrite ^/b$ /api last;", "/a", "web:1"),
        ("rewrite ^/A$ /api last;", "/a", "web:1"),
        ("rewrite (?i)^/A$ /api last;", "/a", "api:1"),
        ("rewrite ^/a$ /b; rewrite ^/b$ /api;", "/a", "api:1"),
        ("rewrite ^/a$ /b last; rewrite ^/b$ /api;", "/a", "web:1"),
        ("rewrite ^/a$ /b break; rewrite ^/b$ /api;", "/a", "web:1"),
        ("rewrite ^/a$ /api redirect;", "/a", ""),
        ("rewrite ^/a$ /api permanent;", "/a", ""),
        ("rewrite ^/a$ http://shop.test/api;", "/a", ""),
        ("rewrite ^/a$ https://shop.test/api;", "/a", ""),
        ("rewrite ^/a$ $scheme://shop.test/api;", "/a", ""),
        ("rewrite ^/(a)(b)?$ /$1pi;", "/a", "api:1"),
        ("rewrite ^/(?<x>a)$ /${x}pi;", "/a", "api:1"),
        ("rewrite ^ /api?x=y; if ($arg_x = y) { return 200; }", "/a", "api:1"),
        ("break; return 200;", "/api", "api:1"),
        ("if ($uri = /a) { break; } return 200;", "/a", "web:1"),
        ("if ($uri = /a) { return 200; }", "/a", ""),
        ("if ($uri = /a) { rewrite ^ /api last; } return 200;", "/a", "api:1"),
        ("if ($uri != /a) { return 200; }", "/a", "web:1"),
        ("if ($uri != /b.) { return 200; }", "/b1", ""),
        ("if ($uri ~ ^/A) { return 200; }", "/a", "web:1"),
        ("if ($uri ~* ^/A) { return 200; }", "/a", ""),
        ("if ($uri !~ ^/A) { return 200; }", "/a", ""),
        ("if ($uri !~* ^/A) { return 200; }", "/a", "web:1"),
        ("if ( $uri = /a ) { return 200; }", "/a", ""),
        ("if ($arg_x) { return 200; }", "/a?x=0", "web:1"),
        ("if ($arg_x) { return 200; }", "/a?x=1", ""),
        ("if ($arg_x) { return 200; }", "/a", "web:1"),
        ('if ($arg_x = "") { return 200; }', "/a", ""),
        ("if ($arg_x = $arg_y) { return 200; }", "/a?x=1&y=1", ""),
        ("if (-f /srv/a.html) { return 200; }", "/a", ""),
        ("if (!-f /srv/a.html) { return 200; }", "/a", "web:1"),
        ("if (-d /srv/a.html) { return 200; }", "/a", "web:1"),
        ("if (-d /srv/docs) { return 200; }", "/a", ""),
        ("if (-e /srv/docs) { return 200; }", "/a", ""),
        ("if (!-e /srv/none) { return 200; }", "/a", ""),
        ("root /srv; if (-f $document_root/a.html) { return 200; }", "/x", ""),
        ("root /srv; if (-f $request_filename) { return 200; }", "/a.html", ""),
        ("root /srv; if (-f $realpath_root$uri) { return 200; }", "/a.html", ""),
        ("return 301 /api;", "/a", ""),
        ("return http://shop.test/api;", "/a", ""),
        ("return 200;", "/api", ""),
        ("return 444;", "/api", ""),
        ("rewrite ^/a$ /api?b? last;", "/a", "api:1"),
    ],
)
def test_rewriting(rewriting: str, url: str, found: str) -> None:
    server = f"{rewriting} location /api {{ {API} }} location / {{ {WEB} }}"
    assert lead(server, url) == found


@pytest.mark.parametrize(
    ("rewriting", "query"),
    [
        ("rewrite ^ /b;", "x=1"), ("rewrite ^ /b?;", ""), ("rewrite ^ /b?y=2;", "y=2&x=1"),
        ("rewrite ^ /b?y=2?;", "y=2"), ("rewrite ^ /b?y=$arg_x?;", "y=1"),
    ],
)  # fmt: skip
def test_query_after_a_rewrite(rewriting: str, query: str) -> None:
    server = f"{rewriting} location /b {{ proxy_pass http://$pool; }}"
    before = f"map $args $pool {{ '{query}' api:1; default web:1; }}"
    assert lead(server, "/a?x=1", before) == "api:1"


@pytest.mark.parametrize(
    ("entries", "value", "found"),
    [
        ("a api:1; default web:1;", "a", "api:1"), ("a api:1; default web:1;", "A", "api:1"),
        ("A api:1; default web:1;", "a", "api:1"), ("a api:1; default web:1;", "b", "web:1"),
        ("~a api:1; default web:1;", "bab", "api:1"), ("~a api:1; default web:1;", "A", "web:1"),
        ("~*a api:1; default web:1;", "A", "api:1"), ("~a web:1; ab api:1;", "ab", "api:1"),
        ("~a api:1; ~b web:1;", "ab", "api:1"), ("\\~a api:1; default web:1;", "~a", "api:1"),
        ("\\default api:1; default web:1;", "default", "api:1"),
        ("hostnames; *.a api:1; default web:1;", "b.a", "api:1"),
        ("hostnames; .a api:1; default web:1;", "a", "api:1"),
        ("hostnames; .a api:1; default web:1;", "b.a", "api:1"),
        ("hostnames; *.a api:1; default web:1;", "a", "web:1"),
        ("hostnames; a.* api:1; default web:1;", "a.b", "api:1"),
        ("hostnames; *.c web:1; *.b.c api:1;", "a.b.c", "api:1"),
        ("*.a api:1; default web:1;", "b.a", "web:1"),
        ("~^(?<p>a) $p.x:1; default web:1;", "ab", "a.x:1"),
        ("~^(a)(b)? ${1}x$2:1; default web:1;", "a", "ax:1"),
        ("~^(a) $10.x:1; default web:1;", "a", "a0.x:1"),
        ("~^(a) a$2.x:1; default web:1;", "a", "a.x:1"),
        ("volatile; a api:1; default web:1;", "a", "api:1"),
        ("a $arg_x:1; default web:1;", "a", "a:1"),
    ],
)  # fmt: skip
def test_map(entries: str, value: str, found: str) -> None:
    before = f"map $arg_x $pool {{ {entries} }}"
    assert lead("location / { proxy_pass http://$pool; }", f"/?x={value}", before) == found


def test_map_is_evaluated_once() -> None:
    before = "map $uri $pool {{ {} /a web:1; /b api:1; }}"
    server = "set $x $pool; rewrite ^ /b; location / { proxy_pass http://$pool; }"
    assert lead(server, "/a", before.format("")) == "web:1"
    assert lead(server, "/a", before.format("volatile;")) == "api:1"


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("http://g", "one:1 two:80"), ("http://G/x", "one:1 two:80"), ("http://g:80", "g:80"),
        ("http://$x", "one:1 two:80"), ("$y", "one:1 two:80"), ("http://user@api", "api:80"),
        ("http://api?x", "api:80"), ("http://[fd00::1]:5/x", "[fd00::1]:5"),
        ("http://", ""), ("http://:5", ""), ("http://unix:/run/x.sock", "unix:/run/x.sock"),
    ],
)  # fmt: skip
def test_target(target: str, place: str) -> None:
    before = "upstream g { server one:1; server two; server three backup; server four down; }"
    server = f"set $x g; set $y http://g; location / {{ proxy_pass {target}; }}"
    assert lead(server, "/", before) == place


SELF = f"""
server {{ listen 81; server_name other.test; location / {{ proxy_pass http://other:1; }} }}
server {{ listen 81; server_name shop.test; location /x {{ {API} }} location / {{ {WEB} }} }}
server {{ listen unix:/run/a.sock; location / {{ proxy_pass http://socket:1; }} }}
"""


@pytest.mark.parametrize(
    ("location", "url", "found"),
    [
        ("proxy_pass http://127.0.0.1:81;", "/", "other:1"),
        ("proxy_pass http://localhost:81; proxy_set_header Host $host;", "/", "web:1"),
        ("proxy_pass http://127.0.0.9:81; proxy_set_header host shop.test;", "/x", "api:1"),
        ("proxy_pass http://[::1]:81; proxy_set_header Host shop.test:9;", "/x", "api:1"),
        ("proxy_pass http://127.0.0.1:81/x; proxy_set_header Host $host;", "/", "api:1"),
        ("proxy_pass http://127.0.0.1:81/; proxy_set_header Host $host;", "/x", "api:1"),
        ("proxy_set_header X y; proxy_pass http://127.0.0.1:81;", "/", "other:1"),
        ("set $u http://127.0.0.1:81; proxy_pass $u; proxy_set_header Host $host;", "/x", "api:1"),
        ("set $u http://127.0.0.1:81/x; proxy_pass $u; proxy_set_header Host $host;", "/", "api:1"),
        ("rewrite ^ /x break; proxy_pass http://127.0.0.1:81; proxy_set_header Host $host;", "/",
         "api:1"),
        ("proxy_pass http://unix:/run/a.sock;", "/", "socket:1"),
        ("proxy_pass http://unix:/run/a.sock:/x;", "/", "socket:1"),
        ("proxy_pass http://unix:/run/b.sock;", "/", "unix:/run/b.sock"),
        ("proxy_pass http://proxy:81; proxy_set_header Host $host;", "/x", "api:1"),
        ("proxy_pass http://127.0.0.1:82;", "/", "127.0.0.1:82"),
        ("proxy_pass http://127.0.0.1:99999;", "/", "127.0.0.1:99999"),
        ("proxy_pass http://somebody:81;", "/", "somebody:81"),
    ],
)  # fmt: skip
def test_request_to_itself(location: str, url: str, found: str) -> None:
    assert lead(f"location / {{ {location} }}", url, SELF, own=("proxy",)) == found


def test_request_to_itself_with_an_unknown_path() -> None:
    with pytest.raises(UnobservedError, match="to itself, with a path that is unknown"):
        lead("location / { proxy_pass http://127.0.0.1:81/$http_a; }", "/", SELF)


def streamed(stream: str, url: str) -> tuple[str, ...]:
    dump = f"{WHOLE}stream {{ {stream} }} http {{ server {{ listen 80; location / {{ {API} }} }} }}"
    return Reader(parse(dump), lambda _: "").destination(at(url)).leads_to


@pytest.mark.parametrize(
    ("stream", "url", "places"),
    [
        ("server { listen 443; proxy_pass web:1; }", "https://a/", ("web:1",)),
        ("server { listen 443; proxy_pass web:1; }", "http://a/", ("api:1",)),
        ("server { listen 443 udp; proxy_pass web:1; }", "https://a/", ()),
        ("server { listen 443; proxy_pass 127.0.0.1:80; }", "https://a/", ("api:1",)),
        ("server { listen 443; pass 127.0.0.1:80; }", "https://a/", ("api:1",)),
        ("server { listen 443; return x; }", "https://a/", ("",)),
        ("upstream g { server b:1; server c:1 backup; } server { listen 443; proxy_pass g; }",
         "https://a/", ("b:1",)),
        ("map $ssl_preread_server_name $p { a b:1; default c:1; } "
         "server { listen 443; ssl_preread on; proxy_pass $p; }", "https://a/", ("b:1",)),
        ("map $server_port $p { 443 b:1; default c:1; } server { listen 443; proxy_pass $p; }",
         "https://a/", ("b:1",)),
        ("map $ssl_preread_server_name $p { hostnames; *.a b:1; default c:1; } "
         "server { listen 443; ssl_preread on; proxy_pass $p; }", "https://x.a/", ("b:1",)),
    ],
)  # fmt: skip
def test_stream(stream: str, url: str, places: tuple[str, ...]) -> None:
    assert streamed(stream, url) == places
