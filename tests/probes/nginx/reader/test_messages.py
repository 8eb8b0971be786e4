"""What is said of a configuration that cannot be read, word for word."""

import pytest

from stackproof.probes.nginx.configuration import parser
from stackproof.probes.nginx.configuration.model import parse
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import WHOLE, led_to, within

BROKEN = "nginx's configuration cannot be read: "
OPEN = f"{BROKEN}a quote or an escape is open"
ENDS = f"{BROKEN}it ends within a directive"
MANY = "nginx's configuration has too many files and includes to be read"
DEEP = "nginx's configuration includes itself, or is nested too deeply"


def message(dump: str) -> str:
    with pytest.raises(UnobservedError) as raised:
        parse(dump)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("}", f"{BROKEN}a '}}' is out of place"),
        ("a { b } c;", f"{BROKEN}a '}}' is out of place"),
        ("a { b; } }", f"{BROKEN}a '}}' is out of place"),
        ("a b }", f"{BROKEN}a '}}' is out of place"),
        ("{", f"{BROKEN}a '{{' is out of place"),
        ("a { { } }", f"{BROKEN}a '{{' is out of place"),
        (";", f"{BROKEN}a ';' is out of place"),
        ("a;;", f"{BROKEN}a ';' is out of place"),
        ("a 'b;", OPEN), ('a "b;', OPEN), ("a \\", OPEN),
        ("a", ENDS), ("a {", ENDS), ("a { b; ", ENDS), ("a { b", ENDS),
        ("content_by_lua_block { if x {", f"{BROKEN}it ends within Lua"),
        ("content_by_lua_block { '}' }}", f"{BROKEN}a '}}' is out of place"),
        ("include;", "nginx's configuration has a 'include' that lacks an argument"),
        ("a {" * 40 + "}" * 40, "nginx's configuration is nested too deeply to be read"),
        ("a {" * 38 + "include nginx.conf;" + "}" * 38, DEEP),
        ("include nginx.conf;", DEEP),
        ("a;" * 20_001, "nginx's configuration has more than 20000 directives"),
    ],
)  # fmt: skip
def test_text(text: str, said: str) -> None:
    assert message(WHOLE + text) == said


def test_limits_of_a_model() -> None:
    assert message(WHOLE.ljust((1 << 20) + 1, "#")) == (
        "nginx's configuration is longer than 1 MiB"
    )
    servers = "server a;" * 10_001
    assert message(f"{WHOLE}http {{ upstream u {{ {servers} }} }}") == (
        "nginx's configuration passes requests to too many servers to be read"
    )
    assert message("") == "nginx -T showed no configuration"
    assert message("nginx: [emerg] open() failed") == "nginx -T showed no configuration"


def files(count: int, includes: int) -> str:
    others = "".join(f"# configuration file /etc/nginx/{n}.conf:\n" for n in range(1, count))
    return f"{WHOLE}{'include x*;' * includes}\n{others}"


def test_most_files_and_includes() -> None:
    assert parser.parse(files(100, 200)) == []
    assert message(files(3, 6667)) == MANY  # 20,001


@pytest.mark.parametrize(
    ("directives", "said"),
    [
        ("proxy_pass;", "nginx's configuration has a 'proxy_pass' that lacks an argument"),
        ("set $a;", "nginx's configuration has a 'set' that lacks an argument"),
        ("rewrite ^;", "nginx's configuration has a 'rewrite' that lacks an argument"),
        ("return;", "nginx's configuration has a 'return' that lacks an argument"),
        ("if a { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if ($a { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if $a) { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if (-f) { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if (a) { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if ($a -f /x) { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if (a /x) { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if ($uri = a b) { }", "nginx's configuration has an 'if' that cannot be read"),
        ("if ($uri) { proxy_pass http://a; } if ($host) { set $b c; }",
         "where the route leads depends on several 'if' of a location"),
        ("proxy_pass http://127.0.0.1;",
         "nginx passes the request to itself again and again"),
    ],
)  # fmt: skip
def test_directive(directives: str, said: str) -> None:
    with pytest.raises(UnobservedError) as raised:
        led_to("http://shop.example/", dump=within(f"location / {{ {directives} }}"))
    assert str(raised.value) == said


@pytest.mark.parametrize(
    "directives",
    [
        # Only the last true `if` decides, and each has its own handler.
        "if ($uri) { proxy_pass http://b; } if ($uri) { proxy_pass http://a; }",
        "if ($uri) { set $b c; } if ($uri) { proxy_pass http://a; }",
        "if ($uri) { proxy_pass http://b; } if ($host) { set $b c; } proxy_pass http://a;",
        "if ($uri) { set $b c; } if ($host) { set $b c; } proxy_pass http://a;",
        "if ($uri) { proxy_pass http://a; } if ($arg_x) { set $b c; }",
    ],
)
def test_several_conditions(directives: str) -> None:
    dump = within(f"location / {{ {directives} }}")
    assert led_to("http://shop.example/", dump=dump) == ("a:80",)
