"""Redaction takes time that grows with the length of the text, and not faster."""

from time import process_time

import pytest

from stackproof.secrets import redact


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
        '"secrets": {a: 1} ', '"secrets": ["', 'secrets=["\\"', '"secrets": ["a", {"b": ',
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
    # A pattern that is quadratic takes 16 times as long for a text 4 times as long. The long texts
    # take long, and are needed only if the short ones leave a doubt.
    redact(unit)
    if _ratio(unit, 16_384, allowed=0.01) > 7:
        assert _ratio(unit, 65_536, allowed=0.2) < 10


def _ratio(unit: str, length: int, *, allowed: float) -> float:
    """Return how much longer a text takes that is 4 times as long, apart from some seconds."""
    short, long = _seconds(unit, length), _seconds(unit, 4 * length)
    return (long - allowed) / max(short, 0.001)  # the clock has steps


def _seconds(unit: str, length: int) -> float:
    text = unit * (length // len(unit))
    start = process_time()
    redact(text)
    return process_time() - start
