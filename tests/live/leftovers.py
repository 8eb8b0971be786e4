"""Processes and files that a run leaves behind when it has ended."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_GONE_SECONDS = 10
_MARK = "STACKPROOF_TEST"


class Leftovers:
    """Finds the descendants of a run by a variable that all its processes inherit."""

    def __init__(self, folder: Path) -> None:
        self._mark = f"{_MARK}={uuid4().hex}".encode()
        self._folder = folder

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables to start a run with."""
        name, _, value = self._mark.decode().partition("=")
        return {name: value, "TMPDIR": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}

    def processes(self) -> list[str]:
        """Return the command lines of its processes."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self._mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "cmdline").read_text().replace("\0", " "))
        return found

    def files(self) -> list[str]:
        # pytest keeps a folder of its own for the workers of a run.
        kept = (each for each in self._folder.iterdir() if not each.name.startswith("pytest-of-"))
        return [str(path) for path in kept]

    def none(self) -> bool:
        """Return whether nothing is left; wait a while for processes that are ending."""
        ends = time.monotonic() + _GONE_SECONDS
        while time.monotonic() < ends:
            if not self.processes() and not self.files():
                return True
            time.sleep(0.05)
        return False


@contextmanager
def leftovers() -> Iterator[Leftovers]:
    """Create a directory for the files of a run, with a short path, which sockets need."""
    with tempfile.TemporaryDirectory(prefix="sp") as folder:
        yield Leftovers(Path(folder))
