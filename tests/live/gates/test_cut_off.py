"""Whatever comes between the gate and the lab: UNKNOWN within the deadline, and never no-go."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import address, deploy
from lab.engine import daemon
from lab.shapes import PRODUCTION
from stackproof.deadlines import GATHER_SECONDS
from tests.command_line import ROOT, Ran
from tests.live.conftest import DEPLOYED, SERVICES, Gate, another_lab
from tests.live.gates.network import Network, network
from tests.probes.test_gather import ENGINE

pytestmark = pytest.mark.live

WAIT = 20
DEADLINE = WAIT + 2 * GATHER_SECONDS + 12
"""The wait, the probes, the last request to the engine, and a busy machine."""
NO_CURL = "RUN rm /usr/bin/curl"  # which its health check runs


@contextmanager
def _judging(written: Path, *options: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "pytest", "-m", "lab", f"--output={written}", "--gate=post"]
    with subprocess.Popen(
        [*command, DEPLOYED, f"--wait={WAIT}", *options],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **address.variables(PRODUCTION), **more},
    ) as process:  # fmt: skip
        yield process


def _waits_for(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    assert select.select([process.stderr], [], [], WAIT)[0]
    return process.stderr.readline()


def _verdict(written: Path) -> dict[str, Any]:
    return Ran(0, "", "", written, replayed=False).verdict("lab")


def _is_unknown(written: Path) -> None:
    verdict = _verdict(written)
    assert (verdict["verdict"], verdict["exit_code"]) == ("unknown", 6)
    assert not verdict["interrupted"]
    assert verdict["counts"]["FAIL"] == 0


@pytest.fixture
def never_healthy(gate: Gate) -> None:
    """A deploy that the gate waits for."""
    deploy.build("api", "unhealthy", NO_CURL)
    deploy.recreate("api", wait=False)


@pytest.fixture
def good(gate: Gate) -> None:
    deploy.deploy(SERVICES, "good")


@pytest.mark.usefixtures("never_healthy")
def test_the_engine_stops_answering_during_the_wait(tmp_path: Path) -> None:
    if not daemon.PIDFILE.exists():
        pytest.skip("the engine is not one that the lab started")
    pid = int(daemon.PIDFILE.read_text())
    with _judging(tmp_path) as process:
        assert _waits_for(process).startswith("waiting for api (starting): ")
        os.kill(pid, signal.SIGSTOP)
        try:
            assert process.wait(timeout=DEADLINE) == 6
        finally:
            os.kill(pid, signal.SIGCONT)
    _is_unknown(tmp_path)
    assert _verdict(tmp_path)["waited"]["ended"] == "blind"


def _far_lab(folder: Path, far: Network, *, cut_by_a_route: bool = False) -> tuple[str, str]:
    """The option and the engine's address of a lab that is at the other end of the network."""
    if not ENGINE.startswith("unix://"):
        pytest.skip(f"the network stands before a unix socket, not before {ENGINE}")
    ports = address.load()
    https = far.port(ports.https_port, far.cut if cut_by_a_route else lambda: None)
    http = far.port(ports.http_port)
    environments = another_lab(
        folder / "environments",
        ('"*:443": 127.0.0.1:${LAB_HTTPS_PORT:-443}', f'"*:443": 127.0.0.1:{https}'),
        ('"*:80": 127.0.0.1:${LAB_HTTP_PORT:-80}', f'"*:80": 127.0.0.1:{http}'),
    )
    return environments, far.engine(folder / "engine.sock", ENGINE)


@pytest.mark.usefixtures("good")
def test_a_network_that_is_whole(tmp_path: Path) -> None:
    with network() as far:
        environments, engine_address = _far_lab(tmp_path, far)
        with _judging(tmp_path, environments, DOCKER_HOST=engine_address) as process:
            assert process.wait(timeout=DEADLINE) == 0


@pytest.mark.usefixtures("never_healthy")
def test_the_network_is_cut_during_the_wait(tmp_path: Path) -> None:
    with network() as far:
        environments, engine_address = _far_lab(tmp_path, far)
        with _judging(tmp_path, environments, DOCKER_HOST=engine_address) as process:
            assert _waits_for(process).startswith("waiting for api (starting): ")
            far.cut()
            assert process.wait(timeout=DEADLINE) == 6
    _is_unknown(tmp_path)


@pytest.mark.usefixtures("good")
def test_the_network_is_cut_during_the_gather(tmp_path: Path) -> None:
    """The first request of a route is lost with it, and so is the engine."""
    with network() as far:
        environments, engine_address = _far_lab(tmp_path, far, cut_by_a_route=True)
        with _judging(tmp_path, environments, DOCKER_HOST=engine_address) as process:
            assert process.wait(timeout=DEADLINE) == 6
    _is_unknown(tmp_path)
    assert _verdict(tmp_path)["counts"]["PASS"] == 0


@pytest.mark.usefixtures("never_healthy")
def test_ctrl_c_during_the_wait(tmp_path: Path) -> None:
    with _judging(tmp_path) as process:
        assert _waits_for(process).startswith("waiting for api (starting): ")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=DEADLINE) == 2
    verdict = _verdict(tmp_path)
    assert (verdict["verdict"], verdict["interrupted"]) == ("unknown", True)
