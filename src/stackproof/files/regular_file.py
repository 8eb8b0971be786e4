"""Read a file that an operator names, without blocking and up to a size limit."""

import errno
import os
import stat
from pathlib import Path

LIMIT = 1024**2
"""The largest size of a file that people write, in bytes."""


def read_regular_file(path: Path, limit: int = LIMIT) -> bytes:
    """Return the content of a file.

    Raises:
        OSError: it cannot be read, is not a regular file (a FIFO, a device, a socket, a
            directory), or has more than `limit` bytes. `strerror` is the reason.
    """
    try:
        _require_regular(path.stat().st_mode)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except ValueError:  # a null character
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from None
    with os.fdopen(descriptor, "rb") as file:
        # The file may have been replaced since.
        _require_regular(os.fstat(descriptor).st_mode)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit // 1024} KiB")
    return content


def _require_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file")
