"""A run in the process of the tests has the same result as one in a new process, and no effects."""

import gc
import os
import re
import signal
import sys
import warnings
from pathlib import Path

from stackproof import secrets
from tests import command_line, in_process, shop

ENVIRONMENT = {"services": {"api": {"healthcheck": "required"}, "db": {}}}
OBSERVED = shop.facts(
    containers={
        "api": shop.container(health=shop.health("unhealthy", "connection refused")),
        "db": shop.STUCK,
    }
)


def _state() -> tuple[object, ...]:
    return (
        dict(os.environ), Path.cwd(), sys.path[:], sys.meta_path[:], sys.stdout, sys.stderr,
        sys.excepthook, signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT),
        gc.isenabled(), gc.get_freeze_count(), warnings.filters[:], secrets.redact("hunter2Xq9"),
    )  # fmt: skip


def _untimed(ran: command_line.Ran, folder: str) -> str:
    """Return the output without durations and without the directory of the run."""
    return re.sub(r"[\d.]+ s\b|[\d.]+s\b", "", ran.output).replace(f"/{folder}/", "/")


def test_same_as_in_a_new_process(tmp_path: Path) -> None:
    options = ("-m", "shop", *shop.save(tmp_path, ENVIRONMENT, OBSERVED))
    here = in_process.run(tmp_path / "here", *options)
    there = command_line.run(tmp_path / "there", *options)
    assert here.exit_code == there.exit_code == 1
    assert here.untimed("shop") == there.untimed("shop")
    assert _untimed(here, "here") == _untimed(there, "there")
    assert here.errors == there.errors


def test_leaves_no_trace(tmp_path: Path) -> None:
    before = _state()
    first = shop.replay(tmp_path, ENVIRONMENT, OBSERVED)
    assert _state() == before
    assert shop.replay(tmp_path, ENVIRONMENT, OBSERVED).untimed("shop") == first.untimed("shop")


def test_wrong_usage(tmp_path: Path) -> None:
    ran = in_process.run(tmp_path, "-m", "nowhere")
    assert ran.exit_code == 4
    assert "-m nowhere" in ran.errors
