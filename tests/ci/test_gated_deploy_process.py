"""`gated-deploy` as a process: broken output, input, background processes and signals."""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.ci.fake_installation import (
    DEPLOY,
    DEPLOYED,
    ROLLBACK,
    ROLLED_BACK,
    RUN_SECONDS,
    FakeInstallation,
    install,
)


@pytest.fixture
def fake(tmp_path: Path) -> FakeInstallation:
    return install(tmp_path, tmp_path / "stackproof")


CHATTY = f"{DEPLOY}; seq 100000 || exit 9; seq 100000 >&2 || exit 9; {DEPLOY}"
"""A deploy that prints more than a pipe holds."""


@pytest.mark.parametrize(
    ("broken", "post"),
    [
        (">&-", 0),
        ("2>&-", 1),
        ("<&- >&- 2>&-", 0),
        (">/dev/full", 1),
        ("2>/dev/full", 0),
        ("| true", 0),
        ("2> >(true)", 1),
        ("2>&1 | head -1", 1),
    ],
)
def test_broken_output_changes_nothing(fake: FakeInstallation, broken: str, post: int) -> None:
    fake.exit_codes("post", post)
    command = shlex.join(
        [
            "stackproof/scripts/gated-deploy", "shop", "api", f"--rollback={ROLLBACK}",
            "--", "bash", "-c", CHATTY,
        ]
    )  # fmt: skip
    done = fake.bash(f"set -o pipefail; {command} {broken}", {"GITHUB_ACTIONS": "true"})
    steps = ROLLED_BACK if post else DEPLOYED
    assert fake.steps == [*steps[:3], "deploy", *steps[3:]]
    assert done.returncode == post


def test_the_output_of_the_deploy_is_complete(fake: FakeInstallation) -> None:
    line = "stackproof/scripts/gated-deploy shop api -- bash -c 'seq 100000; seq 100000 >&2'"
    done = fake.bash(line, {})
    numbers = [str(number) for number in range(1, 100_001)]
    assert [line for line in done.stdout.splitlines() if line.isdigit()] == numbers
    assert [line for line in done.stderr.splitlines() if line.isdigit()] == numbers


def test_only_the_deploy_reads_the_input(fake: FakeInstallation) -> None:
    for gate in ("pre", "post"):
        fake.run_after(gate, "cat")
    done = fake.bash(
        "{ echo a; sleep 0.5; echo b; } | stackproof/scripts/gated-deploy shop api "
        """-- bash -c 'cat >"$FAKE/read"'""",
        {},
    )
    assert (done.returncode, fake.steps) == (0, ["pre", "stackproof", "post"])
    assert (fake.folder / "read").read_text(encoding="utf-8") == "a\nb\n"


def test_background_processes_are_not_awaited(fake: FakeInstallation) -> None:
    done = subprocess.run(
        [
            fake.folder / "stackproof/scripts/gated-deploy", "shop", "api",
            "--", "bash", "-c", 'sleep 20 & echo $! >"$FAKE/left"',
        ],
        cwd=fake.folder, env=fake.environment(), check=False, timeout=15,
    )  # fmt: skip
    os.kill(int((fake.folder / "left").read_text(encoding="utf-8")), signal.SIGKILL)
    assert done.returncode == 0


INTERRUPTED = {
    "pre": (["pre"], "before the deploy: nothing was deployed"),
    "deploy": (DEPLOYED[:3], "during the deploy: nothing is rolled back"),
    "post": (DEPLOYED, "after the deploy: nothing is rolled back"),
    "rollback command": ([*DEPLOYED, "rollback"], "during the rollback"),
    "rollback": (ROLLED_BACK, "after the rollback: the result was not verified"),
}


@pytest.mark.parametrize(
    ("number", "code", "whole_group", "phase"),
    [
        *((signal.SIGINT, 130, False, phase) for phase in INTERRUPTED),
        (signal.SIGINT, 130, True, "deploy"),
        (signal.SIGINT, 130, True, "rollback"),
        (signal.SIGTERM, 143, False, "deploy"),
        (signal.SIGTERM, 143, True, "post"),
        (signal.SIGHUP, 129, True, "deploy"),
    ],
)
def test_signals(
    fake: FakeInstallation, number: signal.Signals, code: int, whole_group: bool, phase: str
) -> None:
    """No further step begins, and nothing is rolled back without a verdict."""
    started, go_on = fake.folder / "started", fake.folder / "go-on"
    os.mkfifo(started)
    os.mkfifo(go_on)
    wait = f"echo >{started}; read -r <{go_on}"
    fake.exit_codes("post", 1 if phase.startswith("rollback") else 0)
    for gate in {phase} & {"pre", "post", "rollback"}:
        fake.run_after(gate, wait)
    deploy = f"{DEPLOY}; echo >{started}; sleep 60" if phase == "deploy" else DEPLOY
    rollback = f"{ROLLBACK}; {wait}" if phase == "rollback command" else ROLLBACK
    with subprocess.Popen(
        [
            fake.folder / "stackproof/scripts/gated-deploy", "shop", "api",
            f"--rollback={rollback}", "--", "bash", "-c", deploy,
        ],
        cwd=fake.folder, env=fake.environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        started.read_bytes()
        (os.killpg if whole_group else os.kill)(process.pid, number)
        if phase != "deploy" and not whole_group:
            go_on.write_text("\n", encoding="utf-8")
        _, errors = process.communicate(timeout=RUN_SECONDS)
    steps, message = INTERRUPTED[phase]
    assert (process.returncode, fake.steps) == (code, steps)
    assert errors.splitlines()[-1].startswith(f"gated-deploy: interrupted {message}")
