"""Write a file completely or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from threading import get_ident


def write(text: str, path: Path) -> None:
    """Replace a file's content, and make the folders that it lies in.

    A reader finds the old content or the new one, never a part.

    Raises:
        OSError: it could not be written; what was there before is unchanged, and nothing is left
            behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
