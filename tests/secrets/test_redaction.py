"""Secrets are redacted, and ordinary text is not."""

import ast
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from lab import faults
from stackproof import secrets
from stackproof.printable import printable
from stackproof.secrets import redact
from tests.command_line import ROOT


def _lines(name: str) -> list[str]:
    """Return the texts of a file, one per line, in which `¶` means a line feed."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [line.replace("¶", "\n") for line in text.splitlines()]


FORMS = _lines("forms.txt")
"""The forms in which a secret (`§`) can occur; `¤` is one that is not a word. After `⇒`: the text
without it, if more than that is replaced."""
MARKS = ("[redacted]", "***", "REDACTED")
ORDINARY = _lines("ordinary.txt")
"""Texts that mention secrets and contain none."""
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

SECRETS = [
    ("PGPASSWORD=hunter2 psql", "PGPASSWORD=[redacted] psql"),
    ("export API_KEY='a b c'; next", "export API_KEY='[redacted]'; next"),
    ('secret="quo\\"ted" rest', 'secret="[redacted]" rest'),
    ('{"password": "hunter2", "port": 5432}', '{"password": "[redacted]", "port": 5432}'),
    ('{\\"token\\":\\"abc\\"}', '{\\"token\\":\\"[redacted]\\"}'),
    ('{"secret": "cut off he', '{"secret": "[redacted]'),
    ("db:\n  password: hunter2\n  port: 1", "db:\n  password: [redacted]\n  port: 1"),
    ("client_secret: x1", "client_secret: [redacted]"),
    ("GET /?token=abc&page=2", "GET /?token=[redacted]&page=2"),
    ("/login?api_key=abc", "/login?api_key=[redacted]"),
    ("mysql --password hunter2 -h db", "mysql --password [redacted] -h db"),
    ("tool --auth-token=abc go", "tool --auth-token=[redacted] go"),
    ("{'passwd' => 'x'}", "{'passwd' => '[redacted]'}"),
    ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
    ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted]"),
    ("{'Authorization': 'Bearer abc', 'a': 1}", "{'Authorization': 'Bearer [redacted]', 'a': 1}"),
    ("sent bearer 0123456789abcdef01 to", "sent bearer [redacted] to"),
    ("X-Api-Key: abc", "X-Api-Key: [redacted]"),
    ("Set-Cookie: sid=1; Path=/\nServer: x", "Set-Cookie: [redacted]\nServer: x"),
    ("cookie: a=1; b=2", "cookie: [redacted]"),
    ("postgresql://admin:pw@db:5432/x", "postgresql://admin:***@db:5432/x"),
    ("redis://:pw@redis:6379", "redis://:***@redis:6379"),
    ("//bob:pw@h.example/a", "//bob:***@h.example/a"),
    ("id AKIAIOSFODNN7EXAMPLE", "id [redacted]"),
    ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[redacted]"),
    ("github_pat_11ABCDEFG0123456789_abc", "[redacted]"),
    ("xoxb-123456789012-abcdef", "[redacted]"),
    ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/services/[redacted]"),
    ("https://discord.com/api/webhooks/1/abc", "https://discord.com/api/webhooks/[redacted]"),
    (f"jwt {JWT} end", "jwt [redacted] end"),
    (
        "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\nz",
        "a\n[redacted]\nz",
    ),
    ("-----BEGIN RSA PRIVATE KEY-----\ncut off", "[redacted]"),
    ("pw=x", "pw=[redacted]"),
    ("x-session: abc1", "x-session: [redacted]"),
    ('{"password": 12345678}', '{"password": "[redacted]"}'),
    ('"secrets": {"clé": "x1"} a', '"secrets": {"clé": "[redacted]"} a'),
    ('password = """abc1"""', 'password = """[redacted]"""'),
    ('password = """a1 ""b2"" c3""" d', 'password = """[redacted]""" d'),
    ('"password":\n   "abc1"', '"password":\n   "[redacted]"'),
    ('{"password":\n   "abc1"}', '{"password":\n   "[redacted]"}'),
    ('a:\n  password:\n    "x1 y2"\nb: 1', 'a:\n  password:\n    "[redacted]"\nb: 1'),
    ("a:\n  password: |\n   ab\n  port: 1", "a:\n  password: |\n   [redacted]\n  port: 1"),
    ("tokens:\n  - ab\n  - cd\nb: 1", "tokens:\n [redacted]\nb: 1"),
    ("/a?b=1&amp;key=abc1", "/a?b=1&amp;key=[redacted]"),
    ("next=%2Fa%26my_key%3Dabc1", "next=%2Fa%26my_key%3D[redacted]"),
    ("password&quot;:&quot;abc1&quot;, b", "password&quot;:&quot;[redacted]&quot;, b"),
    ("password&quot;:&quot;abc1\nnext", "password&quot;:&quot;[redacted]\nnext"),
    ('{"log": "{\\"token\\":\\"abc"}', '{"log": "{\\"token\\":\\"[redacted]"}'),
    # After another word, such as `token`, it may be the name of an object.
    ("the password is blue-horse-42", "the password is [redacted]"),
    # Without its closing quote, a value ends with its line.
    ('\\"token\\":\\"abc\nnext \\"x\\"', '\\"token\\":\\"[redacted]\nnext \\"x\\"'),
    # A quote in the value, and nothing after the closing quote.
    ('{\\"token\\":\\"ab\\\\\\"cd\\"', '{\\"token\\":\\"[redacted]\\"'),
    # The first word of a line, behind as much white space as is searched; more is not.
    (" " * 200 + "password: a1 b2", " " * 200 + "password: [redacted]"),
    (" " * 201 + "password: a1 b2", " " * 201 + "password: [redacted] b2"),
    # The longest word that belongs to the name.
    ("subscription key: abc1", "subscription key: [redacted]"),
    # After many pieces that look like JSON.
    (
        '"secrets": {a: 1} ' * 9 + '"secrets": {"a": "x1", "b": "y1"}',
        '"secrets": {a: 1} ' * 9 + '"secrets": {"a": "[redacted]", "b": "[redacted]"}',
    ),
]

SECRET, WORD = "hunter2Xq9", "correcthorse"
_KEY_LINES = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu",
    "NMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEovGhLa0VzMaQ8s+CLOyS56YyCFGeJZ",
)
_KEY = "\n".join(_KEY_LINES)
KEYS = {
    "whole": f"a\n-----BEGIN PRIVATE KEY-----\n{_KEY}\nAbc=\n-----END PRIVATE KEY-----\nz",
    "starts inside": f"{_KEY}\nAbc=\n-----END RSA PRIVATE KEY-----\nz",
    "starts near its end": f"{_KEY_LINES[0][:9]}\n-----END RSA PRIVATE KEY-----\nz",
    "ends inside": f"a\n-----BEGIN EC PRIVATE KEY-----\n{_KEY}",
    "inside": _KEY,
    "inside, indented": _KEY.replace("\n", "\n    "),
    "inside, of Compose's log": "api-1  | " + _KEY.replace("\n", "\napi-1  | "),
    "in JSON": json.dumps({"log": f"x\n-----BEGIN PRIVATE KEY-----\n{_KEY}\n"}),
    "in JSON, starts inside": json.dumps({"log": f"{_KEY}\n-----END PRIVATE KEY-----\nz"})[9:],
    "PGP": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{_KEY}\n",
    "PuTTY": f"Private-Lines: 3\n{_KEY}\nPrivate-MAC: 00ff",
    "in a variable": f'SSH_KEY="-----BEGIN OPENSSH PRIVATE KEY-----\\n{_KEY}',
}
_CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{_KEY}\nAbc=\n-----END CERTIFICATE-----\nz"
NO_KEYS = (
    _CERTIFICATE,
    _CERTIFICATE[40:],
    _CERTIFICATE.replace("CERTIFICATE", "PUBLIC KEY"),
    "\n".join(["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"] * 3),
)


@pytest.fixture(autouse=True)
def _no_secrets_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})
    monkeypatch.setattr(secrets, "_known", set())
    monkeypatch.setattr(secrets, "_declared", set())


@pytest.mark.parametrize(("text", "expected"), SECRETS)
def test_secret_is_replaced(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(("text", "_"), SECRETS)
def test_redacting_again_changes_nothing(text: str, _: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_control_characters_are_removed() -> None:
    log = "\x1b[31mred\x1b[0m pass\x1b[1mword=\x1b[2Khunter2\x07\r\n\tnext \udcff \x00end"
    assert redact(log) == "red password=[redacted]\n\tnext ? end"


@pytest.mark.parametrize("form", FORMS)
def test_form(form: str) -> None:
    form, _, without = form.partition(" ⇒ ")
    for secret in (SECRET,) if "¤" in form else (SECRET, WORD):
        text = form.replace("§", secret).replace("¤", secret)
        redacted = redact(text)
        assert secret not in redacted
        expected = [form.replace("§", mark).replace("¤", mark) for mark in MARKS]
        assert secret == WORD or redacted in ([without] if without else expected)
        assert redact(redacted) == redacted
        assert _is_json(redacted) or not _is_json(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("opening", "closing"), ["()", "[]", "{}", "<>"])
def test_value_in_brackets(opening: str, closing: str) -> None:
    kept = f"{closing} rest"
    assert redact(f"password={opening}a1 b2{kept}") == f"password={opening}[redacted]{kept}"
    assert redact(f"password={opening}a1 b2\nrest") == f"password={opening}[redacted]\nrest"


@pytest.mark.parametrize("where", KEYS)
def test_private_key(where: str) -> None:
    redacted = redact(KEYS[where])
    assert not [line for line in _KEY_LINES if line[:9] in redacted]
    assert redact(redacted) == redacted
    assert ("z" in KEYS[where][-2:]) == ("z" in redacted[-2:])


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_is_not_a_private_key_is_kept(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "url",
    [
        "https://u:§@h.example:8443/a?b=1#c",
        "https://ghp_§§§§0123456789@h.example/",
        "https://§.example/a",
        "//u:§@h.example/a",
        "https://u:§@[::1]:80/",
        "https://h.example/?token=§&next=https://u:§@i.example/",
    ],
)
def test_url_can_be_parsed(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr("os.environ", {"A_TOKEN": "hunter2Xq9"})
    before, after = urlsplit(url.replace("§", SECRET)), urlsplit(redact(url.replace("§", SECRET)))
    assert SECRET not in after.geturl()
    assert (after.scheme, after.port) == (before.scheme, before.port)
    assert after.hostname == before.hostname or SECRET.lower() in (before.hostname or "")


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_kept(text: str) -> None:
    assert redact(text) == text


def _own_texts() -> Iterator[str]:
    for fault in faults.ALL.values():
        yield from (fault.sentence, fault.says, *fault.red)
    for path in (*ROOT.glob("docs/checks/*.md"), *ROOT.glob("tests/reports/golden/*")):
        yield from path.read_text(encoding="utf-8").splitlines()
    for folder in ("suites", "fixtures", "reports"):
        for path in ROOT.glob(f"{folder}/**/*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    # The arguments in a docstring are formatted like YAML.
                    yield node.value.partition("Args:")[0]


def test_our_own_texts_are_kept() -> None:
    texts = set(_own_texts())
    assert len(texts) > 2000
    changed = {text: redact(text) for text in texts if redact(text) != printable(text)}
    assert not changed


@pytest.mark.parametrize(
    ("name", "value", "text", "expected"),
    [
        ("SSH_KEY", "line one\nline two", "saw line two", "saw [redacted]"),
        ("SSH_KEY", "line one\nline two", "a line one\nline two b", "a [redacted] b"),
        ("SLACK_WEBHOOK_URL", "http://hook/x", "to http://hook/x", "to [redacted]"),
        ("DB_PASSWORD", "hunter", "is hunter", "is [redacted]"),
        ("DB_PASSWORD", "short", "is short", "is short"),
        ("DB_PASSWORD_FILE", "/run/secrets/db", "cat /run/secrets/db", "cat /run/secrets/db"),
        ("KEYBOARD", "german-layout", "german-layout", "german-layout"),
        ("A_TOKEN", "caf\udce9 au lait", "no café", "no café"),
        ("api_token", "s3cr3t-value", "s3cr3t-value", "[redacted]"),
    ],
)
def test_values_of_variables(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str, expected: str
) -> None:
    monkeypatch.setattr("os.environ", {name: value})
    assert redact(text) == expected


def test_the_longest_value_is_replaced_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"A_TOKEN": "abcdef", "B_TOKEN": "abcdefghij"})
    assert redact("abcdefghij") == "[redacted]"


@pytest.mark.parametrize(
    "form",
    [
        quote("p/w&x=1+z y", safe=""),
        base64.b64encode(b"p/w&x=1+z y").decode(),
        base64.b64encode(b"bob:p/w&x=1+z y").decode(),
        base64.urlsafe_b64encode(b"api:p/w&x=1+z y\n").decode(),
    ],
)
def test_forms_of_a_known_value(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("os.environ", {"A_TOKEN": "p/w&x=1+z y"})
    text = f"got {form} back"
    redacted = redact(text)
    assert "[redacted]" in redacted
    assert len(redacted) < len(text)


@pytest.mark.parametrize("value", [b"p/w&x=1+z", b"p/w&x=1+z2", b"p/w&x=1+z y"])
@pytest.mark.parametrize("before", [b"", b"\xff", b"\xff\xff", b"bob:"])
@pytest.mark.parametrize("after", [b"", b"\xff", b"\xff\xff"])
def test_every_character_that_only_a_known_value_decides_in_base64(
    value: bytes, before: bytes, after: bytes
) -> None:
    secrets.learn([value.decode()])
    encoded = base64.b64encode(before + value + after).decode()
    start, end = -(-8 * len(before) // 6), 8 * len(before + value) // 6
    assert redact(f"got {encoded} back") == f"got {encoded[:start]}[redacted]{encoded[end:]} back"


@pytest.mark.parametrize(("value", "is_found"), [("w/x+y=z1", True), ("w/x+y=z", False)])
def test_shortest_value_that_is_found_in_base64(
    monkeypatch: pytest.MonkeyPatch, value: str, is_found: bool
) -> None:
    monkeypatch.setattr("os.environ", {"A_TOKEN": value})
    text = f"got {base64.b64encode(value.encode()).decode()} back"
    assert (redact(text) != text) == is_found


def test_password_that_is_an_ordinary_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"A_PASSWORD": "postgres", "B_PASSWORD": "billing"})
    secrets.learn(declared=["shop-billing"])
    assert redact("postgres and shop-billing run") == "postgres and shop-billing run"
    assert redact("PGPASSWORD=postgres") == "PGPASSWORD=[redacted]"


def test_secrets_of_a_file() -> None:
    secrets.learn(["c0rrect-horse"])
    assert redact("it has c0rrect-horse") == "it has [redacted]"


@pytest.mark.parametrize("text", ["{}", '"{}"', "a={} b", '{{"a": "{}"}}'])
def test_known_secret_as_json_writes_it(text: str) -> None:
    """Both with its letters as they are, and with escapes of them."""
    secret = 'd\u00fcck-"horse"'  # noqa: S105 - a sample
    secrets.learn([secret])
    for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        found = secrets.redact(text.format(form))
        assert "horse" not in found
        assert found == text.format("[redacted]") or form == secret
