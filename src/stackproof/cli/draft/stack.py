"""The project to draft an environment file for, and the stack that runs of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stackproof.cli.draft.draft import shown
from stackproof.cli.draft.project import Project, open_project, renamed
from stackproof.cli.draft.running_projects import (
    RunningProject,
    list_projects,
    of_files,
    of_services,
)
from stackproof.cli.usage import UsageError
from stackproof.environment import engine_address
from stackproof.environment.document.problem import join_names
from stackproof.environment.machine import DEFAULT_ENGINE, Engine
from stackproof.unobserved import UnobservedError


@dataclass
class Stack:
    """A project, and whether it runs on the engine."""

    project: Project
    engine: Engine
    runs: bool = False
    notes: list[str] = field(default_factory=list)
    """What to say about the stack that runs, a line each."""

    @property
    def is_local(self) -> bool:
        """Whether the engine is reached through a socket of this machine."""
        return self.engine.address.startswith("unix:")

    @property
    def engine_to_declare(self) -> Engine | None:
        """The engine, if the environment file has to name it.

        A context with TLS files, or the same by variables, is more than an address.
        """
        is_default = self.engine.address == DEFAULT_ENGINE
        return None if is_default or self.engine.tls else self.engine


def find(files: Sequence[Path], *, from_running: bool) -> Stack:
    """Return the project of Compose files, as it runs on Docker's engine.

    Args:
        files: the Compose files; if there are none, those in the working directory.
        from_running: take the files with which the running project was started.

    Raises:
        UsageError: with `from_running`, there is not one such project.
        ComposeError: a file does not exist, or Compose could not be run.
        ComposeFileInvalid: Compose rejects the files.
    """
    engine = engine_address.resolve(Engine(), os.environ)
    try:
        running = list_projects(engine)
    except UnobservedError as reason:
        if from_running:
            raise UsageError(f"--from-running: {reason}") from None
        return Stack(open_project(files), engine, notes=[f"{reason}; nothing was compared"])
    if from_running:
        one = _only(running, files)
        project = open_project(one.files, env_files=_existing(one.env_files))
        if project.name != one.name:
            project = renamed(project, one.name)
        return Stack(project, engine, runs=True)
    project = open_project(files)
    named = of_files(running, project.name, project.run.files)
    if not named and project.is_named_by_folder:
        # It was started from another directory, as `check` assumes, too.
        same = of_services(running, project.services, project.compose.inactive)
        named = same if len(same) == 1 else []
    if not named:
        note = f"{project.name} does not run on {engine.label}; nothing was compared"
        return Stack(project, engine, notes=[note])
    if len(named) > 1 and project.name not in named:
        note = f"several projects run with these files: {join_names(named)}; "
        return Stack(project, engine, notes=[f"{note}compose.project says which is meant"])
    stack = Stack(project, engine, runs=True)
    if project.name not in named:
        stack.project = renamed(project, named[0])
        stack.notes.append(f"the project that runs is {named[0]}, not {project.name}")
    _note_other_files(stack, next(each for each in running if each.name == stack.project.name))
    return stack


def _only(running: Sequence[RunningProject], files: Sequence[Path]) -> RunningProject:
    """Return the one running project that is meant: of these files, or of this directory."""
    wanted = [each.resolve() for each in files]
    candidates = [
        each
        for each in running
        if (set(wanted) & {file.resolve() for file in each.files} if wanted else True)
    ]
    if len(candidates) > 1:
        here = [each for each in candidates if each.files and each.files[0].parent == Path.cwd()]
        candidates = here or candidates
    if len(candidates) != 1:
        what = f"these run: {join_names([each.name for each in candidates])}" if candidates else (
            "no such Compose project runs"
        )  # fmt: skip
        raise UsageError(f"--from-running: {what}; name a Compose file of the one that is meant")
    (one,) = candidates
    missing = [each for each in one.files if not each.is_file()]
    if missing or not one.files:
        where = one.listed_files or "an unknown file"
        raise UsageError(
            f"--from-running: {one.name} was started from {where}, which is not here: run "
            "stackproof init with a copy of it"
        )
    return one


def _existing(files: Sequence[Path]) -> list[Path]:
    return [each for each in files if each.is_file()]


def _note_other_files(stack: Stack, running: RunningProject) -> None:
    """Note that the stack was started with other files."""
    ours = {file.resolve() for file in stack.project.run.files}
    others = [file for file in running.files if file.resolve() not in ours]
    if running.files and (others or len(running.files) != len(ours)):
        names = " ".join(shown(file) for file in running.files)
        stack.notes.append(f"it was started with other Compose files: stackproof init {names}")
    unknown = sorted(running.services & set(stack.project.compose.inactive))
    if unknown:
        stack.notes.append(f"runs, but its profile is not active: {join_names(unknown)}")
