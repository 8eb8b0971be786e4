"""The limits of what is read of nginx's configuration and log, and the words that decide."""

import re
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from stackproof.probes.nginx import log
from stackproof.probes.nginx.configuration import parser
from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing import choices
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import at, led_to, reader

MAIN = "# configuration file /etc/nginx/nginx.conf:\n"


def _within(directives: str) -> str:
    return f"{MAIN}http {{ server {{ listen 80; {directives} }} }}"


def _target(directives: str, *, follows: bool = False, url: str = "http://shop.example/") -> str:
    [place] = led_to(url, dump=_within(directives), follows=follows)
    return place


@pytest.mark.parametrize(
    "options",
    [
        "keepalive 32;",
        "least_conn;",
        "ip_hash;",
        "zone backend 64k;",
        "random two least_conn;",
        "hash $request_uri consistent;",
    ],
)
def test_servers_of_an_upstream_with_options(options: str) -> None:
    before = f"upstream app {{ {options} server api:5000 max_fails=3; server web:3000; }}"
    after = f"upstream app {{ server api:5000 max_fails=3; server web:3000; {options} }}"
    for upstream in (before, after):
        dump = f"{MAIN}http {{ {upstream} server {{ location / {{ proxy_pass http://app; }} }} }}"
        assert led_to("http://shop.example/", dump=dump) == ("api:5000", "web:3000")


@pytest.mark.parametrize(
    ("directive", "address"),
    [
        ("proxy_pass http://api", "api:80"),
        ("proxy_pass https://api", "api:443"),
        ("grpc_pass grpc://api", "api:80"),
        ("grpc_pass grpcs://api", "api:443"),
        ("fastcgi_pass api:9000", "api:9000"),
        ("uwsgi_pass api:3031", "api:3031"),
        ("uwsgi_pass suwsgi://api", "api:443"),
        ("scgi_pass api:4000", "api:4000"),
        ("memcached_pass api:11211", "api:11211"),
    ],
)
def test_directives_that_pass_requests_on(directive: str, address: str) -> None:
    assert _target(f"location / {{ {directive}; }}") == address


def test_escapes_in_quotes() -> None:
    [server] = parse(_within(r'server_name "" "a\tb\rc\nd\"e\\f" ' + r"'g\'h';")).http.servers
    assert server.names == ("", 'a\tb\rc\nd"e\\f', "g'h")


REDIRECTED = "location = /n8n {{ return {} {}; }} location /n8n/ {{ grpc_pass a:1; }}"


@pytest.mark.parametrize("code", ["301", "302", "303", "307", "308"])
@pytest.mark.parametrize("target", ["/n8n/", "$scheme://$host/n8n/", "http://$host/n8n/"])
def test_redirect_that_is_followed(code: str, target: str) -> None:
    directives = REDIRECTED.format(code, target)
    assert _target(directives, follows=True, url="http://shop.example/n8n") == "a:1"


@pytest.mark.parametrize("returns", ["200 /n8n/", "301 https://other.example/n8n/", "301 ''"])
def test_redirect_that_is_not_followed(returns: str) -> None:
    directives = REDIRECTED.format(*returns.split())
    assert _target(directives, follows=True, url="http://shop.example/n8n") == ""


@pytest.mark.parametrize(("steps", "place"), [(5, "a:1"), (6, "")])
def test_at_most_five_redirects_are_followed(steps: int, place: str) -> None:
    chain = " ".join(f"location = /{n} {{ return 301 /{n + 1}; }}" for n in range(steps))
    last = f"location = /{steps} {{ grpc_pass a:1; }}"
    assert _target(f"{chain} {last}", follows=True, url="http://shop.example/0") == place


def test_most_directives() -> None:
    assert len(parser.parse(MAIN + "a b;" * 20_000)) == 20_000
    with pytest.raises(UnobservedError, match="has more than 20000 directives"):
        parser.parse(MAIN + "a b;" * 20_001)


def test_deepest_block() -> None:
    assert parser.parse(MAIN + "a {" * 39 + "}" * 39)
    with pytest.raises(UnobservedError, match=r"^nginx's configuration is nested too deeply"):
        parser.parse(MAIN + "a {" * 40 + "}" * 40)


def test_deepest_include() -> None:
    def including(files: int) -> str:
        chain = [f"# configuration file /etc/nginx/{n}.conf:\ninclude {n + 1}.conf;\n"
                 for n in range(1, files)]  # fmt: skip
        last = f"# configuration file /etc/nginx/{files}.conf:\nevents {{}}\n"
        return "".join([MAIN, "include 1.conf;\n", *chain, last])

    assert parse(including(39)).http.servers == ()
    with pytest.raises(UnobservedError, match=r"^nginx's configuration includes itself, or is "):
        parse(including(40))


def test_longest_configuration() -> None:
    assert parse(MAIN.ljust(1 << 20, "#")).http.servers == ()
    with pytest.raises(UnobservedError, match="is longer than 1 MiB"):
        parse(MAIN.ljust((1 << 20) + 1, "#"))


def test_most_servers_of_an_upstream() -> None:
    def upstream(servers: int) -> str:
        return f"{MAIN}http {{ upstream u {{ {'server a;' * servers} }} }}"

    assert parse(upstream(10_000)).http.groups["u"].addresses == ("a:80",)
    with pytest.raises(UnobservedError, match="passes requests to too many servers"):
        parse(upstream(10_001))


