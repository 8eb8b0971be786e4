"""Projects with Compose files and an environment."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from stackproof.environment.loader import load
from stackproof.environment.model import Environment

Load = Callable[..., Environment]


@pytest.fixture
def stack(tmp_path: Path) -> Load:
    """Writes a project with its Compose files and its environment, and loads that."""
    (tmp_path / "environments").mkdir()

    def load_stack(
        compose: str | Mapping[str, str],
        environment: str = "compose: {files: compose.yaml}",
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> Environment:
        files = {"compose.yaml": compose} if isinstance(compose, str) else compose
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / "environments" / "shop.yaml").write_text(environment, encoding="utf-8")
        path = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return load("shop", tmp_path / "environments", {**path, **variables}, offline=True)

    return load_stack
