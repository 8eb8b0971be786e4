"""The wait of the post gate, where the engine does not answer: it ends, and says so."""

import json
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from tests import shop
from tests.command_line import ROOT
from tests.in_process import run
from tests.probes.http.sites import Answer, serving

SECONDS = 60
SAMPLES = ROOT / "tests" / "samples"
JSON = {"Content-Type": "application/json"}


@contextmanager
def _waiting(written: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run that has said something of its wait."""
    command = [sys.executable, "-m", "pytest", f"--output={written}", *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        assert select.select([process.stderr], [], [], SECONDS)[0]
        yield process


def _options(folder: Path, address: str = "") -> tuple[tuple[str, ...], str]:
    address = address or f"unix://{folder}/no.sock"
    environment = {
        "engine": {"address": address},
        "services": {"api": {}, "db": {}},
        "routes": {"home": {"url": "http://127.0.0.1:1/", "service": "api"}},
    }
    declared, _ = shop.save(folder, environment, shop.facts())
    options = ("-m", "shop", declared, "--gate=post", "--services=api")
    return options, f"engine {address}: no such file or directory"


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
def test_nothing_fails_where_nothing_was_seen_to_settle(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    """Not even the route that refuses connections: it may be down with its engine."""
    options, reason = _options(tmp_path)
    ran = run(tmp_path / "out", *options, "--wait=1", *workers)
    assert ran.exit_code == 6, ran.output
    lines = {line for _, line in ran.results("shop").values()}
    compared = {line for line in lines if "there is no baseline" in line}
    assert lines - compared == {f"could not be evaluated: {reason}"}
    assert {outcome for outcome, _ in ran.results("shop").values()} == {"UNKNOWN"}
    waited = ran.verdict("shop")["waited"]
    assert (waited["ended"], waited["blind"], waited["limit_s"]) == ("blind", reason, 1)
    # There are no retries without an engine.
    assert {len(check["attempts"]) for check in ran.verdict("shop")["checks"]} == {1}


def test_an_engine_that_stops_answering_in_the_middle(tmp_path: Path) -> None:
    """It is reachable, and says nothing any more: the wait ends all the same, and fails nothing."""
    stopped = Event()
    inspected = json.loads((SAMPLES / "inspect-unhealthy.json").read_text())
    inspected["State"]["Health"]["Status"] = "starting"
    listed = [{"Id": inspected["Id"], "State": "running", "Names": ["/api"]}]

    def answer(path: str) -> Answer:
        if stopped.is_set():
            released.wait(SECONDS)
        if path.endswith("/version"):
            return 200, JSON, b'{"ApiVersion": "1.41"}'
        return 200, JSON, json.dumps(listed if "/containers/json" in path else inspected).encode()

    released = Event()
    with serving(answer) as site:
        options, _ = _options(tmp_path, f"tcp://{site.address}")
        with _waiting(tmp_path / "out", *options, "--wait=9") as process:
            assert process.stderr
            assert process.stderr.readline().startswith("waiting for api (starting), db (no ")
            stopped.set()
            assert process.wait(timeout=SECONDS) == 6
        released.set()
    verdict = json.loads((tmp_path / "out" / "shop" / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["counts"]["FAIL"]) == ("unknown", 0)
    waited = verdict["waited"]
    assert (waited["ended"], waited["blind"][:7]) == ("blind", "engine ")
    assert 9 <= waited["seconds"] < 12


def test_an_engine_that_is_gone_when_a_failure_is_retried(tmp_path: Path) -> None:
    """What went down with it is no failure of the deploy, though it was one at first."""
    inspected = json.loads((SAMPLES / "inspect-unhealthy.json").read_text())
    inspected["State"]["Health"]["Status"] = "healthy"
    listed = [{"Id": inspected["Id"], "State": "running", "Names": ["/api"]}]
    asked: list[str] = []

    def answer(path: str) -> Answer:
        if path == "/home":
            asked.append(path)
            return 502, {}, b""
        if len(asked) > 1:
            return 503, JSON, b'{"message": "shutting down"}'
        if path.endswith("/version"):
            return 200, JSON, b'{"ApiVersion": "1.41"}'
        return 200, JSON, json.dumps(listed if "/containers/json" in path else inspected).encode()

    with serving(answer) as site:
        environment = {
            "engine": {"address": f"tcp://{site.address}"},
            "services": {"api": {}},
            "routes": {"home": {"url": f"http://{site.address}/home", "service": "api"}},
        }
        declared, _ = shop.save(tmp_path, environment, shop.facts())
        gate = ("--gate=post", "--services=api", "--wait=9")
        ran = run(tmp_path / "out", "-m", "shop and routes", declared, *gate)
    assert ran.exit_code == 6, ran.output
    found = {check["id"]: check for check in ran.verdict("shop")["checks"]}["routes.status[home]"]
    assert found["headline"] == (
        f"could not be evaluated: engine tcp://{site.address}: shutting down "
        "(an earlier attempt failed: home status: expected 200, observed 502)"
    )
    assert [each["outcome"] for each in found["attempts"]] == ["FAIL", "UNKNOWN"]
    assert ran.verdict("shop")["counts"]["FAIL"] == 0


def test_an_interrupt_during_the_wait_leaves_a_verdict_that_says_so(tmp_path: Path) -> None:
    options, reason = _options(tmp_path)
    with _waiting(tmp_path / "out", *options, f"--wait={SECONDS}") as process:
        assert process.stderr
        assert process.stderr.readline().startswith(f"waiting for {reason}: ")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=SECONDS) == 2
    verdict = json.loads((tmp_path / "out" / "shop" / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["interrupted"]) == ("unknown", True)
