"""What a run leaves behind when it has ended: processes and files."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_GONE_SECONDS = 10
_MARK = "STACKPROOF_TEST"


class Remains:
    """Finds what descends from a run by a variable that all its processes inherit."""

    def __init__(self, folder: Path) -> None:
        self._mark = f"{_MARK}={uuid4().hex}".encode()
        self._folder = folder

    @property
    def variables(self) -> Mapping[str, str]:
        """What a run has to be started with to be found."""
        name, _, value = self._mark.decode().partition("=")
        return {name: value, "TMPDIR": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}

    def processes(self) -> list[str]:
        """Those that run, by their command lines."""
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
        """Whether nothing is left; what is about to go is waited for."""
        ends = time.monotonic() + _GONE_SECONDS
        while time.monotonic() < ends:
            if not self.processes() and not self.files():
                return True
            time.sleep(0.05)
        return False


@contextmanager
def remains() -> Iterator[Remains]:
    """Have a folder for what a run keeps for itself, with a short path: sockets need one."""
    with tempfile.TemporaryDirectory(prefix="sp") as folder:
        yield Remains(Path(folder))
