"""Which location gets a URI."""

import pytest

from stackproof.probes.nginx.configuration.parser import parse
from stackproof.probes.nginx.routing.choices import Budget
from stackproof.probes.nginx.routing.locations import find, locations_of
from tests.probes.nginx.test_configuration import WHOLE

PASS = "proxy_pass http://a;"  # noqa: S105 - the name of a directive


@pytest.mark.parametrize(
    ("server", "uri", "shown"),
    [
        # An exact one, the longest prefix, the first expression.
        ("location = /a { } location /a { }", "/a", "= /a"),
        ("location /a { } location = /a { }", "/a", "= /a"),
        ("location = /a { } location /a { }", "/ab", "/a"),
        ("location = /a { } location ~ a { }", "/a", "= /a"),
        ("location / { } location /ab { } location /a { }", "/abc", "/ab"),
        ("location / { } location ~ b { } location ~ a { }", "/ab", "~ b"),
        ("location ^~ /a { } location ~ a { }", "/a", "^~ /a"),
        ("location ^~ / { } location /a { } location ~ a { }", "/a", "~ a"),
        ("location / { } location ^~ /a { } location ~ a { }", "/a", "^~ /a"),
        ("location ~ A { } location / { }", "/a", "/"),
        ("location ~* A { } location / { }", "/a", "~* A"),
        ("location ~*A { } location / { }", "/a", "~* A"),
        ("location ~A { } location / { }", "/a", "/"),
        ("location =/a { } location / { }", "/a", "= /a"),
        ("location ^~/a { } location ~ a { }", "/a", "^~ /a"),
        ("location @a { } location / { }", "/a", "/"),
        ("location /a { }", "/b", None),
        ("location ~ ^/(?<x>a) { }", "/a", "~ ^/(?<x>a)"),
        # Within another.
        ("location / { location /a { } } location /a/b { }", "/a/c", "/a"),
        ("location /a { location /a/b { location /a/b/c { } } }", "/a/b/c/d", "/a/b/c"),
        ("location /a { location ~ b { } } location ~ a { }", "/ab", "~ b"),
        ("location /a { location ~ c { } } location ~ a { }", "/ab", "~ a"),
        ("location ^~ /a { location ~ b { } } location ~ a { }", "/ab", "~ b"),
        ("location ^~ /a { location ~ c { } } location ~ a { }", "/ab", "^~ /a"),
        ("location /a { location = /ab { } } location ~ a { }", "/ab", "= /ab"),
        ("location /a { location ^~ /ab { } } location ~ a { }", "/ab", "~ a"),
        ("location ~ a { location ~ b { } } location ~ b { }", "/ab", "~ b"),
        ("location ~ a { location ~ c { } }", "/ab", "~ a"),
    ],
)
def test_location(server: str, uri: str, shown: str | None) -> None:
    found = find(tuple(locations_of(parse(WHOLE + server))), uri, Budget())
    assert (str(found.location) if found.location else None) == shown
    assert not found.needs_slash


@pytest.mark.parametrize(
    ("server", "uri", "parents"),
    [
        ("location /a { }", "/a", []),
        ("location /a { location /a/b { location /a/b/c { } } }", "/a/b/c", ["/a/b", "/a"]),
        ("location /a { location ~ b { location ~ c { } } }", "/abc", ["~ b", "/a"]),
        ("location /a { location /ab { } }", "/a", []),
        ("location /a { location = /ab { } }", "/ab", ["/a"]),
        (f"location /a {{ location /ab/ {{ {PASS} }} }}", "/ab", ["/a"]),
    ],
)
def test_locations_around_it(server: str, uri: str, parents: list[str]) -> None:
    found = find(tuple(locations_of(parse(WHOLE + server))), uri, Budget())
    assert [str(each) for each in found.parents] == parents


@pytest.mark.parametrize(
    ("server", "uri", "needs"),
    [
        (f"location /a/ {{ {PASS} }}", "/a", True),
        (f"location = /a/ {{ {PASS} }}", "/a", True),
        (f"location ^~ /a/ {{ {PASS} }}", "/a", True),
        (f"location /a/ {{ {PASS} }} location / {{ }}", "/a", True),
        ("location /a/ { }", "/a", False),
        (f"location /a/ {{ {PASS} }}", "/a/", False),
        (f"location /a/ {{ {PASS} }}", "/a/b", False),
        (f"location /a/ {{ {PASS} }}", "/b", False),
        (f"location /a/ {{ {PASS} }} location /a {{ }}", "/a", False),
        (f"location /a/ {{ {PASS} }} location = /a {{ }}", "/a", False),
        (f"location ~ ^/a/$ {{ {PASS} }}", "/a", False),
        (f"location /ab {{ {PASS} }}", "/a", False),
    ],
)
def test_redirect_to_a_slash(server: str, uri: str, needs: bool) -> None:
    found = find(tuple(locations_of(parse(WHOLE + server))), uri, Budget())
    assert found.needs_slash is needs


def test_groups_of_the_last_expression() -> None:
    text = "location ~ ^/(a) { location ~ (b)$ { } }"
    found = find(tuple(locations_of(parse(WHOLE + text))), "/ab", Budget())
    assert found.match
    assert found.match[1] == "b"
    assert find((), "/", Budget()).match is None


def test_names_of_locations() -> None:
    text = "location @a { } location '@b' { } location / { location /c { } }"
    found = list(locations_of(parse(WHOLE + text)))
    assert [(each.modifier, each.path) for each in found] == [("@", "@a"), ("@", "@b"), ("", "/")]
    assert [str(each) for each in found[2].nested] == ["/c"]
