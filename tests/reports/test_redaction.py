"""Secrets go, and ordinary text stays."""

import pytest

from stackproof.secrets import redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

SECRETS = [
    ("PGPASSWORD=hunter2 psql", "PGPASSWORD=[redacted] psql"),
    ("export API_KEY='a b c'; next", "export API_KEY=[redacted]; next"),
    ('secret="quo\\"ted" rest', "secret=[redacted] rest"),
    ('{"password": "hunter2", "port": 5432}', '{"password": [redacted], "port": 5432}'),
    ('{\\"token\\":\\"abc\\"}', '{\\"token\\":\\[redacted]'),
    ('{"secret": "cut off he', '{"secret": [redacted]'),
    ("db:\n  password: hunter2\n  port: 1", "db:\n  password: [redacted]\n  port: 1"),
    ("client_secret: x1", "client_secret: [redacted]"),
    ("GET /?token=abc&page=2", "GET /?token=[redacted]&page=2"),
    ("/login?api_key=abc", "/login?api_key=[redacted]"),
    ("mysql --password hunter2 -h db", "mysql --password [redacted] -h db"),
    ("tool --auth-token=abc go", "tool --auth-token=[redacted] go"),
    ("{'passwd' => 'x'}", "{'passwd' => [redacted]}"),
    ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
    ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted]"),
    ("{'Authorization': 'Bearer abc', 'a': 1}", "{'Authorization': 'Bearer [redacted]', 'a': 1}"),
    ("sent bearer 0123456789abcdef01 to", "sent bearer [redacted] to"),
    ("X-Api-Key: abc", "X-Api-Key: [redacted]"),
    ("Set-Cookie: sid=1; Path=/\nServer: x", "Set-Cookie: [redacted]\nServer: x"),
    ("cookie: a=1; b=2", "cookie: [redacted]"),
    ("postgresql://admin:pw@db:5432/x", "postgresql://admin:[redacted]@db:5432/x"),
    ("redis://:pw@redis:6379", "redis://:[redacted]@redis:6379"),
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

ORDINARY = [
    "docker exec vpn-api cat /etc/nginx/nginx.conf",
    "docker update --memory 512m --memory-swap 512m vpn-redis, then mend the compose file",
    "the token bucket is empty; 3 tokens left",
    'FATAL: password authentication failed for user "platform_admin"',
    "api secret POSTGRES_PASSWORD: expected a file, observed a variable",
    "POSTGRES_PASSWORD_FILE=/run/secrets/postgres_password",
    "web session cookie: expected HttpOnly, observed none",
    "max_tokens: 512, keys: 4, secrets: 3",
    "https://chatbuilds.com:8443/path@v2?page=2",
    "http://localhost:3000/@scope/package",
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "Basic authentication is required; Bearer authentication is not",
    "if password == other: pass",
    "risk-assessment task-0123456789012345678901234567890",
    "2026-11-24T06:00:00Z GET /api/health 502 0.001",
    "Enter the password:\n",
    "curl --cookie-jar jar.txt https://chatbuilds.com/",
]


@pytest.fixture(autouse=True)
def _no_secrets_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})


@pytest.mark.parametrize(("text", "expected"), SECRETS)
def test_secret_is_replaced(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(("text", "_"), SECRETS)
def test_redacting_again_changes_nothing(text: str, _: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_what_would_act_on_a_terminal_or_break_a_file_is_gone() -> None:
    log = "\x1b[31mred\x1b[0m pass\x1b[1mword=\x1b[2Khunter2\x07\r\n\tnext \udcff \x00end"
    assert redact(log) == "red password=[redacted]\n\tnext ? end"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


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
    "unit",
    [
        "a", "-", "eyJ-", "eyJabcde.", "password", "password: ", 'secret="\\', "://", "://a:", "x-",
        "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "--a-", "cookie:", "authorization: ", "' ",
        "bearer ", "a.webhook.", "https://", "token\\\\", "sk-", "xoxb-",
    ],
)  # fmt: skip
def test_long_text_ends(unit: str) -> None:
    # Seconds, where a pattern that is quadratic would take hours.
    assert redact(unit * (300_000 // len(unit)))
