"""The folder of the environment files if the command line names none."""

import os
from collections.abc import Sequence
from pathlib import Path

from stackproof.files import compose_files

_NAME = Path("environments")


def find() -> Path:
    """Return `environments/` of the working directory, or the one next to its Compose file.

    Like Compose, it finds a Compose file in all folders above the working directory.
    """
    beside = beside_files(compose_files.above(Path.cwd()))
    return beside if beside.is_dir() else _NAME


def beside_files(files: Sequence[Path]) -> Path:
    """Return the place of `environments/` next to the Compose files that Compose found by itself.

    One in the working directory has precedence.
    """
    if _NAME.is_dir() or not files:
        return _NAME
    return Path(os.path.relpath(files[0].parent)) / _NAME
