"""nginx's configuration: which server block and which location a request gets."""

import itertools
import re
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import pytest

from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.probes.nginx.routing.request import Request, request_to
from stackproof.unobserved import UnobservedError

DUMP = """nginx: configuration file /etc/nginx/nginx.conf test is successful
# configuration file /etc/nginx/nginx.conf:
events {}
http {
    upstream backend { server api:5000; server vpn-api:5000 backup; }
    include conf.d/*.conf;
}

# configuration file /etc/nginx/conf.d/shop.conf:
server {
    listen 443 ssl;
    server_name shop.example *.shop.example;
    set $web web;
    location / { proxy_pass http://$web:3000; }
    location /api { proxy_pass http://backend/v1; }
    location = /n8n { return 301 /n8n/; }
    location /n8n/ { proxy_pass http://n8n:5678/; }
    location ~ \\.php$ { fastcgi_pass php:9000; }
    location ^~ /static/ { root /srv; }
}
server { listen 80 default_server; server_name _; return 301 https://$host$request_uri; }
"""


def reader(dump: str, *files: str) -> Reader:
    """The reader of a configuration in a container that has only these files."""
    return Reader(parse(dump), lambda path: "file" if path in files else "")


def at(url: str) -> Request:
    return request_to(url, urlsplit(url).port or {"http": 80, "https": 443}[urlsplit(url).scheme])


def follow(url: str, target: str) -> Request | None:
    there = urljoin(url, target)
    return at(there) if urlsplit(there).netloc == urlsplit(url).netloc else None


def led_to(url: str, *, dump: str = "", follows: bool = False) -> tuple[str, ...]:
    return reader(dump or DUMP).destination(at(url), follow if follows else None).leads_to


@pytest.mark.parametrize(
    ("path", "hosts"),
    [
        ("/", ("web:3000",)),
        ("/api/health", ("api:5000",)),
        ("/n8n/", ("n8n:5678",)),
        ("/n8n", ("",)),
        ("/api/index.php", ("php:9000",)),
        ("/static/index.php", ("",)),
    ],
)
def test_the_location_that_nginx_itself_would_choose(path: str, hosts: tuple[str, ...]) -> None:
    assert led_to(f"https://shop.example{path}") == hosts


def test_a_redirect_is_followed_where_the_client_would() -> None:
    assert led_to("https://shop.example/n8n", follows=True) == ("n8n:5678",)


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("https://shop.example/", ("web:3000",)),
        ("https://a.shop.example/", ("web:3000",)),
        # The only server at this port is its default.
        ("https://other.example/", ("web:3000",)),
        ("http://shop.example/", ("",)),
        ("https://shop.example:8443/", ()),
    ],
)
def test_server_block_of_a_host(url: str, places: tuple[str, ...]) -> None:
    assert led_to(url) == places


def test_server_block_and_location_that_are_shown() -> None:
    found = reader(DUMP).destination(at("https://shop.example/n8n"))
    assert (found.server, found.location) == ("shop.example *.shop.example", "= /n8n")
    found = reader(DUMP).destination(at("http://other.example/"))
    assert (found.server, found.location, found.is_default) == ("_", "", True)


WHOLE = "# configuration file /etc/nginx/nginx.conf:\n"


def within(directives: str) -> str:
    return f"{WHOLE}http {{ server {{ listen 80; {directives} }} }}"


def files(each: Callable[[int], str], number: int) -> str:
    return "".join(f"# configuration file /etc/nginx/{n}.conf:\n{each(n)}\n" for n in range(number))


