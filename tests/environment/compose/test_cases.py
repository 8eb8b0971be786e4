"""Constructs of public Compose files, each with what it specifies.

What a container must then be is shown by the tests of the checks; what `stackproof init` makes of a
case, by its tests.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackproof.environment.model import Environment
from tests.environment.compose.conftest import Load

CASES = {file.stem: file for file in sorted((Path(__file__).parent / "cases").iterdir())}
VARIABLES = {"TENANT": "acme", "DB_PASSWORD": "s3cr3t-of-db", "REDIS_PASSWORD": "s3cr3t-of-redis"}
EXPECTED: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8")
)
"""By case, and by path such as `services.web.image`, the value; `environment` is what is declared
next to the Compose file."""


def _at(part: Any, path: str) -> Any:
    for key in path.split("."):
        part = part[key] if isinstance(part, Mapping) else getattr(part, key)
    return part


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | frozenset | list):
        return list(map(_plain, value))
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return (
        value.model_dump(mode="json", exclude_defaults=True)
        if hasattr(value, "model_dump")
        else value
    )


def _loaded(stack: Load, name: str, environment: str) -> Environment:
    files = {"compose.yaml": CASES[name].read_text(encoding="utf-8")}
    if name == "47-override-merge":
        base = 'services: {web: {image: "img/app:1", ports: ["8000:8000"]}}'
        files = {"compose.yaml": base, "override.yaml": files["compose.yaml"]}
    elif name == "48-include-extends":
        files["45-data-volume.yaml"] = CASES["45-data-volume"].read_text(encoding="utf-8")
    shop: Environment = stack(files, environment, variables=VARIABLES)
    return shop


def test_every_case_is_tested() -> None:
    assert CASES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", CASES)
def test_case(stack: Load, name: str) -> None:
    expected = dict(EXPECTED[name])
    environment = expected.pop("environment", "compose: {files: compose.yaml, project: shop}")
    shop = _loaded(stack, name, environment)
    assert {path: _plain(_at(shop, path)) for path in expected} == expected
