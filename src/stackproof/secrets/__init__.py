"""The definition of a secret, and the redaction of texts.

A value is a secret by its name (`names`, `assignments`), by its context (`context`, `urls`), by its
format (`formats`), or because it is known: the values of secret variables of this process and of
the environment files.
"""

import json
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from stackproof.printable import printable
from stackproof.secrets.assignments import Assignments
from stackproof.secrets.context import replace_by_context
from stackproof.secrets.formats import Mark, replace_by_format, token_kind
from stackproof.secrets.harmless import is_harmless
from stackproof.secrets.json_values import redact_json
from stackproof.secrets.names import is_key_variable, is_secret_name, is_secret_variable
from stackproof.secrets.urls import has_password, replace_in_urls

__all__ = [
    "REDACTED", "Mark", "Redaction", "is_harmless", "is_secret_name", "is_secret_variable", "learn",
    "redact", "secret_kind",
]  # fmt: skip

REDACTED = "[redacted]"
_SHORTEST_SECRET = 4
_SHORTEST_VALUE = 6
_SHORTEST_ENCODED = 8
# To replace a password that is one of these hides nothing and makes texts unreadable. Shorter and
# harmless words are never replaced.
_ORDINARY = frozenset(
    {
        "access", "connection", "connections", "container", "database", "docker", "engine",
        "loading", "localhost", "master", "network", "password", "passwords", "postgres",
        "production", "public", "replica", "secret", "secrets", "server", "service", "staging",
        "status", "system", "tokens", "version",
    }
)  # fmt: skip
# Every name of a secret contains one of these: a text without any is not searched for assignments.
_NAME = re.compile(
    "p(?:ass|w|sw|in|sk)|secret|token|key|auth|cred|cookie|sess|sid|[cx]srf|jwt|sig|code|otp|hook"
    "|hmac|assertion|ticket|saml|hash|bearer|connection_?string|mnemonic|nonce",
    re.IGNORECASE,
)
_known: set[str] = set()
_declared: set[str] = set()


def redact(text: str) -> str:
    """Return the text with each secret replaced by `[redacted]`, safe to print.

    Control characters and characters that UTF-8 cannot encode are removed. JSON remains JSON, and a
    URL can still be parsed. Redacting again changes nothing.
    """
    if not text:
        return text
    # First, because a control character can split a secret.
    return Redaction(lambda _: REDACTED).replace(printable(text))


class Redaction:
    """Replaces the secrets of many texts. It knows the secrets that are known at its creation."""

    def __init__(self, mark: Mark) -> None:
        """Store the function that returns the replacement of a secret."""
        self._mark = mark
        self._known = _known_values()

    def replace(self, text: str, mark: Mark | None = None) -> str:
        """Return the text with each secret replaced, and otherwise unchanged."""
        if len(text) < _SHORTEST_SECRET:
            return text
        before, mark = text, mark or self._mark
        if self._known:
            text = self._known.sub(lambda found: mark(found[0]), text)
        text = replace_by_context(replace_by_format(text, mark), mark)
        if ("=" in text or ":" in text or "%" in text) and _NAME.search(text):
            text = Assignments(text, mark).replace()
        text = replace_in_urls(text, REDACTED)
        return text if text == before else self._still_json(before, text, mark)

    def replace_json(self, value: Any, mark: Mark | None = None) -> Any:
        """Return a JSON value with each secret replaced."""
        mark = mark or self._mark
        return redact_json(value, mark, lambda text: self.replace(text, mark))

    def _still_json(self, before: str, after: str, mark: Mark) -> str:
        """Return the redacted text, which is JSON if the text before was."""
        if before.lstrip()[:1] not in ("{", "["):
            return after
        try:
            value = json.loads(before)
        except (ValueError, RecursionError):
            return after
        try:
            json.loads(after)
        except (ValueError, RecursionError):
            return json.dumps(self.replace_json(value, mark), ensure_ascii=False)
        return after


def learn(secrets: Iterable[str] = (), declared: Iterable[str] = ()) -> None:
    """Add the secrets of an environment file.

    Args:
        secrets: values that are secrets.
        declared: names that are not redacted, even if a secret is the same word.
    """
    _known.update(secrets)
    _declared.update(declared)


def secret_kind(value: str) -> str | None:
    """Return the kind of secret that a value contains, whatever its name; None if it has none."""
    kind = token_kind(value)
    return kind or ("a URL with a password" if has_password(value) else None)


def _known_values() -> re.Pattern[str] | None:
    # Names first: to decode the values of all variables takes most of the time of a short text.
    names = [name for name in os.environ if is_secret_variable(name) or is_key_variable(name)]
    texts = {os.environ[name] for name in names}
    values = {part for text in texts | _known for part in _parts(text) if not _is_ordinary(part)}
    return _pattern(frozenset(values)) if values else None


@lru_cache(8)
def _pattern(values: frozenset[str]) -> re.Pattern[str]:
    forms = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, forms)))


def _parts(text: str) -> Iterator[str]:
    """Yield the value and each of its lines that are long enough to be searched for."""
    for part in {text, *text.splitlines()}:
        if len(part.strip()) >= _SHORTEST_VALUE and not is_harmless(part):
            yield part.strip()


def _is_ordinary(value: str) -> bool:
    return value.lower() in _ORDINARY or any(value in name for name in _declared)


def _forms(value: str) -> Iterator[str]:
    """Yield the value as it is, and as URLs, JSON and base64 encode it."""
    raw = value.encode(errors="replace")
    yield from (value, quote(raw, safe=""), quote(raw), quote_plus(raw))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    if len(value) >= _SHORTEST_ENCODED:
        # Base64 depends on the position among other bytes; the first and last characters vary.
        for before in range(3):
            encoded = b64encode(bytes(before) + raw).decode()
            certain = encoded[(0, 2, 3)[before] : len(encoded) - (0, 3, 2)[(len(raw) + before) % 3]]
            yield from {certain, certain.translate(_URL_SAFE)}


_URL_SAFE = str.maketrans("+/", "-_")
