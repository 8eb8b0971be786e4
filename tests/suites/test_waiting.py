"""The wait of the post gate, where the engine does not answer: it ends, and says so."""

import json
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suites import shop
from tests.suites.command_line import ROOT, run

SECONDS = 60


def _options(folder: Path) -> tuple[tuple[str, ...], str]:
    address = f"unix://{folder}/no.sock"
    environment = {
        "engine": {"address": address},
        "services": {"api": {}, "db": {}},
        "routes": {"home": {"url": "http://127.0.0.1:1/", "service": "api"}},
    }
    declared, _ = shop.save(folder, environment, shop.facts())
    options = ("-m", "shop", declared, "--gate=post", "--services=api")
    return options, f"engine {address}: no such file or directory"


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_nothing_fails_where_nothing_was_seen_to_settle(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    """Not even the route, to which nobody listens: the engine may be down with it."""
    options, reason = _options(tmp_path)
    ran = run(tmp_path / "out", *options, "--wait=1", *workers)
    assert ran.exit_code == 6, ran.output
    told = {line for _, line in ran.told("shop").values()}
    compared = {line for line in told if "there is no baseline" in line}
    assert told - compared == {f"could not look: {reason}"}
    assert {outcome for outcome, _ in ran.told("shop").values()} == {"UNKNOWN"}
    waited = ran.verdict("shop")["waited"]
    assert (waited["ended"], waited["blind"], waited["limit_s"]) == ("blind", reason, 1)


def test_an_interrupt_during_the_wait_leaves_a_verdict_that_says_so(tmp_path: Path) -> None:
    options, reason = _options(tmp_path)
    command = [sys.executable, "-m", "pytest", f"--output={tmp_path}/out", *options]
    with subprocess.Popen(
        [*command, f"--wait={SECONDS}"], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr
        assert select.select([process.stderr], [], [], SECONDS)[0]
        assert process.stderr.readline().startswith(f"waiting for {reason}: ")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=SECONDS) == 2
    verdict = json.loads((tmp_path / "out" / "shop" / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["interrupted"]) == ("unknown", True)
