"""Frozen models in JSON files: snapshots and baselines."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from stackproof.files import atomic_write
from stackproof.files.regular_file import read_regular_file
from stackproof.printable import error_line, one_line

M = TypeVar("M", bound=BaseModel)

LARGEST = 64 * 1024**2
"""The largest file, in bytes. A snapshot of two hundred containers has three million."""
_DECOMPRESSORS = {
    b"\x1f\x8b": "gunzip",
    b"PK\x03\x04": "unzip",
    b"BZh": "bunzip2",
    b"\xfd7zXZ": "unxz",
    b"\x28\xb5\x2f\xfd": "unzstd",
}
_KINDS = {
    "verdict": ("a verdict", {"checks", "verdict"}),
    "snapshot": ("a snapshot", {"gathered_at", "containers"}),
    "baseline": ("a baseline", {"taken_at", "outcomes"}),
}
"""The JSON files of a run: how a message calls them, and the keys that identify them."""


def read(model: type[M], path: Path, name: str) -> M:
    """Read a model from its file.

    Args:
        model: the type of the model.
        path: the file.
        name: what messages call such a file: `snapshot`.

    Raises:
        ValueError: the file cannot be read or is not valid; the message is one line.
    """
    try:
        return model.model_validate_json(_bytes(path))
    except OSError as error:
        raise ValueError(f"{one_line(str(path))}: {error_line(error).lower()}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        why = _recognize(model, path, name) or f"{field}: {first['msg']}"
        raise ValueError(one_line(f"{path}: not a {name}: {why}")) from None


def write(model: BaseModel, path: Path) -> None:
    """Write a model to its file, completely or not at all.

    Raises:
        OSError: the file could not be written; its previous content is unchanged.
    """
    atomic_write.write(model.model_dump_json(indent=1), path)


def _bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        OSError: it cannot be read, is not a regular file, or is too large.
        ValueError: it is compressed or empty.
    """
    data = read_regular_file(path, LARGEST)
    if not data.strip():
        raise ValueError(f"{path}: the file is empty")
    for start, command in _DECOMPRESSORS.items():
        if data.startswith(start):
            raise ValueError(f"{path}: the file is compressed: {command} it first")
    return data


def _recognize(model: type[BaseModel], path: Path, name: str) -> str:
    """Return what an invalid file seems to be instead; empty if that is unknown."""
    with suppress(OSError, ValueError, RecursionError):
        data = json.loads(_bytes(path))
        if not isinstance(data, dict):
            return ""
        for kind, (description, keys) in _KINDS.items():
            if kind != name and keys <= data.keys():
                return f"it is {description}"
        expected, version = model.model_fields["version"].default, data.get("version")
        if isinstance(version, int) and version != expected:
            return f"it has version {version}, expected version {expected}"
    return ""
