"""The Compose files of an environment: read by Compose itself, as data of an environment file."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from stackproof.environment.compose import pin
from stackproof.environment.compose.command import ComposeError
from stackproof.environment.compose.config import (
    ComposeFileInvalid,
    ComposeRun,
    defined_in,
    read,
    uninterpolated,
)
from stackproof.environment.compose.pin import Pin
from stackproof.environment.compose.placeholders import used_in
from stackproof.environment.compose.specification import Specification, specify
from stackproof.environment.compose_files import Compose
from stackproof.environment.document.problem import relative
from stackproof.files import compose_files
from stackproof.secrets import is_secret_variable

__all__ = [
    "Compose", "ComposeError", "ComposeFileInvalid", "ComposeRun", "Resolved", "Specification",
    "locate", "pinned", "resolve",
]  # fmt: skip


def locate(compose: Compose, directory: Path) -> ComposeRun:
    """Return the declared files and settings, with paths on this machine.

    Args:
        compose: what the environment declares.
        directory: the folder of the environment's file.

    Raises:
        ComposeError: a file does not exist.
    """
    folders = tuple(dict.fromkeys((directory, directory.parent, Path.cwd())))
    files = [_find(name, folders, "Compose file") for name in compose.files] or _default(folders)
    return ComposeRun(
        files=files,
        project=compose.project,
        env_files=[_find(name, folders, "env file") for name in compose.env_files],
        profiles=compose.profiles,
    )


@dataclass(frozen=True)
class Resolved:
    """What the Compose files of an environment specify, and what should be known about that."""

    specification: Specification
    warnings: tuple[str, ...] = ()


def resolve(
    compose: Compose,
    environment: str,
    directory: Path,
    variables: Mapping[str, str],
    env_file: Path | None = None,
    from_file: Mapping[str, str] = MappingProxyType({}),
) -> Resolved:
    """Return what the declared Compose files specify, or what was pinned of them.

    Args:
        compose: what the environment declares.
        environment: its name.
        directory: the folder of its file.
        variables: the environment variables of Compose.
        env_file: the environment's file of variables.
        from_file: the variables in it, which Compose gets unless it reads the file by itself.

    Raises:
        ComposeError: Compose could not be run, or a file is missing, and nothing is pinned.
        ComposeFileInvalid: Compose rejects the files.
        ValueError: the pin cannot be used.
    """
    pinned, warnings = pin.read(environment, directory), tuple[str, ...]()
    try:
        run = locate(compose, directory)
        # A value in the file can depend on where others are in it.
        if not run.reads(env_file):
            variables = {**from_file, **variables}
        warnings = _changes(pinned, run, variables, directory, environment) if pinned else ()
        found = specify(read(run, variables), run.files[0], defined_in(run, variables))
        return Resolved(found, warnings)
    except ComposeError:
        if pinned is None:
            raise
        return Resolved(pinned.as_specification(pin.path_of(environment, directory)), warnings)


def pinned(run: ComposeRun, variables: Mapping[str, str]) -> Specification:
    """Return what Compose files specify, without the values of secret variables.

    Raises:
        ComposeError: Compose could not be run, or did not answer.
        ComposeFileInvalid: Compose rejects the files.
    """
    found = read(run, variables)
    written = found.uninterpolated or uninterpolated(run, variables)
    secret = frozenset(filter(is_secret_variable, used_in(written)))
    left_out = replace(found, unset=found.unset | secret, uninterpolated=written)
    return specify(left_out, run.files[0])


def _changes(
    pinned: Pin, run: ComposeRun, variables: Mapping[str, str], directory: Path, environment: str
) -> tuple[str, ...]:
    changed = pinned.changed(run, variables)
    if not changed:
        return ()
    return (
        f"{', '.join(changed)} changed since {relative(pin.path_of(environment, directory))} was "
        f"written: stackproof init --env {environment} --pin writes it again",
    )


def _find(name: str, folders: Sequence[Path], what: str) -> Path:
    for folder in folders:
        path = folder / name
        if os.path.isfile(path):  # noqa: PTH113 - it refuses any text
            return Path(os.path.normpath(path.absolute()))
    tried = " or ".join(str(folder) for folder in folders)
    raise ComposeError(f"there is no {what} {name} in {tried}")


def _default(folders: Sequence[Path]) -> list[Path]:
    """Return the files that Compose finds by itself, from the project's folder."""
    for folder in folders:
        if files := compose_files.in_folder(folder):
            return [file.absolute() for file in files]
    raise ComposeError(f"there is no compose.yaml in {' or '.join(map(str, folders))}")
