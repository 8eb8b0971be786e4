"""A watch with too few resources reports that and runs no command."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        (resource.RLIMIT_AS, 300 << 20, "300 MiB of memory (ulimit -v), and needs 2656"),
        (resource.RLIMIT_NOFILE, 20, "20 open files (ulimit -n), and needs 128"),
    ],
)
def test_too_few_resources(limit: int, value: int, message: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "stackproof", "watch", "lab",
            "--", "touch", str(tmp_path / "ran"),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
        preexec_fn=lambda: resource.setrlimit(limit, (value, value)),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == (
        "stackproof: no request can be sent, so the command was not run: "
        f"this process may have {message}\n"
    )
    assert not (tmp_path / "ran").exists()
