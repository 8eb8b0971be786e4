"""What faults alter of the machine itself: files of it, and the way to its engine. Undone here."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lab import OUT, address
from lab.process import run

MEMORY = OUT / "meminfo"
"""An account of the machine's memory, mounted over the kernel's own."""
KERNELS_MEMORY = Path("/proc/meminfo")
DISK = Path("/run/lab")
"""A small disk for the engine to say that its data is on; no longer than its own directory."""
DISK_LABEL = "stackproof-lab"
RELAY = OUT / "engine.sock"
"""Where a relay stands before the engine; it ends when this is gone."""
_MOUNTS = Path("/proc/self/mountinfo")


def restore() -> None:
    """Leave nothing altered, whoever altered it and however far that came."""
    for mounted in _own_mounts():
        # A program that has the file open does not keep it mounted.
        run("umount", "--lazy", str(mounted), deadline=10)
    with suppress(OSError):  # there is none, or it is somebody else's
        DISK.rmdir()
    address.forget_engine()
    for left in (RELAY, MEMORY):
        left.unlink(missing_ok=True)


def _own_mounts() -> Iterator[Path]:
    """Where something of the lab is mounted, once for each time that it is."""
    for line in _MOUNTS.read_text(encoding="utf-8").splitlines():
        what, _, source = line.partition(" - ")
        root, point = what.split()[3:5]
        of_memory = root.removesuffix("//deleted").endswith(f"/{OUT.name}/{MEMORY.name}")
        if (point == str(KERNELS_MEMORY) and of_memory) or (
            point == str(DISK) and source.split()[:2] == ["tmpfs", DISK_LABEL]
        ):
            yield Path(point)
