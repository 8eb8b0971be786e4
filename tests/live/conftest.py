"""The lab, up for the tests that are marked live, and one run of the suites against it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from lab import shapes, stack
from lab.shapes import PRODUCTION, Shape, ShapeName
from tests.faults import snapshots
from tests.live.verification import Run

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 60


@pytest.fixture(scope="session")
def bring_up() -> Iterator[Callable[[ShapeName], Shape]]:
    """Brings a shape up where it is not the one that the test before it had."""

    @lru_cache(maxsize=1)
    def of(name: ShapeName) -> Shape:
        stack.up(shapes.ALL[name])
        return shapes.ALL[name]

    yield of
    stack.up(PRODUCTION)


@pytest.fixture
def verify(tmp_path: Path) -> Callable[..., Run]:
    # Development is to be found here, wherever a developer's own is.
    here = {name: value for name, value in os.environ.items() if not name.startswith("DEV_DEPLOY_")}

    def run(shape: Shape, *arguments: str) -> Run:
        environment = shape.environment
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", environment, f"--output={tmp_path}", *arguments],
            cwd=ROOT, env=here, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
        )  # fmt: skip
        verdict = json.loads((tmp_path / environment / "verdict.json").read_text())
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
