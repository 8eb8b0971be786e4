"""Secrets as files that only their owner reads."""

import os
import secrets
from pathlib import Path

from lab import OUT

DIRECTORY = OUT / "secrets"
NAMES = ("postgres_password", "pgadmin_password", "n8n_encryption_key")


def ensure() -> None:
    """Have every secret of the stack; those that are there stay as they are."""
    for name in NAMES:
        if not (DIRECTORY / name).exists():
            write(DIRECTORY / name, secrets.token_hex(24).encode())


def write(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read, at no moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
