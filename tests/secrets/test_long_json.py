"""Secrets in JSON that is longer than the part of a text that is parsed first."""

import json
from typing import Any

import pytest

from stackproof.secrets import redact


@pytest.mark.parametrize("around", range(4070, 4100))
@pytest.mark.parametrize("value", ["x1y2z3w4", "a\u00e9\n1b2c", 12345678.5, ["k1l2m3n4"]])
def test_what_the_end_of_the_part_divides(around: int, value: Any) -> None:
    secrets = {"first": "f" * around, "then": value, "last": "q9w8e7r6"}
    text = f'"secrets": {json.dumps(secrets)}, "port": 80'
    redacted = redact(text)
    assert "fff" not in redacted
    assert "q9w8e7r6" not in redacted
    assert redacted.endswith(', "port": 80')
    shown = json.loads("{" + redacted + "}")["secrets"]
    assert shown["last"] == "[redacted]"
    assert shown["then"] in ("[redacted]", ["[redacted]"])
    assert shown.keys() == secrets.keys()
