"""A Compose project: its files as Compose reads them, and as they are written."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from stackproof.cli.draft.variables import Variables, fill_in
from stackproof.environment.compose import ComposeError
from stackproof.environment.compose.config import (
    ComposeConfig,
    ComposeRun,
    read,
    uninterpolated,
)
from stackproof.environment.compose.placeholders import used_in
from stackproof.environment.compose.specification import is_name_of_folder
from stackproof.environment.document.dotenv import read_variables
from stackproof.environment.document.problem import InvalidEnvironment
from stackproof.files import compose_files

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Project:
    """A Compose project: its files as Compose reads them, and as they are written."""

    run: ComposeRun
    """The files, and the settings that differ from Compose's defaults."""
    compose: ComposeConfig
    written: Raw
    """The same with expressions instead of the values of variables."""

    @property
    def name(self) -> str:
        """The name of the project."""
        return str(self.compose.config.get("name") or "")

    @property
    def is_named_by_folder(self) -> bool:
        """Whether its name is only that of its directory."""
        declared = self.run.project or self.written.get("name")
        return not declared or is_name_of_folder(str(declared), self.directory)

    @property
    def directory(self) -> Path:
        """The directory that paths in the files are relative to."""
        return self.run.files[0].parent

    @property
    def services(self) -> Mapping[str, Raw]:
        """The active services, as Compose reads them."""
        return self.compose.config.get("services") or {}

    def written_service(self, name: str) -> Raw:
        """Return a service with expressions instead of values."""
        return (self.written.get("services") or {}).get(name) or {}

    @cached_property
    def env_files(self) -> Mapping[Path, tuple[str, ...]]:
        """The services that need each file of an `env_file`."""
        found: dict[Path, tuple[str, ...]] = {}
        for name in self.services:
            for each in self.written_service(name).get("env_file") or ():
                if each.get("required", True):
                    path = self._path(each["path"])
                    found[path] = tuple(dict.fromkeys((*found.get(path, ()), name)))
        return found

    def _path(self, written: str) -> Path:
        """Return a path with the values of variables; as it is written if some are unknown."""
        in_files = {name: each for file in self.dotenv for name, each in _variables(file).items()}
        filled_in = fill_in(written, {**in_files, **os.environ})
        return Path(written if filled_in is None else os.path.normpath(filled_in))

    @property
    def dotenv(self) -> list[Path]:
        """The files with values of variables of the Compose files."""
        return [*self.run.env_files] or [self.directory / ".env"]

    @property
    def of_this_process(self) -> list[str]:
        """The variables of the Compose files that this process has, and no file."""
        in_files = set().union(*map(_variables, self.dotenv))
        return sorted((used_in(self.written) & os.environ.keys()) - in_files)

    @cached_property
    def variables(self) -> Variables:
        """The variables of this process and of the files."""
        files = dict.fromkeys((*self.dotenv, *self.env_files))
        return Variables({path: _variables(path) for path in files})

    def environment_of(self, service: str) -> Mapping[str, str]:
        """Return the variables of a service's containers, with expressions instead of values."""
        resolved = self.services[service].get("environment") or {}
        written = as_mapping(self.written_service(service).get("environment"))
        # What only Compose's result has is from an `env_file`.
        return {name: written.get(name) or f"${{{name}}}" for name in resolved}


def open_project(
    files: Sequence[Path], project: str = "", env_files: Sequence[Path] = ()
) -> Project:
    """Return the project of Compose files.

    Args:
        files: in the order in which they are merged; if there are none, the files that Compose
            finds by itself in the working directory and those above it.
        project: its name; by default the one that Compose determines.
        env_files: files with values of variables; by default `.env`.

    Raises:
        ComposeError: a file does not exist, or Compose could not be run.
        ComposeFileInvalid: Compose rejects the files.
    """
    for file in files:
        if not file.is_file():
            raise ComposeError(f"there is no Compose file {file}")
    named = [Path.cwd() / file for file in files] or _from_variable() or _found_by_compose()
    run = ComposeRun(
        named,
        project=project or os.environ.get("COMPOSE_PROJECT_NAME", ""),
        env_files=env_files or [Path.cwd() / each for each in _listed("COMPOSE_ENV_FILES")],
        profiles=_listed("COMPOSE_PROFILES"),
    )
    return Project(run, read(run, os.environ), uninterpolated(run, os.environ))


def renamed(project: Project, name: str) -> Project:
    """Return the project with another name."""
    run = replace(project.run, project=name)
    return replace(project, run=run, compose=read(run, os.environ))


def _listed(variable: str) -> list[str]:
    return [each for each in os.environ.get(variable, "").split(",") if each]


def _from_variable() -> list[Path]:
    """Return the files that `COMPOSE_FILE` names, in the environment or in `.env`."""
    variables = {**_variables(Path(".env")), **os.environ}
    separator = variables.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    named = variables.get("COMPOSE_FILE", "")
    return [Path.cwd() / each for each in named.split(separator) if each]


def _found_by_compose() -> Sequence[Path]:
    files = compose_files.above(Path.cwd())
    if not files:
        raise ComposeError(f"there is no compose.yaml in {Path.cwd()} or a folder above it")
    return files


def _variables(path: Path) -> dict[str, str]:
    try:
        return read_variables(path)
    except InvalidEnvironment:  # Compose reads more forms of it
        return {}


def as_mapping(written: object) -> dict[str, str]:
    """Return a mapping that may also be written as a list of `NAME=value`."""
    if isinstance(written, Mapping):
        return {str(name): _text(value) for name, value in written.items()}
    return dict(_pairs(written)) if isinstance(written, list) else {}


def _pairs(items: list[object]) -> Iterator[tuple[str, str]]:
    for item in items:
        name, equals, value = str(item).partition("=")
        yield name, value if equals else f"${{{name}}}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
