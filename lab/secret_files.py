"""Secrets in files that only their owner can read."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from lab import OUT

DIRECTORY = OUT / "secrets"
_MODE = 0o600


def ensure(names: Iterable[str]) -> None:
    """Create the missing secrets of these names; keep the existing ones."""
    for path in (DIRECTORY / name for name in names):
        if path.exists():
            path.chmod(_MODE)
        else:
            write(path, secrets.token_hex(24).encode())


def write(path: Path, content: bytes) -> None:
    """Write a file that no other user can read at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
