"""Secrets in parsed JSON."""

import json
from typing import Any

from stackproof.secrets.formats import Mark
from stackproof.secrets.harmless import is_harmless
from stackproof.secrets.names import is_secret_name


def redact_json(value: Any, mark: Mark, text: Mark, *, named: bool = False) -> Any:
    """Return a JSON value with each secret replaced.

    Args:
        value: the parsed value.
        mark: returns the replacement of a secret.
        text: redacts all other texts.
        named: whether the name of the value is that of a secret.
    """
    if isinstance(value, dict):
        return {
            text(key): redact_json(
                each, mark, text, named=named or is_secret_name(key, assigned=True)
            )
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [redact_json(each, mark, text, named=named) for each in value]
    if isinstance(value, str):
        return mark(value) if named and not is_harmless(value) else text(value)
    plain = json.dumps(value)
    return mark(plain) if named and not is_harmless(plain) else value
