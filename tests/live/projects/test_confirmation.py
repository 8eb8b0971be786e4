"""On a real engine: what passes a retry is FLAKY, and nothing else is requested again."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import stack
from tests.command_line import ROOT, Ran, run
from tests.engine.engine_proxy import counting
from tests.probes.test_gather import ENGINE, LAB

pytestmark = pytest.mark.live

SELECTION = ("-m", "lab and containers")
RUNNING = "containers.running[ollama]"
PAUSED = "ollama running: expected running, observed paused"
FIRST_LOOK_SECONDS = 30
RUN_SECONDS = 60


@pytest.fixture
def _paused() -> Iterator[None]:
    if not ENGINE.startswith("unix://"):
        pytest.skip(f"the proxy stands before a unix socket, not before {ENGINE}")
    stack.up()
    _docker("pause")
    yield
    if "paused" in _docker("inspect", "--format={{.State.Status}}"):
        _docker("unpause")
    stack.up()


def _docker(*arguments: str) -> str:
    command = ["docker", *arguments, "vpn-ollama"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _after_the_first_look(written: Path, act: Callable[[], object], **variables: str) -> Ran:
    """Do something as soon as a run that confirms has looked for the first time."""
    command = [sys.executable, "-m", "pytest", *SELECTION, "--confirm=3", f"--output={written}"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", **variables},
    ) as running:  # fmt: skip
        ends = time.monotonic() + FIRST_LOOK_SECONDS
        while not (written / "lab" / "facts.json").exists() and time.monotonic() < ends:
            time.sleep(0.01)
        act()
        output, _ = running.communicate(timeout=RUN_SECONDS)
    return Ran(running.returncode, output, "", written, replayed=False)


@pytest.mark.usefixtures("_paused")
def test_back_when_it_is_retried(tmp_path: Path) -> None:
    ran = _after_the_first_look(tmp_path, lambda: _docker("unpause"))
    assert ran.exit_code == 0, ran.output
    assert ran.results("lab")[RUNNING] == ("FLAKY", PAUSED)
    assert {outcome for outcome, _ in ran.results("lab").values()} == {"FLAKY"}
    assert f"~ {PAUSED} (passed on attempt 2)" in ran.output


@pytest.mark.usefixtures("_paused")
def test_an_engine_that_is_gone_when_it_is_retried(tmp_path: Path) -> None:
    """It was not seen twice, so it is no reason to roll back."""
    socket = tmp_path / "engine.sock"
    with counting(socket, ENGINE.removeprefix("unix://")) as proxy:
        ran = _after_the_first_look(tmp_path / "out", socket.unlink, DOCKER_HOST=proxy.address)
    assert ran.exit_code == 6, ran.output
    gone = f"could not be evaluated: engine unix://{socket}: no such file or directory"
    assert ran.results("lab")[RUNNING] == (
        "UNKNOWN",
        f"{gone} (an earlier attempt failed: {PAUSED})",
    )
    assert {outcome for outcome, _ in ran.results("lab").values()} == {"UNKNOWN"}


@pytest.mark.usefixtures("_paused")
def test_only_what_failed_is_asked_for_again(tmp_path: Path) -> None:
    with counting(tmp_path / "engine.sock", ENGINE.removeprefix("unix://")) as proxy:
        ran = run(
            tmp_path / "out", *SELECTION, "--confirm=2", variables={"DOCKER_HOST": proxy.address}
        )
    assert ran.exit_code == 1, ran.output
    assert ran.results("lab")[RUNNING] == ("FAIL", PAUSED)
    assert {check.partition("[")[2] for check in ran.results("lab")} == {"ollama]"}
    asked = proxy.requests()
    assert asked["GET /containers/json"] == 3
    assert asked["GET /containers/ID/json"] == len(LAB.services) + 2
