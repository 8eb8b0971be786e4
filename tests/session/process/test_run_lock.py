"""Only one run verifies an environment at a time, and a killed run leaves no lock."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests import shop
from tests.command_line import ROOT, Ran
from tests.in_process import run

ENVIRONMENT: dict[str, Any] = {"services": {"api": {}}}
FINE = shop.facts(containers={"api": shop.container()})
HOLD = """\
import sys
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def _verify(folder: Path, *arguments: str) -> Ran:
    engine = f"unix://{folder}/none.sock"
    options, _ = shop.save(folder, {**ENVIRONMENT, "engine": {"address": engine}}, FINE)
    return run(folder / "out", "-m", "shop", options, *arguments)


def _lock(folder: Path) -> Path:
    path = folder / "out" / "shop" / "run.lock"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
def test_another_run_is_verifying_it(tmp_path: Path, workers: tuple[str, ...]) -> None:
    path = _lock(tmp_path)
    verdict = path.with_name("verdict.json")
    verdict.write_text("of the other run", encoding="utf-8")
    with FileLock(path):
        ran = _verify(tmp_path, *workers)
    assert ran.exit_code == 6
    assert (ran.output.strip(), ran.errors.strip()) == (
        "",
        f"ERROR: shop: another run is verifying it; nothing was verified ({path})",
    )
    assert verdict.read_text(encoding="utf-8") == "of the other run"
    assert sorted(each.name for each in path.parent.iterdir()) == ["run.lock", "verdict.json"]


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    path = _lock(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert "another run" in _verify(tmp_path).errors
        holder.kill()
    assert path.exists()
    ran = _verify(tmp_path)
    assert ran.verdict("shop")["verdict"] == "unknown"
    assert "another run" not in ran.errors


def test_a_gate_waits_for_the_other_run(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "engine": {"address": f"unix://{tmp_path}/none.sock"}}
    options, _ = shop.save(tmp_path, environment, FINE)
    written = tmp_path / "out"
    path = _lock(tmp_path)
    baseline = path.with_name("baseline.json")
    baseline.write_text("of the other run", encoding="utf-8")
    lock = FileLock(path)
    command = [sys.executable, "-m", "pytest", "-m", "shop", options, f"--output={written}"]
    with (
        lock,
        subprocess.Popen(
            [*command, "--gate=pre", "--services=api", "--confirm=0"], cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as running,
    ):  # fmt: skip
        assert running.stderr
        line = running.stderr.readline()
        assert line == "shop: another run is verifying it; waiting for it, 60 s at most\n"
        assert baseline.read_text(encoding="utf-8") == "of the other run"
        lock.release()
        assert running.wait(timeout=50) == 6
    assert (written / "shop" / "verdict.json").exists()


def test_runs_that_observe_nothing_need_no_lock(tmp_path: Path) -> None:
    with FileLock(_lock(tmp_path)):
        assert _verify(tmp_path, "--collect-only").exit_code == 0
        assert shop.replay(tmp_path, ENVIRONMENT, FINE).exit_code == 0


def test_another_environment_is_verified_meanwhile(tmp_path: Path) -> None:
    other = tmp_path / "out" / "other" / "run.lock"
    other.parent.mkdir(parents=True)
    with FileLock(other):
        assert _verify(tmp_path).verdict("shop")["verdict"] == "unknown"
