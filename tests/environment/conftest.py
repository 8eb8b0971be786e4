"""Docker's configuration of a user."""

from pathlib import Path

import pytest


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    return folder
