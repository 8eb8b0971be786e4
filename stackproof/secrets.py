"""Secrets are taken out of every text before it is printed or written."""

import os
import re
from collections.abc import Iterator

from stackproof.printable import printable

REDACTED = "[redacted]"

_KEYWORD = (
    r"(?:password|passwd|passphrase|(?:client|shared)[_-]?secret|secret[_-]?access[_-]?key"
    r"|secret[_-]?key|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
)
# What is redacted already stays as it is. An unterminated string counts too, because captured
# output is cut off where it grows long.
_QUOTED = r"""\[redacted\]|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?"""
# A finding names a claim and goes on `: expected ...`: there the word after the colon is ours.
_ASSIGNED = r"""(\\*["']?[ \t]{0,8}(?:=>|[:=](?![:=]))[ \t]{0,8}\\*(?![ \t]{0,8}expected\b))"""

# No pattern may start at two places of one long run of characters and read to its end from both:
# that keeps each of them linear in the length of the text.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
            r"[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)"
        ),
        REDACTED,
    ),
    (re.compile(rf"(?i)\b((?:set-)?cookie){_ASSIGNED}(?:{_QUOTED}|[^\r\n]+)"), rf"\1\2{REDACTED}"),
    (
        re.compile(
            rf"(?i)\b(authorization){_ASSIGNED}"
            r"""(["']?(?:(?:bearer|basic|digest|token|negotiate)[ ]+)?)[^\s"',]+"""
        ),
        rf"\1\2\3{REDACTED}",
    ),
    (re.compile(r"(?i)\b(bearer[ ]+)[a-z0-9._~+/=-]{16,}"), rf"\1{REDACTED}"),
    (re.compile(r"""(://[^\s/:@"']{0,256}:)[^\s/@"']{1,256}(?=@)"""), rf"\1{REDACTED}"),
    (
        re.compile(
            r"(?i)(https://(?:hooks\.slack\.com/(?:services|workflows|triggers)"
            r"|(?:\w{1,20}\.)?discord(?:app)?\.com/api/webhooks"
            r"|[\w-]{1,63}\.webhook\.office\.com)/)[^\s\"'<>]+"
        ),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(
            r"(?<![\w-])(?:(?:AKIA|ASIA)[0-9A-Z]{16}\b|gh[opsur]_[A-Za-z0-9]{20,}"
            r"|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}"
            r"|sk-[\w-]{20,}|[rs]k_(?:live|test)_\w{10,}|eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*)"
        ),
        REDACTED,
    ),
    (re.compile(rf"(?i)({_KEYWORD}){_ASSIGNED}(?:{_QUOTED}|[^\s&\"']+)"), rf"\1\2{REDACTED}"),
    (
        re.compile(rf"(?i)(--(?:[a-z]{{1,20}}-)?{_KEYWORD}[ ]+)(?:{_QUOTED}|[^\s\"'-]\S*)"),
        rf"\1{REDACTED}",
    ),
)

_SECRET_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|WEBHOOK|CREDENTIAL)S?(?:_|$)")
# Such a variable says where a secret is or what it is called, and an operator wants to read that.
_NOT_THE_SECRET = ("_FILE", "_PATH", "_DIR", "_NAME")
_SHORTEST_VALUE = 6


def redact(text: str) -> str:
    """The text with `[redacted]` in place of each secret that it holds.

    Known by their shape: private keys, assignments to password-like names, credentials in headers,
    cookies and URLs, and well-known kinds of token. Known by their value: the variables of this
    process whose names look secret, if they hold 6 characters or more. Control characters and what
    UTF-8 cannot encode go as well.
    """
    if not text:
        return text
    # First, because a control character would split a secret.
    text = printable(text)
    for value in sorted(_environment_secrets(), key=len, reverse=True):
        text = text.replace(value, REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _environment_secrets() -> Iterator[str]:
    for name, value in os.environ.items():
        upper = name.upper()
        if not _SECRET_VARIABLE.search(upper) or upper.endswith(_NOT_THE_SECRET):
            continue
        for candidate in (value, *value.splitlines()):
            stripped = candidate.strip()
            if len(stripped) >= _SHORTEST_VALUE:
                yield stripped
