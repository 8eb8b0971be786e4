"""The Compose files that Compose finds by itself."""

from collections.abc import Sequence
from pathlib import Path

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""The names that Compose searches for. It takes the first file that exists."""
_OVERRIDES = (
    "compose.override.yml", "compose.override.yaml",
    "docker-compose.override.yml", "docker-compose.override.yaml",
)  # fmt: skip


def in_folder(folder: Path) -> list[Path]:
    """Return the files that Compose takes from a folder, the override last."""
    file, override = (_first(folder, names) for names in (DEFAULT_FILES, _OVERRIDES))
    return [*file, *override] if file else []


def above(folder: Path) -> list[Path]:
    """Return the files of a folder, or else of the nearest folder above it that has some."""
    folder = folder.absolute()
    return next(filter(None, map(in_folder, (folder, *folder.parents))), [])


def _first(folder: Path, names: Sequence[str]) -> list[Path]:
    return [path for path in (folder / name for name in names) if path.is_file()][:1]
