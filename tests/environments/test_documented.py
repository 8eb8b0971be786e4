"""Every field that an environment file can hold stands in docs/environments.md."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import environments.model  # noqa: F401 - what it imports declares the fields
from environments.declared import Declared

PAGE = (Path(__file__).parents[2] / "docs" / "environments.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
BY_KEY = {"name"}
"""What a file says by the key under which the rest stands, or by its own name."""


def _declared(of: type[Declared]) -> Iterator[type[Declared]]:
    for each in of.__subclasses__():
        yield each
        yield from _declared(each)


@pytest.mark.parametrize("declared", sorted(_declared(Declared), key=str))
def test_fields(declared: type[Declared]) -> None:
    assert declared.model_fields.keys() - WORDS <= BY_KEY
