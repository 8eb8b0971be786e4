"""Runs that are started in other directories."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT, RUN_SECONDS
from tests.session.process.one_route import verdict_of


def _started_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "pytest", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        timeout=RUN_SECONDS, env=clean,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stack", "folder"),
    [(200, "docs"), (500, "docs/adr"), (500, "suites"), (200, "environments")],
    indirect=["stack"],
)
def test_started_in_a_folder_of_the_project(
    tmp_path: Path, stack: tuple[int, str], folder: str
) -> None:
    code, environments = stack
    output = f"--output={tmp_path}"
    ran = _started_in(ROOT / folder, "-m", "shop and routes", environments, output)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert verdict_of(tmp_path)["exit_code"] == code


def test_started_elsewhere_with_the_project_named(tmp_path: Path, stack: tuple[int, str]) -> None:
    code, environments = stack
    options = ("-c", f"{ROOT}/pyproject.toml", environments, f"--output={tmp_path}")
    ran = _started_in(tmp_path, "-m", "shop and routes", *options)
    assert ran.returncode == code, ran.stdout + ran.stderr


@pytest.mark.parametrize("arguments", [("-m", "lab"), ("-m", "shop", "--environments=e")], ids=repr)
def test_started_elsewhere(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = _started_in(tmp_path, *arguments)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert ran.stderr.strip() == (
        f"ERROR: there are no suites in {tmp_path}: run pytest in {ROOT}, "
        f"or with -c {ROOT}/pyproject.toml"
    )


def test_the_tests_of_another_project(tmp_path: Path) -> None:
    """It may have an environment's name for a marker, and runs as if we were not installed."""
    (tmp_path / "test_own.py").write_text(
        "import pytest\n@pytest.mark.lab\ndef test_own(): assert 1\n"
    )
    ran = _started_in(tmp_path, "-m", "lab", "-W", "ignore")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
