"""Whether the engine runs on this machine, according to this machine's kernel.

What an engine reports about itself proves nothing, and a socket can be forwarded from anywhere.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from stackproof.engine.transport import Peer

_ENGINES = ("dockerd", "podman")
# They listen for an engine or for a program that forwards, and start it on the first connection.
_ACTIVATORS = ("systemd", "init")
_DELETED = " (deleted)"  # of a program that was upgraded since it started


def why_elsewhere(peer: Peer | None, running: Iterable[tuple[str, int]]) -> str:
    """Return why it is not established that the engine runs here; empty if it does.

    The process that listens on the socket must be an engine. If that cannot be seen, because
    systemd listens, one of the containers that the engine reports must run on this machine: its
    process here must be in the cgroup with the container's id, which no other machine can know.

    Args:
        peer: the process that listens on the engine's socket; None if the system hides it.
        running: ID and process ID of running containers, as the engine reports them.
    """
    program = _program(peer) if peer else ""
    if program in _ENGINES:
        return ""
    if program and program not in _ACTIVATORS:
        return f"its socket is served by {program!r}, which is not a Docker engine"
    if any(_runs_here(container, pid) for container, pid in running):
        return ""
    return "none of the containers that it reports as running was found here"


def has_own_network(peer: Peer | None) -> bool:
    """Return whether the engine is in another network namespace than this process.

    Without permission to see it, that is not established.
    """
    if peer is None or not peer.pid:
        return False
    with suppress(OSError):
        return not Path(f"/proc/{peer.pid}/ns/net").samefile("/proc/self/ns/net")
    return False


def _program(peer: Peer) -> str:
    """Return the name of the process's program; empty if it cannot be trusted."""
    try:
        program = Path(os.readlink(f"/proc/{peer.pid}/exe")).name  # noqa: PTH115
        return program.removesuffix(_DELETED)
    except PermissionError:
        pass
    except OSError:
        return ""
    # A process chooses its own name, which is trusted only if it runs as root.
    if peer.uid != 0:
        return ""
    try:
        return Path(f"/proc/{peer.pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def _runs_here(container: str, pid: int) -> bool:
    with suppress(OSError):
        # We may run in that container ourselves. That does not mean that the engine runs here.
        return container in _cgroup(str(pid)) and container not in _cgroup("self")
    return False


def _cgroup(process: str) -> str:
    return Path(f"/proc/{process}/cgroup").read_text(errors="replace")
