"""The one definition of a secret, and how secrets are taken out of every text.

A secret is what has the name of one (`names`), stands where one stands (`places`, `urls`), has the
shape of one (`shapes`), or is known to be one: the values of this process's variables with such
names, and those of the environment files.
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
from stackproof.secrets.assignments import Assignments, is_harmless, redact_json
from stackproof.secrets.names import is_secret_name, is_secret_variable, opens_something
from stackproof.secrets.places import replace_placed
from stackproof.secrets.shapes import Mark, replace_shapes, token_kind
from stackproof.secrets.urls import has_password, replace_in_urls

__all__ = [
    "REDACTED", "Mark", "Redaction", "is_harmless", "is_secret_name", "is_secret_variable", "learn",
    "redact", "secret_kind",
]  # fmt: skip

REDACTED = "[redacted]"
_SHORTEST_SECRET = 4
_SHORTEST_VALUE = 6
_SHORTEST_ENCODED = 8
# A password that is one of these hides nothing where it is replaced, and makes texts unreadable.
_ORDINARY = frozenset(
    {
        "access", "admin", "connection", "connections", "container", "database", "default",
        "docker", "enabled", "engine", "exited", "healthy", "loading", "localhost", "master",
        "network", "nginx", "password", "passwords", "postgres", "production", "public", "redis",
        "replica", "running", "secret", "secrets", "server", "service", "staging", "starting",
        "status", "string", "system", "token", "tokens", "unhealthy", "version",
    }
)  # fmt: skip
# What every name of a secret holds, so that texts without any need not be taken apart.
_NAME = re.compile(
    "p(?:ass|w|sw|in|sk)|secret|token|key|auth|cred|cookie|sess|sid|[cx]srf|jwt|sig|code|otp|hook"
    "|hmac|assertion|ticket|saml|hash|bearer|connection_?string|mnemonic|nonce",
    re.IGNORECASE,
)
_known: set[str] = set()
_declared: set[str] = set()


def redact(text: str) -> str:
    """The text with `[redacted]` in place of each secret that it holds, safe to print.

    Control characters and what UTF-8 cannot encode go as well. JSON stays JSON, and a URL one that
    can be parsed. To redact again changes nothing.
    """
    if not text:
        return text
    # First, because a control character would split a secret.
    return Redaction(lambda _: REDACTED).replace(printable(text))


class Redaction:
    """Replaces the secrets of many texts, with what is known of secrets when it is made."""

    def __init__(self, mark: Mark) -> None:
        """Know what is written in the place of a secret."""
        self._mark = mark
        self._known = _known_values()

    def replace(self, text: str, mark: Mark | None = None) -> str:
        """Return a text with a mark in place of each secret, and otherwise as it is."""
        if len(text) < _SHORTEST_SECRET:
            return text
        before, mark = text, mark or self._mark
        if self._known:
            text = self._known.sub(lambda found: mark(found[0]), text)
        text = replace_placed(replace_shapes(text, mark), mark)
        if ("=" in text or ":" in text or "%" in text) and _NAME.search(text):
            text = Assignments(text, mark).replace()
        text = replace_in_urls(text, REDACTED)
        return text if text == before else self._still_json(before, text, mark)

    def replace_json(self, value: Any, mark: Mark | None = None) -> Any:
        """Return a value of JSON with a mark in place of each secret."""
        mark = mark or self._mark
        return redact_json(value, mark, lambda text: self.replace(text, mark))

    def _still_json(self, before: str, after: str, mark: Mark) -> str:
        """See that what was JSON still is."""
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
    """Take in what an environment file says.

    Args:
        secrets: values that are secrets.
        declared: names that are none, even where a secret happens to be the same word.
    """
    _known.update(secrets)
    _declared.update(declared)


def secret_kind(value: str) -> str | None:
    """Say what kind of secret a value holds, whatever its name; None where none."""
    kind = token_kind(value)
    return kind or ("a URL with a password" if has_password(value) else None)


def _known_values() -> re.Pattern[str] | None:
    texts = {
        text
        for name, text in os.environ.items()
        if is_secret_variable(name) or opens_something(name)
    }
    values = {part for text in texts | _known for part in _parts(text) if not _is_ordinary(part)}
    return _pattern(frozenset(values)) if values else None


@lru_cache(8)
def _pattern(values: frozenset[str]) -> re.Pattern[str]:
    forms = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, forms)))


def _parts(text: str) -> Iterator[str]:
    """The value, and each of its lines, where they are long enough to be told from others."""
    for part in {text, *text.splitlines()}:
        if len(part.strip()) >= _SHORTEST_VALUE and not is_harmless(part):
            yield part.strip()


def _is_ordinary(value: str) -> bool:
    return value.lower() in _ORDINARY or any(value in name for name in _declared)


def _forms(value: str) -> Iterator[str]:
    """The value as it is, and as URLs, JSON and base64 hold it."""
    raw = value.encode(errors="replace")
    yield from (value, quote(raw, safe=""), quote(raw), quote_plus(raw))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    if len(value) >= _SHORTEST_ENCODED:
        # Where it stands among other bytes decides what its base64 is; the ends depend on those.
        for before in range(3):
            encoded = b64encode(bytes(before) + raw).decode()
            certain = encoded[(0, 2, 3)[before] : len(encoded) - (0, 3, 2)[(len(raw) + before) % 3]]
            yield from {certain, certain.translate(_URL_SAFE)}


_URL_SAFE = str.maketrans("+/", "-_")
