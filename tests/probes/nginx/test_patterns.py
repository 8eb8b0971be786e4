"""Regular expressions of PCRE, as nginx has them, evaluated by Python."""

import string

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


CLASSES = {
    "alpha": string.ascii_letters, "digit": string.digits, "upper": string.ascii_uppercase,
    "alnum": string.ascii_letters + string.digits, "lower": string.ascii_lowercase,
    "space": " \t\n\v\f\r", "xdigit": string.hexdigits, "blank": " \t",
    "word": string.ascii_letters + string.digits + "_", "punct": string.punctuation,
    "cntrl": "".join(map(chr, range(32))) + "\x7f", "graph": "".join(map(chr, range(33, 127))),
    "print": "".join(map(chr, range(32, 127))),
}  # fmt: skip
ESCAPES = {
    r"\h": " \t", r"[\h]": " \t", r"\e": "\x1b", r"[\e]": "\x1b", r"\d": string.digits,
    r"\s": " \t\n\v\f\r", r"\w": CLASSES["word"], r"\x{9}": "\t", r"\x{41}": "A", r"\x41": "A",
    r"[\x{41}]": "", r"\.": ".", r"[\]]": "]", r"[a&&b]": "ab&", r"[a--b]": "", r"[+||-]": "+|-",
    r"[~~]": "~", r"[a[]": "a[", r"[]a]": "]a", r"\R": "\n\v\f\r", "(?:a|b)": "ab", "(?i)a": "aA",
    r"\Q.\E": ".", r"\-": "-", r"\_": "_", "(?i:a)": "aA",
}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "characters"),
    [
        *((f"[[:{name}:]]", characters) for name, characters in CLASSES.items()),
        *((each, text) for each, text in ESCAPES.items() if text),
        (r"\H", "".join(chr(each) for each in range(128) if chr(each) not in " \t")),
        (r"\N", "".join(chr(each) for each in range(128) if chr(each) != "\n")),
        ("[^[:graph:]]", CLASSES["cntrl"] + " "),
    ],
)
def test_characters(pattern: str, characters: str) -> None:
    """Of all of ASCII, these and no others."""
    every = map(chr, range(128))
    found = {each for each in every if patterns.search(rf"\A{pattern}\z", each)}
    assert found == set(characters)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"\X", r"\X is not supported"),
        (r"[\X]", r"\X in a set is not supported"),
        (r"\k", r"\k is not supported"),
        (r"\g", r"\g is not supported"),
        (r"\g1", r"\g is not supported"),
        (r"\g{-1}", r"\g{-1} is not supported"),
        (r"\G", r"\G is not supported"),
        ("(?X)a", "(?X) is not supported"),
        ("(?x)a", "(?x) is not supported"),
        ("(?x:a)", "(?x: is not supported"),
        ("(?P>a)", "(?P is not supported"),
        ("(*UTF8)a", "(*UTF8) is not supported"),
        ("(*UTF8", "(*UTF8) is not supported"),
        ("(a(?i)b|c)", "an option in the middle of alternatives is not supported"),
        ("a{,2}", "{,n} differs between versions of PCRE"),
        ("[[:^digit:]]", "[:^digit:] is not supported"),
        ("[[:XXdigit:]]", "[:XXdigit:] is not supported"),
    ],
)
def test_message(pattern: str, why: str) -> None:
    with pytest.raises(UnobservedError) as raised:
        patterns.search(pattern, "text")
    start = f"the regular expression {pattern} in nginx's configuration cannot be evaluated: "
    assert str(raised.value) == start + why


@pytest.mark.parametrize(("length", "shown"), [(60, 60), (61, 60)])
def test_message_of_a_long_expression(length: int, shown: int) -> None:
    pattern = "(b*)*".ljust(length, "a")
    with pytest.raises(UnobservedError) as raised:
        patterns.search(pattern, "text")
    assert str(raised.value) == (
        f"the regular expression {pattern[:shown]} in nginx's configuration "
        "cannot be evaluated safely"
    )


def test_options_end_with_their_group() -> None:
    for pattern, text in [("(a(?i)b)c", "aBc"), ("((?i)a(?s).)b", "A\nb"), ("(?i)a(?-i)b", "Ab")]:
        assert patterns.search(rf"\A{pattern}\z", text), pattern
        assert not patterns.search(rf"\A{pattern}\z", text.swapcase()), pattern


def test_bytes_that_are_no_text() -> None:
    match = patterns.search("^/(.)$", "/\udcff")
    assert match
    assert patterns.text_of(match[1]) == "\N{REPLACEMENT CHARACTER}"
    assert patterns.text_of(None) == ""
