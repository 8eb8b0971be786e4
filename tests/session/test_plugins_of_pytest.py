"""The plugins that pytest has by itself work: its cache, its logging, its warnings."""

import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import stackproof
from stackproof.process import logs
from tests import in_process, shop
from tests.command_line import Ran, clean_environment

SHOP: dict[str, dict[str, Any]] = {"services": {"api": {}, "web": {}, "worker": {}}}
RESTARTS = "at most 0, observed 9"


@pytest.fixture
def restarted(tmp_path: Path) -> Any:
    """Replay a stack with services that were restarted."""

    def replay(*services: str, options: tuple[str, ...] = ()) -> Ran:
        observed = shop.facts(
            containers={
                service: shop.container(restart_count=9 if service in services else 0)
                for service in SHOP["services"]
            }
        )
        return shop.replay(tmp_path, SHOP, observed, "-k", "restarts", *options)

    return replay


def _outcomes(ran: Ran) -> list[tuple[str, str]]:
    return [(check["subject"], check["outcome"]) for check in ran.verdict("shop")["checks"]]


def test_a_check_that_nothing_declares_is_not_collected(tmp_path: Path) -> None:
    """It is collected if the command line names its file, because pytest must find that."""
    listed = shop.replay(tmp_path, SHOP, shop.facts(), "--collect-only")
    assert re.search(r"^\d+ tests collected in ", listed.output, re.MULTILINE)
    named = shop.replay(tmp_path, SHOP, shop.facts(), "suites/test_tls.py")
    assert named.exit_code == 5, named.output
    assert re.search(r"^\d deselected in ", named.output, re.MULTILINE)


def test_last_failed(restarted: Any) -> None:
    assert restarted("web").exit_code == 1
    again = restarted("web", options=("--lf",))
    assert (again.exit_code, _outcomes(again)) == (1, [("web", "FAIL")])
    assert again.verdict("shop")["selection"] == "-m shop -k restarts --lf"
    fixed = restarted(options=("--lf",))
    assert (fixed.exit_code, _outcomes(fixed)) == (0, [("web", "PASS")])
    # Nothing failed last: all of them run.
    assert len(_outcomes(restarted(options=("--lf",)))) == 3


def test_failed_first(restarted: Any) -> None:
    restarted("web", "worker")
    again = restarted(options=("--ff",))
    assert again.exit_code == 0
    assert [subject for subject, _ in _outcomes(again)] == ["web", "worker", "api"]


def test_stepwise(restarted: Any) -> None:
    """It stops at the first failure, as `Ctrl-C` would, and continues from there."""
    stopped = restarted("web", options=("--sw",))
    assert (stopped.exit_code, _outcomes(stopped)) == (2, [("api", "PASS"), ("web", "FAIL")])
    assert stopped.verdict("shop")["interrupted"] is True
    assert f"✗ web restarts: expected {RESTARTS}" in stopped.output
    fixed = restarted(options=("--sw",))
    assert (fixed.exit_code, _outcomes(fixed)) == (0, [("web", "PASS"), ("worker", "PASS")])
    assert fixed.verdict("shop")["selection"] == "-m shop -k restarts --sw"


def test_cache_that_cannot_be_written(restarted: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = restarted("web", options=("-o", f"cache_dir={tmp_path}/file/cache"))
    assert (ran.exit_code, ran.errors) == (1, "")
    assert len(_outcomes(ran)) == 3
    assert "arning" not in ran.output


def test_cache_is_in_the_directory_of_the_run(tmp_path: Path) -> None:
    """Where the package is installed, its own directory may be read-only."""
    package = Path(stackproof.__file__).parent
    _, snapshot = shop.save(tmp_path, SHOP, shop.facts(containers={}))
    done = subprocess.run(
        [sys.executable, "-m", "stackproof", "check", "shop", snapshot],
        cwd=tmp_path, env=clean_environment({}), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    assert (tmp_path / ".pytest_cache" / "v" / "cache" / "lastfailed").is_file()
    assert not (package / ".pytest_cache").exists()


def test_cache_cannot_be_shown_instead_of_a_verdict(restarted: Any) -> None:
    ran = restarted(options=("--cache-show=cache/lastfailed",))
    assert (ran.exit_code, ran.errors.strip()) == (
        4,
        "ERROR: --cache-show verifies nothing: leave it out",
    )


LOGS = """
import logging

def pytest_runtest_setup(item):
    logging.getLogger("shop").debug("password=%s", "6f0e1b7c2a")
"""


def test_live_log(restarted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "logs_of_a_plugin.py").write_text(LOGS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "run.log"
    ran = restarted(
        "web",
        options=(
            "-p", "logs_of_a_plugin", "--log-cli-level=DEBUG",
            f"--log-file={file}", "--log-file-level=DEBUG",
        ),
    )  # fmt: skip
    assert ran.exit_code == 1
    assert "live log setup" in ran.output
    assert "password=[redacted]" in ran.output
    assert "password=[redacted]" in file.read_text(encoding="utf-8")
    assert "6f0e1b7c2a" not in ran.output + file.read_text(encoding="utf-8")


def test_log_records_are_redacted(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("shop")
    restore = logs.redact_records()
    error = ValueError("https://admin:hunter2hunter2@shop.example/ refused")
    try:
        logger.error("cannot connect with token=%s", "9a8b7c6d5e4f", exc_info=error)
    finally:
        restore()
    assert "cannot connect with token=[redacted]" in caplog.text
    assert "ValueError: https://admin:***@shop.example/ refused" in caplog.text
    assert "hunter2" not in caplog.text
    logger.warning("token=%s", "9a8b7c6d5e4f")
    assert "token=9a8b7c6d5e4f" in caplog.text


UNRAISABLE = """
import threading

class Broken:
    def __del__(self):
        raise OSError("closed twice")

def _end():
    raise OSError("ended badly")

def pytest_runtest_setup(item):
    if "web" in item.name:
        Broken()
        thread = threading.Thread(target=_end)
        thread.start()
        thread.join()
"""


def test_what_breaks_beside_a_check_does_not_change_its_outcome(
    restarted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "breaks_beside.py").write_text(UNRAISABLE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    ran = restarted(options=("-p", "breaks_beside"))
    assert (ran.exit_code, {outcome for _, outcome in _outcomes(ran)}) == (0, {"PASS"})
    assert "OSError: closed twice" in ran.output
    assert "OSError: ended badly" in ran.output


def test_without_the_plugins_that_are_installed(tmp_path: Path) -> None:
    options = shop.save(tmp_path, SHOP, shop.facts(containers={"api": shop.container()}))
    ran = in_process.run(
        tmp_path / "out", "-m", "shop", *options, "-k", "restarts and api",
        variables={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert (ran.exit_code, _outcomes(ran)) == (0, [("api", "PASS")])
