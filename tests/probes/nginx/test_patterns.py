"""Regular expressions of PCRE, as nginx has them, evaluated by Python."""

import pytest

from stackproof.probes.nginx.configuration import patterns
from stackproof.unobserved import UnobservedError


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^/(?<a>x+)/(?'b'y+)$", "/x/yy", {"a": "x", "b": "yy"}),
        (r"^/(?P<a>x+)/(?P=a)$", "/x/x", {"a": "x"}),
        (r"^/(?<a>x|y)/\k<a>$", "/y/y", {"a": "y"}),
        (r"^/(?<a>x|y)/\k{a}$", "/y/x", None),
        (r"^/(x|y)/\g{1}0$", "/y/y0", {}),
        (r"^a\z", "a\n", None),
        (r"^a\Z", "a\n", {}),
        (r"^a$", "a\n", {}),
        (r"\Aa", "ba", None),
        (r"^\h\H$", "\tb", {}),
        (r"^a\Rb$", "a\r\nb", {}),
        (r"^a\Nb$", "a\nb", None),
        (r"^\x{41}\x42$", "AB", {}),
        (r"^a\eb$", "a\x1bb", {}),
        (r"^\Qa.b\E+$", "a.bbb", {}),
        (r"^\Qa.b", "axb", None),
        (r"^[[:alpha:]]+[[:digit:]]$", "ab1", {}),
        (r"^[[:alpha:][:punct:]]+$", "a-b", {}),
        (r"^[^[:space:]]+$", "a b", None),
        (r"^[[:xdigit:]_]+$", "fF_g", None),
        (r"^[[:upper:]][[:lower:]][[:alnum:]]$", "Aa1", {}),
        (r"^[[:blank:]][[:word:]][[:print:]][[:graph:]]$", " _ !", {}),
        (r"^[[:cntrl:]]$", "\x01", {}),
        (r"^[]a]+$", "]a", {}),
        (r"^[^]a]$", "]", None),
        (r"^[\h\e]+$", " \x1b", {}),
        (r"^[[a]+$", "[a", {}),
        (r"^[+--]$", ",", {}),
        (r"^[a&&b]+$", "&", {}),
        (r"^[a||b~~c]$", "|", {}),
        (r"^[\]\\]+$", "]\\", {}),
        (r"^(?i)API$", "api", {}),
        (r"^(?:a(?i)b)c$", "aBc", {}),
        (r"^(?:a(?i)b)c$", "aBC", None),
        (r"^(?i:a)b$", "AB", None),
        (r"^(?-i:a)b$", "ab", {}),
        (r"^(?s).$", "\n", {}),
        (r"^a++b$", "aab", {}),
        (r"^(?>a+)ab$", "aab", None),
        (r"^a(?=b)b(?!c)(?<=b)(?<!a)$", "ab", {}),
        (r"^a(?#comment)b$", "ab", {}),
        (r"^a{2}b{1,}c{0,1}$", "aabb", {}),
        (r"^a{,x}$", "a{,x}", {}),
        (r"^\d\D\s\S\w\W\b$", "1a bc-", None),
        (r"^\w+$", "\u00e9", None),
        ("^/\u00e9$", "/\u00e9", {}),
        (r"^..$", "\u00e9", {}),
        (r"^a\/b\_\-$", "a/b_-", {}),
        (r"(a)|b", "b", {}),
    ],
)  # fmt: skip
def test_search(pattern: str, text: str, found: dict[str, str] | None) -> None:
    match = patterns.search(pattern, text)
    assert (match.groupdict() if match else None) == found


def test_groups_are_text() -> None:
    match = patterns.search("^/(?<a>.+)/(b)?$", "/\u00e9/")
    assert match
    assert [patterns.text_of(each) for each in match.groups()] == ["\u00e9", ""]


def test_case_is_ignored() -> None:
    assert patterns.search("^API$", "api", ignore_case=True)
    assert patterns.search("^API$", "api") is None


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"a\K", r"\K is not supported"),
        (r"\p{L}", r"\p is not supported"),
        (r"\g{-1}", r"\g{-1} is not supported"),
        (r"(?R)", "(?R) is not supported"),
        (r"(?1)", "(?1 is not supported"),
        (r"(?|a)", "(?| is not supported"),
        (r"(?x)a b", "(?x) is not supported"),
        (r"(*UTF8)a", "(*UTF8) is not supported"),
        (r"a(*SKIP)", "(* is not supported"),
        (r"a(?i)b|c", "an option in the middle of alternatives is not supported"),
        (r"a{,2}", "{,n} differs between versions of PCRE"),
        (r"[[:^alpha:]]", "[:^alpha:] is not supported"),
        (r"[[:other:]]", "[:other:] is not supported"),
        (r"[\K]", r"\K in a set is not supported"),
        (r"(?<=a+)b", "look-behind requires fixed-width pattern"),
        (r"a)", "unbalanced parenthesis"),
    ],
)
def test_what_python_does_not_have(pattern: str, why: str) -> None:
    with pytest.raises(UnobservedError) as raised:
        patterns.search(pattern, "text")
    named = f"the regular expression {pattern} in nginx's configuration cannot be evaluated: {why}"
    assert str(raised.value).startswith(named)


@pytest.mark.parametrize(
    ("pattern", "steps"),
    [
        ("^a$", 1),
        ("a", 11),
        ("a*", 121),
        ("^a*b+c?", 242),
        ("^a{3}b{1,2}", 11),
        ("^(a*|b*|c)", 23),
        ("^(a|b)(c|d)", 4),
        ("^(?:a*)?b", 22),
        ("^a|b", 22),
        ("^(?<n>a)(?=b)(?!c)(?<=d)", 1),
        ("^(a|b)*", float("inf")),
        ("^(a*)+", float("inf")),
        ("^((a*)b)+", float("inf")),
        ("^(a)+", 11),
        ("^[a*(]", 1),
        (r"^\(\*", 1),
    ],
)
def test_steps(pattern: str, steps: float) -> None:
    assert patterns.steps(pattern, 10) == steps


def test_longest_expression() -> None:
    assert patterns.steps("a" * 2000, 1) == 2
    assert patterns.steps("a" * 2001, 1) == float("inf")


def test_names() -> None:
    assert patterns.names(r"^(?<a>x)(?P<b>y)(?'c'z)(?<=d)(e)\(?<f>$") == ["a", "b", "c"]
