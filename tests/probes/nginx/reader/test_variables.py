"""Variables: those of nginx, those that are set, and what a `map` makes of others."""

from typing import Any

import pytest

from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing.choices import Budget, Choices, UnknownError
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.probes.nginx.routing.variables import Variables
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import WHOLE, at
from tests.probes.nginx.test_rules import lead
from tests.probes.nginx.test_unknown import destination


def variables(http: str = "", **known: str) -> Variables:
    scope = parse(f"{WHOLE}http {{ {http} }}").http
    return Variables(scope, known.get, Choices([]), Budget())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$a", "A"), ("${a}", "A"), ("x$a-${a}b$", "xA-Ab$"), ("$ab", "AB"), ("${a}b", "Ab"),
        ("$1$2", "g"), ("${1}0", "g0"), ("$10", "g0"), ("$0", "$0"), ("plain", "plain"), ("", ""),
        ("$a$", "A$"), ("$$a", "$A"), ("$-", "$-"), ("$n", "g"), ("$3", ""),
    ],
)  # fmt: skip
def test_text(text: str, value: str) -> None:
    found = variables("", a="A", ab="AB")
    assert found.matches("(?<n>g)(h)?", "xg")
    assert found.expand(text) == value


def test_longest_text() -> None:
    found = variables("", a="a" * 4095)
    assert len(found.expand("$a-")) == 4096
    with pytest.raises(UnobservedError) as raised:
        found.expand("$a--")
    assert str(raised.value) == "nginx's configuration has a value that is too long"


def test_variable_that_is_set() -> None:
    found = variables("server { set $b 1; }", a="A")
    assert found.value("b") == ""
    found.set("b", "$a")
    assert found.value("b") == "A"
    found.set("b", "$none")
    with pytest.raises(UnknownError, match=r"^where the route leads depends on \$none, which is "):
        found.value("b")


def test_groups_of_an_expression() -> None:
    found = variables("server { location ~ (?<n>a) { } }")
    assert (found.value("n"), found.value("1")) == ("", "")
    assert found.matches("(?<n>a)", "A", ignore_case=True)
    assert not found.matches("(?<n>b)", "a")
    # What does not match leaves the groups of the last match.
    assert (found.value("n"), found.value("1")) == ("A", "A")
    found.forget(UnknownError("$cookie_x"), "(?<n>a)(?<o>b)")
    for name in ("n", "o", "1", "2"):
        with pytest.raises(UnknownError, match=r"depends on \$cookie_x, which"):
            found.value(name)


def test_group_of_an_expression_that_did_not_match() -> None:
    server = "location / { if ($uri ~ ^/(?<x>b)) { } proxy_pass http://a$x; }"
    assert lead(server, "/a") == "a:80"
    assert lead(server, "/b") == "ab:80"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a", "$a"), ("j", "js_set"), ("m", "$cookie_m"),
        # A variable that only an expression of another scope defines is unknown.
        ("n", "$n"),
    ],
)  # fmt: skip
def test_unknown_variable(name: str, reason: str) -> None:
    found = variables("js_set $j main.j; map $cookie_m $m { a $cookie_m; default $cookie_m; }")
    for _ in range(2):
        with pytest.raises(UnknownError) as raised:
            found.value(name)
        assert raised.value.construct == reason


HOSTS = "hostnames; default none; "


@pytest.mark.parametrize(
    ("entries", "value", "found"),
    [
        # The exact one, the longest with `*.` or `.` in front, the longest with `.*` at its end.
        (f"{HOSTS} .b.c short; a.b.c exact;", "a.b.c", "exact"),
        (f"{HOSTS} *.c short; .b.c long;", "a.b.c", "long"),
        (f"{HOSTS} .c short; *.b.c long;", "a.b.c", "long"),
        (f"{HOSTS} *.b.c star; .b.c dot;", "b.c", "dot"),
        (f"{HOSTS} .a dot; a exact;", "a", "exact"),
        (f"{HOSTS} a.* short; a.b.* long;", "a.b.c", "long"),
        (f"{HOSTS} a.* tail; *.c head;", "a.b.c", "head"),
        (f"{HOSTS} a.* tail;", "a", "none"),
        (f"{HOSTS} *.c head;", "c", "none"),
        (f"{HOSTS} *.c head;", "c.d", "none"),
        (f"{HOSTS} ~c pattern; *.c head;", "a.c", "head"),
        (f"{HOSTS} A.C exact;", "a.c", "exact"),
        # The first of several that are equal.
        ("a first; a second;", "a", "first"),
        ("a first; A second;", "A", "first"),
        ("~a first; ~a second;", "a", "first"),
        ("default none; ~A pattern;", "a", "none"),
        ("default none; ~*A pattern;", "a", "pattern"),
        ("default none; \\~a exact;", "~a", "exact"),
        ("a found;", "b", ""),
        ("default none; '' empty;", "", "empty"),
        ("default $v; b found;", "A", "A"),
        ("~^(?<x>.)(.) $x$2;", "ab", "ab"),
    ],
)  # fmt: skip
def test_map(entries: str, value: str, found: str) -> None:
    assert variables(f"map $v $m {{ {entries} }}", v=value).value("m") == found


