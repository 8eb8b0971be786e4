"""An engine, or a machine, that is not fit to run the stack.

A relay alters what the real engine says of itself; the machine's disk is left as it is, too. All of
it is undone as the lab comes up or goes down: `lab/machine.py`.
"""

import shlex

from lab import address
from lab.faults.fault import Fault, checks
from lab.machine import DISK, DISK_LABEL, KERNELS_MEMORY, MEMORY, RELAY

_SOCKET = shlex.quote(str(RELAY))
_ANSWERS = f"docker --host unix://{_SOCKET} version"
_MEMORY = shlex.quote(str(MEMORY))


def _engine(alteration: str) -> str:
    return (
        f"nohup python3 altered_engine.py {_SOCKET} {alteration} "
        "< /dev/null > out/engine.log 2>&1 &\n"
        f"echo {address.ENGINE}unix://{_SOCKET} >> out/lab.env"
    )


def _disk(options: str, fill: str) -> str:
    """Shell lines: the engine says that its data lies on a small disk, which is filled."""
    return (
        f"mkdir -p {DISK} && mount -t tmpfs -o {options} {DISK_LABEL} {DISK}\n{fill}\n"
        + _engine(f"directory {DISK}")
    )


def _mounted_disk(then: str) -> str:
    """Shell lines: a container has a small disk of its own, to which something happens."""
    return (
        f"mkdir -p {DISK} && mount -t tmpfs -o size=1m {DISK_LABEL} {DISK}\n"
        f"echo 'services: {{ollama: {{volumes: [\"{DISK}:/data\"]}}}}' > out/override.yaml\n"
        "compose --file out/override.yaml up --detach --no-deps --wait ollama\n" + then
    )


_MOUNT_ADDED = ("identity.origin[ollama]", "configuration.live_code[ollama]")

FAULTS = (
    Fault(
        "clock-skewed",
        "the server's clock is not synchronised, and has drifted",
        inject=_engine("clock 90"),
        until=_ANSWERS,
        red=checks("host.clock[host]"),
        says="host clock: expected within 2 s of the one here, observed",
    ),
    Fault(
        "engine-too-old",
        "the server still runs an engine of an old distribution",
        inject=_engine("version 19.03.8"),
        until=_ANSWERS,
        red=checks("host.engine_version[host]"),
        says="host engine version: expected at least 20.10, observed 19.03.8",
    ),
    Fault(
        "disk-full",
        "the disk that holds the engine's data is full",
        inject=_disk("size=1m", f"head -c 1000K /dev/zero > {DISK}/log"),
        until=_ANSWERS,
        red=checks("host.disk[host]"),
        says="host disk: expected at least 5% free, observed",
    ),
    Fault(
        "inodes-used-up",
        "many small files have used up the inodes of a disk that has room",
        inject=_disk("size=1m,nr_inodes=64", f"touch {DISK}/{{1..62}}"),
        until=_ANSWERS,
        red=checks("host.inodes[host]"),
        says="host inodes: expected at least 5% free, observed",
    ),
    Fault(
        "mounted-disk-full",
        "the disk of a mount is full, and the engine's own disk has room",
        inject=_mounted_disk(f"head -c 1000K /dev/zero > {DISK}/rows"),
        heal="rm out/override.yaml",
        red=checks("host.mounts_free[host]", *_MOUNT_ADDED),
        says=f"host disks of mounts: expected at least 5% free, "
        f"observed 2.3% (24 KiB of 1 MiB) at {DISK}",
    ),
    Fault(
        "mounted-disk-read-only",
        "a disk had an error, and the kernel made its file system read-only",
        # As the kernel does it: the file system is read-only, and the mount of it is not.
        inject=_mounted_disk(f"mount -o remount,ro {DISK} && mount -o remount,bind,rw {DISK}"),
        heal="rm out/override.yaml",
        red=checks("host.mounts_writable[host]", *_MOUNT_ADDED),
        says=f"host disks of mounts: expected writable, observed read-only file system at {DISK}",
    ),
    Fault(
        "memory-used-up",
        "the machine has hardly any memory left (the kernel's account of it is altered)",
        inject=rf"sed 's/^\(MemAvailable: *\)[0-9]*/\11024/' {KERNELS_MEMORY} > {_MEMORY}"
        f"\nmount --bind {_MEMORY} {KERNELS_MEMORY}",
        red=checks("host.memory[host]"),
        says="host memory: expected at least 5% available, observed 0.0% (1 MiB of",
    ),
)