@pytest.mark.parametrize("port", ["1", "65535", "000080"])
def test_port(port: str) -> None:
    [server] = parse(f"{MAIN}http {{ server {{ listen {port}; }} }}").http.servers
    assert server.ports == (int(port),)


@pytest.mark.parametrize("port", ["0", "65536", "0000001"])
def test_number_that_is_no_port(port: str) -> None:
    with pytest.raises(UnobservedError, match=f"^nginx listens at {port}, which is not a port$"):
        parse(f"{MAIN}http {{ server {{ listen {port}; }} }}")


def test_most_steps_of_an_expression() -> None:
    # The number of starts times the number of repetitions.
    directives = 'location ~ "a*" { grpc_pass a:1; }'
    assert _target(directives, url=f"http://shop.example/{'a' * 998}") == "a:1"
    with pytest.raises(UnobservedError, match="cannot be evaluated safely"):
        _target(directives, url=f"http://shop.example/{'a' * 999}")


def test_most_work_for_all_routes() -> None:
    """Each expression takes a tenth of a second, and there may be thousands."""
    locations = "".join(f'location ~ "a*b*{n}$" {{ }}' for n in range(40))
    shop = reader(_within(locations))
    url = f"http://shop.example/{'a' * 60}"
    assert shop.destination(at(url)).leads_to == ("",)
    with pytest.raises(UnobservedError, match="takes too long to be evaluated"):
        list(map(shop.destination, [at(url)] * 2))


UNKNOWN = "".join(f"if ($http_x{n}) {{ set $a {n}; }}" for n in range(6))


@pytest.mark.parametrize(
    "text",
    [
        f"map $uri $m {{ {'a{} b; ' * 9000} }} server {{ listen 80; {UNKNOWN} return 200 $m; }}",
        f"server {{ listen 80; {UNKNOWN} {'set $b c; ' * 9000} }}",
        f"server {{ listen 80; {UNKNOWN} {'location /{} {{ }} ' * 9000} }}",
        f"server {{ listen 80; server_name {'a{} ' * 9000}; {UNKNOWN} }}",
        f"{'server {{ listen 80; }} ' * 9000}",
        f"server {{ listen 80; {UNKNOWN} {'if ($uri ~ a$) {{ set $b c; }}' * 4000} }}",
    ],
)
def test_time_for_many_routes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "_MAX_WORK", choices._MAX_WORK // 5)
    numbers = iter(range(10_000))
    unique = re.sub(r"\{\}", lambda _: str(next(numbers)), text)
    shop = reader(f"{MAIN}http {{ {unique.replace('{{', '{').replace('}}', '}')} }}")
    began = time.thread_time()
    with suppress(UnobservedError):
        for number in range(60):
            shop.destination(at(f"http://shop.example/{number}"))
    assert time.thread_time() - began < 2


def test_most_unknown_values() -> None:
    def unknown(count: int) -> str:
        return "".join(f"if ($http_x{n}) {{ set $a {n}; }}" for n in range(count)) + "return 200;"

    assert _target(unknown(6)) == ""
    with pytest.raises(UnobservedError, match="on too many unknown values"):
        _target(unknown(7))


def test_variables_of_variables() -> None:
    def maps(count: int) -> str:
        chain = "".join(f"map $m{n + 1} $m{n} {{ default a{n}; x b; }}" for n in range(count))
        return (
            f"{MAIN}http {{ {chain} map $uri $m{count} {{ default x; }} "
            "server { location / { proxy_pass http://$m0; } } }"
        )

    assert led_to("http://shop.example/", dump=maps(9)) == ("a0:80",)
    with pytest.raises(UnobservedError, match="has variables of too many variables"):
        led_to("http://shop.example/", dump=maps(10))


@pytest.mark.parametrize(
    "directives",
    [
        "location / { rewrite ^ / last; }",
        "location / { error_page 404 = /; recursive_error_pages on; return 404; }",
        "location / { try_files /none /; }",
    ],
)
def test_endless_loop_is_an_error_of_nginx(directives: str) -> None:
    assert _target(directives) == ""


def test_request_to_itself_again_and_again() -> None:
    with pytest.raises(UnobservedError, match="to itself again and again"):
        _target("location / { proxy_pass http://127.0.0.1; }")


def test_longest_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_LOG_CAP", 1 << 20)
    assert not log._entries([b"x" * (1 << 19), b"x" * (1 << 19)])
    with pytest.raises(UnobservedError, match="has logged more than 1 MiB"):
        log._entries([b"x" * (1 << 19), b"x" * (1 << 19), b"x"])


@pytest.mark.parametrize("level", ["crit", "alert", "emerg"])
def test_levels_of_the_log(level: str) -> None:
    [entry] = log._entries([f"2026-01-31T12:00:00Z nginx: [{level}] 1#1: it\n".encode()])
    assert (entry.at, entry.line) == (
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        f"nginx: [{level}] 1#1: it",
    )


def test_entries_kept_of_a_log() -> None:
    lines = [f"2026-01-31T12:00:00Z nginx: [crit] 1#1: {n}".ljust(400, "x") for n in range(21)]
    for parts in (["\n".join(lines)], [f"{line}\n" for line in lines]):
        entries = log._entries([part.encode() for part in parts])
        assert len(entries) == 20
        assert entries[0].line.startswith("nginx: [crit] 1#1: 1x")
        assert {len(entry.line) for entry in entries} == {300}
