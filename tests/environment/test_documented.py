"""docs/environments.md mentions every field of an environment file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import stackproof.environment.model  # noqa: F401 - defines the models
from stackproof.schema.declared import Declared

PAGE = (Path(__file__).parents[2] / "docs" / "environments.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
GENERATED = {"name"}
"""Fields that come from a key or from the name of the file."""


def _models(of: type[Declared]) -> Iterator[type[Declared]]:
    for each in of.__subclasses__():
        yield each
        yield from _models(each)


@pytest.mark.parametrize("model", sorted(_models(Declared), key=str))
def test_fields(model: type[Declared]) -> None:
    assert model.model_fields.keys() - WORDS <= GENERATED
