"""A watch that may have too little runs no command, and says so in one line."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suites.command_line import ROOT


@pytest.mark.parametrize(
    ("limit", "to", "said"),
    [
        (resource.RLIMIT_AS, 300 << 20, "300 MiB of memory (ulimit -v), and needs 2656"),
        (resource.RLIMIT_NOFILE, 20, "20 open files (ulimit -n), and needs 128"),
    ],
)
def test_too_few_resources(limit: int, to: int, said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "commands", "watch", "lab", "--", "touch", str(tmp_path / "ran")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
        preexec_fn=lambda: resource.setrlimit(limit, (to, to)),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == (
        "stackproof: nothing can be probed, so the command was not run: "
        f"this process may have {said}\n"
    )
    assert not (tmp_path / "ran").exists()
