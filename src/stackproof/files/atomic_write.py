"""Write a file completely or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from threading import get_ident


def write(text: str, path: Path) -> None:
    """Replace the content of a file, and create its parent directories.

    A reader sees the old content or the new content, never a part of either.

    Raises:
        OSError: the file, which the error names, could not be written. Its content is unchanged,
            and no temporary file is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise
