"""The garbage collector during a run and after it, and the libraries that a run does not import."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import snapshots

ROOT = Path(__file__).parents[3]
RUN_SECONDS = 60

PROGRAM = """
import gc, sys
import pytest

class Observer:
    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self):
        yield
        print(f"enabled after the checks: {gc.isenabled()}")

pytest.main(sys.argv[1:], plugins=[Observer()])
print(f"enabled after the run: {gc.isenabled()}, scans {len(gc.get_objects())} objects")
print(f"threshold after the run: {gc.get_threshold()[0]}")
print("imported:", *(name for name in NAMES if name in sys.modules))
"""
NOT_NEEDED = (
    "allure_pytest", "cryptography", "docker", "httpx", "rich", "stackproof.engine.ssh.link",
    "stackproof.environment.compose", "testinfra.backend.ssh",
)  # fmt: skip
"""What a replay of an environment without Compose files does not need: their imports take long."""


@pytest.mark.parametrize(("workers", "while_checks_run"), [("-n0", True), ("-n1", False)])
def test_a_run_goes_through_nothing_at_its_end(
    tmp_path: Path, workers: str, while_checks_run: bool
) -> None:
    snapshot = tmp_path / "facts.json"
    snapshot.write_text(snapshots.read(snapshots.healthy("lab")).model_dump_json())
    program = f"NAMES = {NOT_NEEDED}\n{PROGRAM}"
    ran = subprocess.run(
        [sys.executable, "-c", program, "-m", "lab", f"--facts={snapshot}", workers,
         f"--output={tmp_path}", "-s"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
    )  # fmt: skip
    assert f"enabled after the checks: {while_checks_run}\n" in ran.stdout
    assert "enabled after the run: True, scans " in ran.stdout
    assert f"threshold after the run: {gc.get_threshold()[0]}\n" in ran.stdout
    assert "imported:\n" in ran.stdout
    objects = int(ran.stdout.rpartition(" scans ")[2].partition(" ")[0])
    assert objects < 1000, "what a run has made was to be spared"
