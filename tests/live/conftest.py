"""The lab, up for the tests that are marked live, and one run of the suites against it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import stack
from tests.faults import snapshots
from tests.live.verification import Run

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 60


@pytest.fixture(scope="session")
def lab() -> None:
    stack.up()


@pytest.fixture
def verify(lab: None, tmp_path: Path) -> Callable[..., Run]:
    def run(*arguments: str) -> Run:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "lab", f"--output={tmp_path}", *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
        )  # fmt: skip
        verdict = json.loads((tmp_path / "lab" / "verdict.json").read_text())
        by_outcome: dict[str, set[str]] = {}
        for check in verdict["checks"]:
            by_outcome.setdefault(check["outcome"], set()).add(check["id"])
        return Run(
            exit_code=done.returncode,
            output=done.stdout + done.stderr,
            first_lines={c["id"]: c["headline"] for c in verdict["checks"]},
            by_outcome={name: frozenset(ids) for name, ids in by_outcome.items()},
        )

    return run


@pytest.fixture
def keep(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., None]:
    """Where snapshots are to be taken: takes what the last run saw, of a fault or of none."""

    def take(fault: str = "") -> None:
        if request.config.getoption("take_snapshots"):
            seen = snapshots.read_run(tmp_path)
            path = snapshots.take(fault or snapshots.healthy(seen.environment), seen)
            with capsys.disabled():
                print(f"\ntook {path.relative_to(ROOT)}, {path.stat().st_size} bytes")

    return take
