"""What an environment file declares of its Compose files."""

from stackproof.schema.declared import Declared
from stackproof.schema.values import Name, OneOrMany, RelativePath

Paths = OneOrMany[tuple[RelativePath, ...]]
"""Paths. A single one needs no list."""


class Compose(Declared):
    """The Compose files that specify the stack, and how Compose reads them.

    Paths are relative to the environment's file, or else to the folder above it.
    """

    files: Paths = ()
    """In the order in which they are merged. Default: the file that Compose finds by itself."""
    project: Name = ""
    """The name of the Compose project. Default: as Compose determines it."""
    env_files: Paths = ()
    """Files with values of variables. Default: `.env` next to the first Compose file."""
    profiles: tuple[Name, ...] = ()
    """The active profiles."""
