"""The recipes in docs/datastores.md are valid environment files."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackproof.environment.model import Environment
from stackproof.kinds.registry import DATASTORES

_PAGE = (Path(__file__).parents[2] / "docs" / "datastores.md").read_text(encoding="utf-8")
RECIPES: list[dict[str, Any]] = [
    yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
]


def test_there_are_recipes() -> None:
    assert len(RECIPES) == 7


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda each: next(iter(each[next(iter(each))])))
def test_recipe(recipe: dict[str, Any]) -> None:
    used = {
        each["service"]
        for field in ("commands", "requests")
        for each in recipe.get(field, {}).values()
    }
    servers = {name for each in recipe.get("datastores", {}).values() for name in each}
    services = {name: {} for name in used | servers} | recipe.get("services", {})
    environment = Environment.model_validate({**recipe, "name": "shop", "services": services})
    assert environment.commands or environment.requests or environment.datastores


def test_every_kind_is_on_the_page() -> None:
    assert DATASTORES.keys() <= set(re.findall(r"`([a-z]+)`", _PAGE))
