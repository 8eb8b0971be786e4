"""The gates of a deploy."""

from pathlib import Path
from typing import Literal, NamedTuple

GateName = Literal["pre", "post", "rollback"]

DEFAULT_WAIT_S = 120

WAITS: frozenset[GateName] = frozenset({"post", "rollback"})
"""The gates that first wait for the stack to settle."""


class Gate(NamedTuple):
    """A gate, with the options that describe the deploy."""

    name: GateName
    services: tuple[str, ...] = ()
    """The services to deploy, in this order. The pre gate accepts undeclared ones."""
    wait_s: int = DEFAULT_WAIT_S
    """How long the stack may take to settle, in seconds."""
    compose_files: tuple[Path, ...] = ()
    """Empty for the compose files of the environment."""
    project_directory: Path | None = None
    """None for the directory of the first compose file, which is Compose's default."""
    compose_env_files: tuple[Path, ...] = ()
    """Files with values of variables. Empty for Compose's default."""
    compose_profiles: tuple[str, ...] = ()
    """The active profiles. Empty for those of the environment."""
