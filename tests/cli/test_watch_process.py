"""`stackproof watch` as a process: signals, terminals and broken output."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stackproof.cli import command_process
from stackproof.reports.availability.model import Watch
from tests.command_line import ROOT

STACKPROOF = (sys.executable, "-m", "stackproof")
BRIEF = (sys.executable, "-m", "tests.cli.brief_watch")
DEADLINE = 30


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", ">&- 2>&-", "2>&1 | true"])
def test_the_exit_code_survives_broken_output(
    environments: Path, tmp_path: Path, redirection: str
) -> None:
    command = shlex.join(
        [
            *BRIEF, "watch", "shop", f"--environments={environments}",
            f"--output={tmp_path / 'out'}", "--", "sh", "-c", "exit 9",
        ]
    )  # fmt: skip
    line = f"set -o pipefail; {command} {redirection}"
    done = subprocess.run(["/bin/bash", "-c", line], cwd=ROOT, timeout=DEADLINE, check=False)
    assert done.returncode == 9


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal(
    environments: Path,
    tmp_path: Path,
    written: Callable[..., Watch],
    number: signal.Signals,
    code: int,
) -> None:
    """Without a terminal, the command and all its children get the signal."""
    begun, cleaned = tmp_path / "begun", tmp_path / "cleaned"
    script = f"trap 'touch {cleaned}; exit 9' INT TERM; touch {begun}; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [
            *BRIEF, "watch", "shop", f"--environments={environments}",
            f"--output={tmp_path / 'out'}", "--", "sh", "-c", script,
        ],
        cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            _await(begun, process)
            process.send_signal(number)
            process.wait(DEADLINE)
        finally:
            process.kill()
    assert process.returncode == code
    assert cleaned.exists()
    result = written()
    assert (result.interrupted, result.exit_code, result.command_exit_code) == (True, code, 9)
    assert sum(part.right for part in result.routes[0].slices) > 0


def _await(file: Path, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + DEADLINE
    while not file.exists():
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.01)


ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def test_ctrl_c_on_a_terminal(
    environments: Path, tmp_path: Path, written: Callable[..., Watch]
) -> None:
    """The terminal interrupts the command itself: we must not interrupt it a second time."""
    begun, count = tmp_path / "begun", tmp_path / "count"
    trap = f"echo interrupted >> {count}; sleep 0.5; exit 9"
    script = f"trap '{trap}' INT; touch {begun}; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [
            sys.executable, "-c", ON_A_TERMINAL, *STACKPROOF, "watch", "shop",
            f"--environments={environments}", f"--output={tmp_path / 'out'}",
            "--", "sh", "-c", script,
        ],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        try:
            _await(begun, process)
            shown, _ = process.communicate(b"\x03", timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 130
    assert count.read_text(encoding="utf-8") == "interrupted\n"
    assert (written().interrupted, written().command_exit_code) == (True, 9)
    text = shown.decode()
    assert re.search(r"\x1b\[2K\d+ s · before · \d+ requests\r", text)
    assert "\x1b[2Kshop availability: " in text


def test_a_command_that_ignores_interrupts_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_process, "GRACE_SECONDS", 0)
    monkeypatch.setattr(command_process, "_at_terminal", lambda: False)
    begun = tmp_path / "begun"
    script = f"trap '' INT; touch {begun}; while :; do sleep 0.05; done"
    process = command_process.CommandProcess(["sh", "-c", script])
    with process.forwarding_signals():
        process.start()
        ends = time.monotonic() + DEADLINE
        while not begun.exists():
            assert time.monotonic() < ends
        os.kill(os.getpid(), signal.SIGINT)
        while (code := process.wait(0.05)) is None:
            assert time.monotonic() < ends
    assert (code, process.interrupted_by) == (137, signal.SIGINT)


def test_a_signal_while_the_command_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_process, "_at_terminal", lambda: False)
    command = command_process.CommandProcess(["sleep", "60"])

    def interrupted(*arguments: object, **options: object) -> object:
        process = popen(*arguments, **options)  # type: ignore[call-overload]
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with command.forwarding_signals():
        command.start()
        assert command.wait(DEADLINE) == 143
