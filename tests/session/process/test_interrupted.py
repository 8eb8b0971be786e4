"""A run that is stopped while it observes leaves a verdict that says so, over any older one."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from tests import in_process
from tests.command_line import ROOT, RUN_SECONDS, interrupted
from tests.probes.http.sites import Answer, serving
from tests.session.process.one_route import declare

WORKERS = pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
SELECTED = ("-m", "shop and routes")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The verdict of an earlier run."""
    path = tmp_path / "out" / "shop" / "verdict.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"verdict": "go"}', encoding="utf-8")
    return path


@pytest.fixture
def asked() -> Event:
    """Set once the stack got a request."""
    return Event()


@pytest.fixture
def slow(asked: Event, tmp_path: Path) -> Iterator[str]:
    """The option that leads to a stack that does not respond during a test."""
    done = Event()

    def answer(_: str) -> Answer:
        asked.set()
        done.wait(20)
        return 200, {}, b""

    with ExitStack() as stack:
        site = stack.enter_context(serving(answer))
        stack.callback(done.set)
        yield declare(tmp_path, f"http://{site.address}/")


@WORKERS
def test_before_the_first_check_has_run(
    older: Path, slow: str, asked: Event, workers: tuple[str, ...]
) -> None:
    ran = interrupted(older.parents[1], *SELECTED, slow, *workers, once=asked)
    assert ran.exit_code == 2, ran.output
    verdict = ran.verdict("shop")
    assert (verdict["verdict"], verdict["interrupted"], verdict["checks"]) == ("unknown", True, [])
    assert "shop: UNKNOWN — 0 checks, interrupted (" in ran.output


@pytest.mark.parametrize(
    ("name", "workers"), [("SIGTERM", ()), ("SIGTERM", ("-n1",)), ("SIGHUP", ())]
)
def test_a_run_that_is_stopped(
    older: Path, slow: str, asked: Event, name: str, workers: tuple[str, ...]
) -> None:
    number = getattr(signal, name)
    command = [sys.executable, "-m", "pytest", *SELECTED, slow, *workers]
    with subprocess.Popen(
        [*command, f"--output={older.parents[1]}"], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as running:  # fmt: skip
        assert asked.wait(RUN_SECONDS)
        assert not older.exists(), "the verdict of an earlier run remains during this one"
        running.send_signal(number)
        output, _ = running.communicate(timeout=RUN_SECONDS)
    assert running.returncode == 128 + number, output
    verdict = json.loads(older.read_text(encoding="utf-8"))
    assert (verdict["verdict"], verdict["interrupted"]) == ("unknown", True)
    assert verdict["exit_code"] == 128 + number
    assert f"by {name}" in output
    assert {path.name for path in older.parent.iterdir()} <= {
        "verdict.json", "run.lock", "facts.json", "facts.lock",
    }  # fmt: skip


def test_a_run_that_is_killed_leaves_no_older_verdict(older: Path, slow: str, asked: Event) -> None:
    command = [sys.executable, "-m", "pytest", *SELECTED, slow, f"--output={older.parents[1]}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as running:
        assert asked.wait(RUN_SECONDS)
        running.kill()
    assert not older.exists()


def test_wrong_usage_leaves_no_older_verdict(tmp_path: Path, older: Path) -> None:
    (tmp_path / "shop.yaml").write_text("services: 3\n", encoding="utf-8")
    ran = in_process.run(older.parents[1], "-m", "shop", f"--environments={tmp_path}")
    assert ran.exit_code == 4
    assert not older.exists()
