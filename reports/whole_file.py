"""A report's file: whoever reads it finds it whole, or as it was before."""

import os
from contextlib import suppress
from pathlib import Path


def write(text: str, path: Path) -> None:
    """Put a text in a file's place, and make the folders that it lies in.

    Raises:
        OSError: it could not be written; what was there before is there still.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
