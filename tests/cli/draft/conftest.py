"""A directory with Compose files, and no engine that answers."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from stackproof.cli.command_line import main
from stackproof.cli.draft.project import Project
from stackproof.environment.compose import command
from stackproof.environment.compose.config import ComposeConfig, ComposeRun
from stackproof.environment.loader import load
from stackproof.environment.model import Environment

Init = Callable[..., Environment]


def project_of(
    folder: Path, services: Mapping[str, Any], written: Mapping[str, Any] | None = None
) -> Project:
    """Return a project of these services, as Compose prints them, without running Compose."""
    config = {"name": "shop", "services": services}
    return Project(
        ComposeRun([folder / "compose.yaml"]),
        ComposeConfig(config, frozenset(), {}, required=frozenset(), inactive={}),
        {"services": written or services},
    )


@pytest.fixture(autouse=True)
def _compose_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start Compose once in a test for the same files: `init` and the loader both read them."""
    printed: dict[object, tuple[int, str, str]] = {}
    start = command.run

    def run(
        line: Sequence[str], variables: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        files = {
            path: path.read_bytes()
            for path in tmp_path.rglob("*")
            if path.is_file() and path.parent.name != "environments"
        }
        given = os.environ if variables is None else variables
        key = (tuple(line), Path.cwd(), frozenset(given.items()), frozenset(files.items()))
        if key not in printed:
            printed[key] = start(line, variables)
        return printed[key]

    monkeypatch.setattr(command, "run", run)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory. Its name is that of the project."""
    directory = tmp_path / "shop"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    return directory


@pytest.fixture
def init(folder: Path) -> Init:
    """Writes Compose files, runs `stackproof init`, and loads what it has written."""

    def run(files: str | Mapping[str, str], *arguments: str, name: str = "shop") -> Environment:
        texts = {"compose.yaml": files} if isinstance(files, str) else files
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(dedent(text), encoding="utf-8")
        assert main(["init", *arguments]) == 0
        return load(name, folder / "environments", offline=True)

    return run


@pytest.fixture
def written(folder: Path) -> Callable[[], str]:
    return lambda: (folder / "environments" / "shop.yaml").read_text(encoding="utf-8")