def test_map_keeps_its_groups() -> None:
    found = variables("map $v $m { ~^(?<x>.) y; }", v="ab")
    assert (found.value("m"), found.value("1"), found.value("x")) == ("y", "a", "a")


@pytest.mark.parametrize(
    ("http", "values"),
    [
        ("geo $v { default a; 10.0.0.0/8 b; 10.0.0.0/9 b; }", {"a", "b"}),
        ("geo $v { 10.0.0.0/8 b; }", {"b", ""}),
        ("geo $u $v { ranges; default a; 10.0.0.0-10.0.0.9 b; delete 10.0.0.1; }", {"a", "b"}),
        ("geo $v { proxy 10.0.0.0/8; proxy_recursive; default a; }", {"a"}),
        ("split_clients $u $v { 1.5% a; 98.5% b; }", {"a", "b"}),
        ("split_clients $u $v { 1.5% a; 98.4% b; }", {"a", "b", ""}),
        ("split_clients $u $v { 0% a; * $u; }", {"U"}),
        ("map $cookie_a $v { a 1; b 2; }", {"1", "2", ""}),
        ("map $cookie_a $v { a 1; default 1; }", {"1"}),
        ("map $cookie_a $v { hostnames; volatile; a 1; default $u; }", {"1", "U"}),
    ],
)
def test_values_that_are_possible(http: str, values: set[str]) -> None:
    scope = parse(f"{WHOLE}http {{ {http} }}").http
    found = set()
    for number in range(8):
        known: Any = {"u": "U"}
        found.add(Variables(scope, known.get, Choices([number % len(values)]), Budget()).value("v"))
    assert found == values


def test_share_that_is_no_number() -> None:
    with pytest.raises(UnobservedError) as raised:
        variables("split_clients $u $v { x% a; }").value("v")
    assert str(raised.value) == "nginx's configuration has a share that is not a number"


def test_variable_of_itself() -> None:
    with pytest.raises(UnobservedError) as raised:
        variables("map $m $m { default a; }").value("m")
    assert str(raised.value) == "nginx's configuration has variables of too many variables"


KNOWN = """
map {} $pool {{ '{}' api:1; default web:1; }}
server {{ server_name *.test shop.test; root /srv; location / {{ proxy_pass http://$pool; }} }}
"""


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("$arg_b", "c", "/?b&b=c"), ("$arg_b", "", "/?bb=c"), ("$arg_b", "c=d", "/?b=c=d"),
        ("$arg_b", "", "/?b="), ("$server_name", "*.test", "/"), ("$is_args$args", "?a", "/?a"),
        ("$document_root", "/srv", "/x"), ("$realpath_root", "/srv", "/x"),
        ("$request_filename", "/srv/x y", "/x%20y"), ("$request_uri", "/x%20y", "/x%20y"),
        ("$query_string", "a=b", "/?a=b"), ("$document_uri", "/x", "/./x"),
        ("$ssl_server_name$https", "", "/"),
    ],
)  # fmt: skip
def test_variable_of_nginx(name: str, value: str, url: str) -> None:
    dump = f"{WHOLE}http {{ {KNOWN.format(name, value)} }}"
    reader = Reader(parse(dump), lambda _: "")
    assert reader.destination(at(f"http://shop.test{url}")).leads_to == ("api:1",)


@pytest.mark.parametrize("name", ["$cookie_a", "$http_a", "$remote_addr", "$document_root"])
def test_variable_of_nginx_that_is_unknown(name: str) -> None:
    before = f"map {name} $p {{ a api:1; default web:1; }}"
    found = destination("location / { proxy_pass http://$p; }", before)
    assert found == ({"api:1", "web:1"}, name)
