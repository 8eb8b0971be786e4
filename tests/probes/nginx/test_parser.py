"""What the parser makes of configurations, so that another one could take its place."""

from collections.abc import Iterable
from typing import Any

import pytest

from stackproof.probes.nginx.configuration.parser import Directive, parse
from stackproof.unobserved import UnobservedError

MAIN = "# configuration file /etc/nginx/nginx.conf:\n"


def tree(directives: Iterable[Directive]) -> list[Any]:
    """Return words, and for a block what is in it."""
    return [
        [each.name, *each.arguments, *([tree(each.block)] if each.block else [])]
        for each in directives
    ]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("a;", [["a"]]),
        ("a b  c ;", [["a", "b", "c"]]),
        ("a\n\tb;c;", [["a", "b"], ["c"]]),
        ("a { b; c { d e; } }", [["a", [["b"], ["c", [["d", "e"]]]]]]),
        ("a {} b;", [["a"], ["b"]]),
        ("a b{c;}", [["a", "b", [["c"]]]]),
        # Comments.
        ("# x\na; # y; z\nb;", [["a"], ["b"]]),
        ("a b#c;", [["a", "b#c"]]),
        ("a 'b#c' \"#\"; #", [["a", "b#c", "#"]]),
        # Quotes.
        ("a 'b c' \"d;{}\";", [["a", "b c", "d;{}"]]),
        ("a '' \"\";", [["a", "", ""]]),
        ("a 'b\"c' \"d'e\";", [["a", 'b"c', "d'e"]]),
        ("a 'b\nc';", [["a", "b\nc"]]),
        ("a b'c;", [["a", "b'c"]]),
        ('a b"c d";', [["a", 'b"c', 'd"']]),
        ("'a' b;", [["a", "b"]]),
        # Escapes.
        (r"a \;b \{c \"d;", [["a", r"\;b", r"\{c", '"d']]),
        (r'a "b\"c" ' + r"'d\'e' f\\g;", [["a", 'b"c', "d'e", r"f\g"]]),
        (r"a b\tc\nd\re;", [["a", "b\tc\nd\re"]]),
        (r"a \.php$ \d+ \\.;", [["a", r"\.php$", r"\d+", r"\."]]),
        (r"a b\ c;", [["a", r"b\ c"]]),
        # Variables.
        ("a ${b}c $d/${e};", [["a", "${b}c", "$d/${e}"]]),
        ("a $ b$;", [["a", "$", "b$"]]),
        # Expressions.
        (r"location ~ ^/a(b|c)?$ { d; }", [["location", "~", "^/a(b|c)?$", [["d"]]]]),
        ('location ~ "^/a{2}" { }', [["location", "~", "^/a{2}"]]),
        ("if ($a ~ b) { c; }", [["if", "($a", "~", "b)", [["c"]]]]),
        # Other languages.
        ("content_by_lua_block { x = '}' -- }\n y = { '{' } } a;",
         [["content_by_lua_block"], ["a"]]),
        ('set_by_lua_block $a { return "}" } b;', [["set_by_lua_block", "$a"], ["b"]]),
        ("map $a $b { default x; '' y; ~^z \"w\"; }",
         [["map", "$a", "$b", [["default", "x"], ["", "y"], ["~^z", "w"]]]]),
    ],
)  # fmt: skip
def test_parse(text: str, parsed: list[Any]) -> None:
    assert tree(parse(MAIN + text)) == parsed


FILES = {
    "/etc/nginx/conf.d/b.conf": "b;", "/etc/nginx/conf.d/a.conf": "a;",
    "/etc/nginx/conf.d/.hidden.conf": "hidden;", "/etc/nginx/conf.d/sub/c.conf": "c;",
    "/etc/nginx/x.inc": "x { include conf.d/a.conf; }", "/srv/d.conf": "d;",
}  # fmt: skip


@pytest.mark.parametrize(
    ("include", "parsed"),
    [
        ("conf.d/*.conf", [["a"], ["b"]]),
        ("/etc/nginx/conf.d/*.conf", [["a"], ["b"]]),
        ("conf.d/[ab].conf", [["a"], ["b"]]),
        ("conf.d/?.conf", [["a"], ["b"]]),
        ("conf.d/.*.conf", [["hidden"]]),
        ("conf.d/*/*.conf", [["c"]]),
        ("*/b.conf", [["b"]]),
        ("conf.d/b.conf", [["b"]]),
        ("/srv/d.conf", [["d"]]),
        ("x.inc", [["x", [["a"]]]]),
        ("conf.d/*.none", []),
        ("conf.d/B.conf", []),
    ],
)
def test_include(include: str, parsed: list[Any]) -> None:
    files = "".join(f"\n# configuration file {name}:\n{text}\n" for name, text in FILES.items())
    assert tree(parse(f"{MAIN}include {include};{files}")) == parsed


@pytest.mark.parametrize("text", ["a", "a {", "a b }", "{", ";", "}", "a 'b;", 'a "b;', "a \\"])
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(UnobservedError, match=r"^nginx's configuration cannot be read: "):
        parse(MAIN + text)
