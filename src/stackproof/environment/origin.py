"""Where an environment comes from, and what its Compose files leave open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from stackproof.schema.declared import (
    FieldPath,
)


@dataclass(frozen=True)
class Origin:
    """Where an environment comes from, and what its Compose files leave open."""

    directory: Path = Path()
    """The folder of its file."""
    project_directory: str = ""
    """The directory of its Compose files; on the server it may be another one."""
    is_project_guessed: bool = False
    """Whether `compose_project` is only the name of that directory."""
    unspecified: Mapping[FieldPath, tuple[str, ...]] = field(default_factory=dict)
    """Fields that Compose files leave open here, and the unset variables they depend on."""
    beside_compose_files: frozenset[str] = frozenset()
    """Services of the environment that its Compose files do not contain."""
    env_file: Path | None = None
    """The file that `env_file` names."""
    variables: Mapping[FieldPath, tuple[str, ...]] = field(default_factory=dict)
    """The variables in the value of a field."""
    warnings: tuple[str, ...] = ()
    """What the operator should know about the files, one line each."""

    def created(self, compose_files: Sequence[str]) -> bool:
        """Return whether a container with these files in its labels is of the files read here."""
        here = self.project_directory
        return bool(here and compose_files) and PurePath(compose_files[0]).parent == PurePath(here)
