"""Ctrl-C while the stack is being looked at leaves a verdict that says so, over any older one."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest
import yaml

from tests.fixtures.sites import Answer, serving
from tests.suites.command_line import ROOT, Ran


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_before_the_first_check_has_run(tmp_path: Path, workers: tuple[str, ...]) -> None:
    asked, done = Event(), Event()

    def answer(_: str) -> Answer:
        asked.set()
        done.wait(20)
        return 200, {}, b""

    written = tmp_path / "out"
    older = written / "shop" / "verdict.json"
    older.parent.mkdir(parents=True)
    older.write_text('{"verdict": "go"}', encoding="utf-8")
    with serving(answer) as site:
        environment = {
            "services": {"api": {}},
            "routes": {"home": {"url": f"http://{site.address}/", "service": "api"}},
        }
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
        options = ("-m", "shop and routes", f"--environments={tmp_path}", f"--output={written}")
        with subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *workers],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        ) as running:  # fmt: skip
            assert asked.wait(30)
            running.send_signal(signal.SIGINT)
            output, _ = running.communicate(timeout=30)
            done.set()
    ran = Ran(running.returncode, output, "", written, replayed=False)
    assert ran.exit_code == 2, output
    verdict = ran.verdict("shop")
    assert (verdict["verdict"], verdict["interrupted"], verdict["checks"]) == ("unknown", True, [])
    assert "shop: UNKNOWN — 0 checks, interrupted (" in output
