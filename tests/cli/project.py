"""A project whose environments the command verifies, and its own checks."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import Ran, clean_environment

DEADLINE = 60
OWN = """\
from stackproof.environment.services import Service
from stackproof.facts.response import Response
from stackproof.finding import finding
from stackproof.fixtures.session.collection import critical, declares


@critical
@declares("health")
def test_header(service: Service, health_result: Response) -> None:
    \"\"\"The load balancer reads it.\"\"\"
    assert health_result.status == 299, finding(
        service, "status", expected="299", observed=health_result.status
    )
"""
"""A suite that fails for every service that declares a health endpoint."""


def run_process(project: Path, *arguments: str, **variables: str) -> Ran:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "stackproof", "check", *arguments],
        cwd=project, capture_output=True, text=True, check=False, timeout=DEADLINE,
        env=clean_environment(variables),
    )  # fmt: skip
    return Ran(
        done.returncode, done.stdout, done.stderr, project / "reports" / "out", replayed=True
    )


def checks_in(folder: Path) -> list[dict[str, object]]:
    verdict = json.loads((folder / "lab" / "replay" / "verdict.json").read_text(encoding="utf-8"))
    return [{**each, "duration_s": 0} for each in verdict["checks"]]


def write_suite(project: Path, name: str, text: str = OWN) -> Path:
    path = project / "suites" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(done: Ran) -> str:
    """Return the only line of a refusal."""
    assert done.exit_code == 4, done.output + done.errors
    (line,) = done.errors.strip().splitlines()
    return line


def deny(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the system refuse to list a directory."""
    for name in ("scandir", "listdir"):
        list_any = getattr(os, name)

        def refuse(path: str | Path = ".", list_any: Callable[..., object] = list_any) -> object:
            if Path(path).absolute() == folder:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return list_any(path)

        monkeypatch.setattr(os, name, refuse)
