"""Runs of the suites as an operator starts them, in a process of their own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parents[1]
RUN_SECONDS = 60


@dataclass(frozen=True)
class Ran:
    exit_code: int
    output: str
    errors: str
    """What went to standard error."""
    written: Path
    replayed: bool

    def verdict(self, environment: str) -> dict[str, Any]:
        folder = self.written / environment
        path = (folder / "replay" if self.replayed else folder) / "verdict.json"
        assert path.exists(), f"no verdict was written:\n{self.output}{self.errors}"
        verdict: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return verdict

    def untimed(self, environment: str) -> list[dict[str, Any]]:
        """The checks of a verdict, with no regard to how long each took."""
        return [{**check, "duration_s": 0} for check in self.verdict(environment)["checks"]]

    def results(self, environment: str) -> dict[str, tuple[str, str]]:
        """Outcome and first line of each check that did not pass."""
        return {
            check["id"]: (check["outcome"], check["headline"])
            for check in self.verdict(environment)["checks"]
            if check["outcome"] != "PASS"
        }


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of this process without those that would change what a run does."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("PYTEST_", "TOX_", "DOCKER_", "LAB_", "PROD_", "STAGING_", "DEV_", "GITHUB_")
        )
        and name not in ("FORCE_COLOR", "PY_COLORS", "CI", "SSH_AUTH_SOCK")
    }
    return {**clean, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", **variables}


def outputs(written: Path) -> tuple[str, ...]:
    """Return the options that keep all that a run writes, pytest's cache too, in one directory."""
    return f"--output={written}", f"--override-ini=cache_dir={written}/.pytest_cache"


def run(
    written: Path,
    *arguments: str,
    variables: Mapping[str, str] = MappingProxyType({}),
    deadline: float = RUN_SECONDS,
    within: Sequence[str] = (),
) -> Ran:
    """Run pytest in the root of the project, in a process of its own.

    Args:
        written: the directory of the outputs.
        arguments: of pytest.
        variables: of the environment.
        deadline: in seconds.
        within: a command that executes its arguments, such as `nsenter --net=…`.
    """
    done = subprocess.run(
        [*within, sys.executable, "-m", "pytest", *outputs(written), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=deadline,
        env=clean_environment(variables),
    )  # fmt: skip
    replayed = any(argument.startswith("--facts=") for argument in arguments)
    return Ran(done.returncode, done.stdout, done.stderr, written, replayed)


def interrupted(written: Path, *arguments: str, once: Event) -> Ran:
    """Run pytest, and press Ctrl-C once something has happened."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *outputs(written), *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
    ) as running:  # fmt: skip
        assert once.wait(30)
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=30)
    return Ran(running.returncode, output, "", written, replayed=False)
