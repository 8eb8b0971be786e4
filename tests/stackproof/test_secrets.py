"""Secrets go, and ordinary text stays."""

import ast
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from urllib.parse import quote, urlsplit

import pytest

from lab import faults
from stackproof import secrets
from stackproof.printable import printable
from stackproof.secrets import is_secret_name, redact
from tests.suites.command_line import ROOT


def _lines(name: str) -> list[str]:
    """The texts of a file, a line each, in which `¶` stands for a line feed."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [line.replace("¶", "\n") for line in text.splitlines()]


FORMS = _lines("forms.txt")
"""Where a secret, here `§`, is found: each form in which one was ever seen."""
ORDINARY = _lines("ordinary.txt")
"""Text in which nothing is a secret, however much is said of them."""
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
]

SECRET = "hunter2Xq9"  # noqa: S105 - of no one
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


def test_what_would_act_on_a_terminal_or_break_a_file_is_gone() -> None:
    log = "\x1b[31mred\x1b[0m pass\x1b[1mword=\x1b[2Khunter2\x07\r\n\tnext \udcff \x00end"
    assert redact(log) == "red password=[redacted]\n\tnext ? end"


@pytest.mark.parametrize("form", FORMS)
def test_form(form: str) -> None:
    text = form.replace("§", SECRET)
    redacted = redact(text)
    assert SECRET not in redacted
    assert redact(redacted) == redacted
    assert _is_json(redacted) or not _is_json(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("where", KEYS)
def test_private_key(where: str) -> None:
    redacted = redact(KEYS[where])
    assert not [line for line in _KEY_LINES if line[:9] in redacted]
    assert redact(redacted) == redacted
    assert ("z" in KEYS[where][-2:]) == ("z" in redacted[-2:])


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_is_no_private_key_stays(text: str) -> None:
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
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def _own_texts() -> Iterator[str]:
    for fault in faults.ALL.values():
        yield from (fault.sentence, fault.says, *fault.red)
    for path in (ROOT / "docs" / "checks.md", *ROOT.glob("tests/reports/golden/*")):
        yield from path.read_text(encoding="utf-8").splitlines()
    for folder in ("suites", "fixtures", "reports", "commands"):
        for path in ROOT.glob(f"{folder}/**/*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    # A docstring's list of arguments is laid out as a file of YAML is.
                    yield node.value.partition("Args:")[0]


def test_what_we_say_ourselves_stays() -> None:
    said = set(_own_texts())
    assert len(said) > 2000
    lost = {text: redact(text) for text in said if redact(text) != printable(text)}
    assert not lost


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASS", "MYSQL_PWD", "SECRET_KEY_BASE", "dbPassword", "PGPASSWORD", "X-CSRF-Token",
        "client_secret", "jwt", "user[password]", "password_1", "apiKey", "ssh_key", "PHPSESSID",
        "rootpw",
    ],
)  # fmt: skip
def test_secret_name(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD_FILE", "secret_name", "token_type", "max_tokens", "bypass", "proxy_pass", "key",
        "NEXT_PUBLIC_API_KEY", "access_key_id", "public_key", "KEYBOARD", "tokenizer", "secretary",
        "compass", "GPG_KEY", "cache_key", "passwordPolicy", "requires_password", "session", "auth",
    ],
)  # fmt: skip
def test_name_of_no_secret(name: str) -> None:
    assert not is_secret_name(name)


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


def test_the_longest_value_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_password_that_is_an_ordinary_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"A_PASSWORD": "postgres", "B_PASSWORD": "billing"})
    secrets.learn(declared=["shop-billing"])
    assert redact("postgres and shop-billing run") == "postgres and shop-billing run"
    assert redact("PGPASSWORD=postgres") == "PGPASSWORD=[redacted]"


def test_secrets_of_a_file() -> None:
    secrets.learn(["c0rrect-horse"])
    assert redact("it says c0rrect-horse") == "it says [redacted]"


@pytest.mark.parametrize(
    "unit",
    [
        "token&quot;:&quot;", "%22token%22%3A%22", "echo a | docker ", "<key>token</key><string>",
        'value="a" name="', "ENV token a ", "thin:a/", "token:[]string{", "token=<", "token=(",
        "a", "-", "eyJ-", "eyJabcde.", "password", "password: ", 'secret="\\', "://", "://a:",
        "x-", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "--a-", "cookie:", "authorization: ",
        "' ", "bearer ", "a.webhook.", "https://", "token\\\\", "sk-", "xoxb-", "://a:b@", "//a:",
        "@", "a@", "a:b@", "user:pass@tcp(", "<password>", "<password ", "<password><![CDATA[",
        "&lt;password", 'password="', "password='", "password: |\n ", "password:\n  ",
        "password:\n- a\n", "secrets: {", '"secrets": {', '"secrets": [', '"token": [1, ',
        "curl -u ", "curl ", "redis-cli -a a ", "docker login ", "--token ", "-a ",
        "name=token value=", '{"name": "token", "value": "', "a:1:b:c:d", "a:1:b:c:d\n",
        "login a password b ", "identified by ", "password is a1b2c3 ", "password ",
        "token a1b2c3 ", 'Authorization: Digest a="', 'cookie: a="', "%3A%2F%2Fa%3A",
        "password%3D", "?key=", "&code=a", "\\n", "\\ntoken=", "$2b$", "$6$a$", "$argon2id$",
        "md5", "SCRAM-SHA-256$1:", "basic YTpi ", "a" * 64 + "\n", "aB" * 32 + "\n",
        "x | " + "aB" * 32 + "\n", "-----END PRIVATE KEY-----\n",
        "aB1=\n-----END PRIVATE KEY-----", "Private-Lines: 1\na\n", '("token", "', "on >a ",
        '"AUTH" "', "token.", "a.token-", "token[a]=", "{{", "${{", "$(", " ", "\n", "\t", "=",
        ":", "\\", '"', "'", "`", "/", "/a", "\x1b[", "\x00", "é", "eyJabcde.eyJabcde",
        "1234567890:", "AP1a",
    ],
)  # fmt: skip
def test_time_is_linear(unit: str) -> None:
    # A pattern that is quadratic takes 16 times as long for a text 4 times as long.
    redact(unit)
    taken = [_seconds(unit, length) for length in (65_536, 262_144)]
    assert taken[1] < 10 * taken[0] + 0.2


def _seconds(unit: str, length: int) -> float:
    text = unit * (length // len(unit))
    start = process_time()
    redact(text)
    return process_time() - start
