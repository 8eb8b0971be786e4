"""Secrets as files that only their owner reads."""

import os
import secrets
from pathlib import Path

from lab import OUT

DIRECTORY = OUT / "secrets"
_MODE = 0o600
NAMES = ("postgres_password", "pgadmin_password", "n8n_encryption_key")


def ensure() -> None:
    """Have every secret of the stack; what those that are there hold stays."""
    for path in (DIRECTORY / name for name in NAMES):
        if path.exists():
            path.chmod(_MODE)
        else:
            write(path, secrets.token_hex(24).encode())


def write(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read, at no moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
