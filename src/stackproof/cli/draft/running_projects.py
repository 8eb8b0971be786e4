"""The Compose projects that run on an engine, as Compose labels their containers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stackproof.engine.connection import connect
from stackproof.environment.machine import Engine

_PREFIX = "com.docker.compose"


@dataclass
class RunningProject:
    """A Compose project with containers on an engine."""

    name: str
    files: tuple[Path, ...]
    """The Compose files with which it was started, on the machine where it was."""
    env_files: tuple[Path, ...]
    """The files with values of variables that were named then."""
    services: set[str] = field(default_factory=set)
    """Its services that run."""

    @property
    def listed_files(self) -> str:
        """Its files, for messages."""
        return ", ".join(map(str, self.files))


def list_projects(engine: Engine) -> list[RunningProject]:
    """Return the projects with at least one running container, by name.

    Raises:
        UnobservedError: the engine cannot be reached, or its answer cannot be read.
    """
    projects: dict[str, RunningProject] = {}
    connection = connect(engine)
    try:
        for each in connection.list_containers().each():
            labels = each.at("Labels")
            name = labels.text(f"{_PREFIX}.project", default="")
            if name and each.text("State") == "running":
                project = projects.setdefault(
                    name,
                    RunningProject(
                        name,
                        _paths(labels.text(f"{_PREFIX}.project.config_files", default="")),
                        _paths(labels.text(f"{_PREFIX}.project.environment_file", default="")),
                    ),
                )
                project.services.add(labels.text(f"{_PREFIX}.service", default=""))
    finally:
        connection.close()
    return sorted(projects.values(), key=lambda each: each.name)


def of_files(projects: Sequence[RunningProject], name: str, files: Sequence[Path]) -> list[str]:
    """Return the names of the projects that were started with one of these files.

    If there are none, that is the project with the name that Compose gives to these files.
    """
    resolved = {file.resolve() for file in files}
    started = [each.name for each in projects if resolved & {file.resolve() for file in each.files}]
    return started or [each.name for each in projects if each.name == name]


def of_services(
    projects: Sequence[RunningProject], active: Collection[str], inactive: Collection[str]
) -> list[str]:
    """Return the names of the projects that run all of the active services, and no others.

    One service is too little to tell a project by.
    """
    wanted, known = set(active), {*active, *inactive}
    return [each.name for each in projects if len(wanted) > 1 and wanted <= each.services <= known]


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(Path(each) for each in text.split(",") if each)
