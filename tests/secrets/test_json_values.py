"""Secrets in parsed JSON are replaced by the names of their values."""

import json
from typing import Any

import pytest

from stackproof.secrets import Redaction

SECRET = "hunter2Xq9"  # noqa: S105 - a sample


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        ({"password": SECRET}, {"password": "***"}),
        ({"password": 12345678}, {"password": "***"}),
        ({"password": [SECRET, {"a": 12345678}]}, {"password": ["***", {"a": "***"}]}),
        ({"password": {"auth": "none"}}, {"password": {"auth": "none"}}),
        ({"auth": SECRET}, {"auth": "***"}),
        ([f"password={SECRET}", SECRET], ["password=***", SECRET]),
        ({f"password={SECRET}": 1}, {"password=***": 1}),
    ],
)
def test_secret(value: Any, redacted: Any) -> None:
    assert Redaction(lambda _: "***").replace_json(value) == redacted


@pytest.mark.parametrize(
    "value",
    [
        {"port": 5432}, {"size": 12345678}, {"password": 1234}, {"password": None},
        {"password": True}, {"password_file": SECRET}, {"size": 0.25}, 12345678, None, [], {},
    ],
    ids=repr,
)  # fmt: skip
def test_no_secret(value: Any) -> None:
    assert json.dumps(Redaction(lambda _: "***").replace_json(value)) == json.dumps(value)