@pytest.mark.parametrize(
    ("dump", "reason"),
    [
        (f"{WHOLE}http {{ upstream {{ server; }} }}", "has a 'upstream' that lacks an argument"),
        (f"{WHOLE}http {{ upstream a {{ server; }} }}", "has a 'server' that lacks an argument"),
        (within("location / { proxy_pass; }"), "has a 'proxy_pass' that lacks an argument"),
        (within("listen;"), "has a 'listen' that lacks an argument"),
        (within("location {}"), "has a 'location' that lacks an argument"),
        (within("set $a;"), "has a 'set' that lacks an argument"),
        (within("include;"), "has a 'include' that lacks an argument"),
        (within("listen 99999;"), "nginx listens at 99999, which is not a port"),
        (within(f"listen {'9' * 5000};"), f"nginx listens at {'9' * 60}, which is not a port"),
        (within("listen 8010-8000;"), "nginx listens at 8010-8000, which is not a port"),
        (within('set $a "x;'), "a quote or an escape is open"),
        (within("}"), "a '}' is out of place"),
        (within("{"), "a '{' is out of place"),
        (within(";"), "a ';' is out of place"),
        (WHOLE + "http {", "it ends within a directive"),
        (within("content_by_lua_block {"), "it ends within"),
        (WHOLE + "a {" * 5000 + "}" * 5000, "is nested too deeply to be read"),
        (WHOLE + "include nginx.conf;", "includes itself, or is nested too deeply"),
        (WHOLE + "a b;" * 100_000, "has more than 20000 directives"),
        (WHOLE + "#" * (2 << 20), "is longer than 1 MiB"),
        (
            WHOLE + "include 0.conf;" + files(lambda n: f"include {n + 1}.conf;" * 10, 20),
            "too many files and includes",
        ),
        (
            WHOLE + "include 0.conf;\n" * 200 + files(lambda _: "a b;" * 200, 1),
            "has more than 20000 directives",
        ),
        (WHOLE + "include *.conf;\n" * 9000 + files(lambda _: "a b;", 3000), "too many files"),
        (WHOLE + "".join(f"include {'*a' * n}b;" for n in range(200)) + files(str, 500), ""),
        ("", "nginx -T showed no configuration"),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_at_once(dump: str, reason: str) -> None:
    began = time.thread_time()
    with pytest.raises(UnobservedError) as raised:
        reader(dump).destination(at("http://shop.example/"))
    assert reason in str(raised.value)
    assert str(raised.value).startswith("nginx")
    assert len(str(raised.value)) < 200
    assert time.thread_time() - began < 5


@pytest.mark.parametrize(
    ("directives", "target"),
    [
        ("location / { proxy_pass http://u:p@[; }", "[:80"),
        ("location / { proxy_pass http://unix:/run/a.sock:/; }", "unix:/run/a.sock"),
        ("location / { proxy_pass https://[::1]; }", "[::1]:443"),
        ("set $a web; location / { set $a api; proxy_pass http://$a:5000; }", "api:5000"),
        (
            "set $a web; if ($b) { set $a api; } set $b ''; location / { proxy_pass http://$a; }",
            "web:80",
        ),
        ("set $ab web; location / { proxy_pass http://${ab}c; }", "webc:80"),
        (r"""location "/" { proxy_pass 'http://a\"b'; }""", 'a"b:80'),
        ("location / { set $a http://api:5000/x; proxy_pass $a; }", "api:5000"),
        ("location / { proxy_pass http://api:5000/$http_x_y; }", "api:5000"),
    ],
    ids=itertools.count(),
)
def test_where_a_location_leads(directives: str, target: str) -> None:
    assert led_to("http://shop.example/", dump=within(directives)) == (target,)


@pytest.mark.parametrize(
    ("directives", "why"),
    [
        ("location / { proxy_pass http://$http_x; }", "$http_x, which is unknown"),
        ("location / { proxy_pass http://$cookie_x:80; }", "$cookie_x, which is unknown"),
        ("location / { content_by_lua_block { x = {'}'} -- }\n } }", "content_by_lua_block, which"),
        ("location / { js_content main.answer; }", "js_content, which is unknown"),
        ("location / { redis2_pass a:6379; }", "redis2_pass, which is unknown"),
        ("location / { access_by_lua_file x.lua; proxy_pass http://a; }", "access_by_lua_file,"),
        ("set_by_lua_block $a { } location / { proxy_pass http://$a; }", "set_by_lua_block,"),
        ("location / { rewrite ^ /$http_x; }", "$http_x, which is unknown"),
        ("set $a " + "x" * 4000 + "; location / { proxy_pass http://$a$a; }", "is too long"),
        ("set $a " + "x" * 9999 + "; location / { proxy_pass http://a; }", "is too long"),
        ("location / { proxy_pass http://$a:80; }", "depends on $a, which is unknown"),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_what_decides_and_is_unknown_is_named(directives: str, why: str) -> None:
    with pytest.raises(UnobservedError) as raised:
        led_to("http://shop.example/", dump=within(directives))
    assert why in str(raised.value)


def test_ports() -> None:
    listen = ("[::]:443", "*:8080", "[::1]", "localhost", "unix:/run/x.sock", "127.0.0.1:81")
    [server] = parse(
        f"{WHOLE}http {{ server {{ {''.join(f'listen {each};' for each in listen)} }} }}"
    ).http.servers
    assert server.ports == (443, 8080, 80, 80, 81)


def test_range_of_ports() -> None:
    dump = f"{WHOLE}http {{ server {{ listen 8000-8010; return 200; }} }}"
    assert [led_to(f"http://a:{port}/", dump=dump) for port in (7999, 8000, 8010, 8011)] == [
        (), ("",), ("",), (),
    ]  # fmt: skip


def test_datagrams_are_no_requests() -> None:
    dump = f"{WHOLE}http {{ server {{ listen 443 quic; return 200; }} }}"
    assert led_to("https://a/", dump=dump) == ()


PATH = "/api/v1/" + "a" * 40


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"\.php$", False), (r"^/api/(v1|v2)/.*$", True), (r"^(?<version>/api/v\d)/", True),
        (r"^(.+)/(a+)$", True), (r"^/[a-z]{3}/", True), (r"^(?!/api).*$", False),
        (r"\.(jpg|jpeg|png|gif|ico|css|js|svg|woff|woff2|ttf|eot|webp|avif|mp4|webm|pdf)$", False),
    ],
)  # fmt: skip
def test_expressions_of_nginx(pattern: str, found: bool) -> None:
    dump = within(f'location ~ "{pattern}" {{ proxy_pass http://a; }}')
    assert (led_to(f"http://shop.example{PATH}", dump=dump) == ("a:80",)) == found


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$", "(a|a)*b", "(a|aa)+$", "(a*)*b", "(.*)*b", "((a*)b?)+c", "(a{1,9}){1,9}$",
        "(.*)(.*)(.*)(.*)(.*)b", "a?" * 40 + "b", "(?:a+|/)*b", "(", r"\K", "(?R)",
        "x{99999999999}", "a" * 5000, "(?<=a+)b",
    ],
)  # fmt: skip
def test_an_expression_that_cannot_be_evaluated_is_named(pattern: str) -> None:
    """Some could run for ever, and Python lets nothing else run meanwhile."""
    began = time.thread_time()
    named = re.escape(f"the regular expression {pattern[:60]}")
    with pytest.raises(UnobservedError, match=named):
        led_to(f"http://{'a' * 60}.example/", dump=within(f'server_name "~{pattern}";'))
    with pytest.raises(UnobservedError, match=named):
        led_to(f"http://shop.example{PATH}", dump=within(f'location ~ "{pattern}" {{}}'))
    assert time.thread_time() - began < 5


def test_a_redirect_to_what_is_unknown_is_named() -> None:
    dump = within("location / { return 301 /$http_x; }")
    assert led_to("http://shop.example/", dump=dump) == ("",)
    with pytest.raises(UnobservedError, match=r"^nginx redirects to /\$http_x, which is unknown$"):
        led_to("http://shop.example/", dump=dump, follows=True)
