"""Removal of what faults alter on the machine itself: mounts, files, the relay to the engine."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lab import OUT, address
from lab.process import run

MEMORY = OUT / "meminfo"
"""A copy of /proc/meminfo that a fault mounts over the original."""
KERNELS_MEMORY = Path("/proc/meminfo")
DISK = Path("/run/lab")
"""A small file system that a fault reports as the engine's data directory."""
DISK_LABEL = "stackproof-lab"
RELAY = OUT / "engine.sock"
"""The socket of a relay in front of the engine, which ends when the socket is removed."""
_MOUNTS = Path("/proc/self/mountinfo")


def restore() -> None:
    """Undo every alteration, also incomplete ones and those of other runs."""
    for mounted in _own_mounts():
        # Lazily, because a program may have the file open.
        run("umount", "--lazy", str(mounted), deadline=10)
    with suppress(OSError):  # it does not exist, or has other files
        DISK.rmdir()
    address.forget_engine()
    for left in (RELAY, MEMORY):
        left.unlink(missing_ok=True)


def _own_mounts() -> Iterator[Path]:
    """Yield the mount points of the lab, each as often as it is mounted."""
    for line in _MOUNTS.read_text(encoding="utf-8").splitlines():
        what, _, source = line.partition(" - ")
        root, point = what.split()[3:5]
        of_memory = root.removesuffix("//deleted").endswith(f"/{OUT.name}/{MEMORY.name}")
        if (point == str(KERNELS_MEMORY) and of_memory) or (
            point == str(DISK) and source.split()[:2] == ["tmpfs", DISK_LABEL]
        ):
            yield Path(point)
