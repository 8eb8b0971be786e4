"""What impairs the gates of a deploy, and when."""

import os
import random
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Event

from tests.ci.gated_deploys.deploy import ImpairedDeploy
from tests.ci.gated_deploys.stack import Engine, Resolver, Stack

PROCESSES = ("--gate=pre", "--gate=post", "--gate=rollback", "stackproof watch", "result.py")
PHASES = ("at once", "deployed", "judged")


@cache
def may_mount() -> bool:
    """Return whether this process may mount file systems."""
    probe = ("/usr/bin/unshare", "--mount", "true")
    return os.geteuid() == 0 and subprocess.run(probe, check=False).returncode == 0


_WITH_MOUNTS = ("disk full", "resolver lies")


def impairments() -> list[str]:
    """Return the impairments that are possible on this machine."""
    every = [
        "none", "output", "disk full", "killed", "terminated", "interrupted", "engine gone",
        "engine silent", "engine refuses", "engine cut off", "resolver lies", "memory",
    ]  # fmt: skip
    return [each for each in every if may_mount() or each not in _WITH_MOUNTS]


def impair(
    deploy: ImpairedDeploy,
    chance: random.Random,
    process: subprocess.Popen[bytes],
    stack: Stack,
    engine: Engine,
    resolver: Resolver | None,
    over: Event,
) -> None:
    """Impair the gates at a random moment, perhaps for a limited time."""
    kind = deploy.impairment
    phase, later = chance.choice(PHASES), chance.uniform(0, 2)
    target, lasts = chance.choice(PROCESSES), chance.choice((1.0, 4.0, 1000.0))
    filled = chance.randrange(256) * 1024

    def wait_for(condition: Callable[[], bool]) -> bool:
        while not over.wait(0.02):
            if condition():
                return True
        return False

    if kind in ("killed", "terminated"):
        if wait_for(lambda: bool(processes(process.pid, target))):
            over.wait(later * 0.7)
            number = signal.SIGKILL if kind == "killed" else signal.SIGTERM
            for pid in processes(process.pid, target):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        return
    if phase != "at once" and not wait_for(lambda: stack.state != "old"):
        return
    if phase == "judged" and not wait_for(lambda: bool(processes(process.pid, "--gate=post"))):
        return
    if over.wait(later):
        return
    if kind == "interrupted":
        with suppress(ProcessLookupError):
            os.kill(process.pid, chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)))
    elif kind == "disk full":
        with suppress(OSError):
            (deploy.folder / "out" / "filling").write_bytes(b"x" * filled)
    elif kind == "resolver lies" and resolver:
        resolver.lies = True
        over.wait(lasts)
        resolver.lies = False
    elif kind == "engine gone":
        path = engine.socket
        path.rename(path.with_suffix(".away"))
        engine.impaired = "cut off"
        over.wait(lasts)
        engine.impaired = None
        path.with_suffix(".away").rename(path)
    elif kind.startswith("engine "):
        engine.impaired = kind.removeprefix("engine ")  # type: ignore[assignment]
        over.wait(lasts)
        engine.impaired = None


def processes(session: int, words: str) -> list[int]:
    """Return the processes of a session whose command line contains these words."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(entry.name)
            if os.getsid(pid) != session:
                continue
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words in line and "gated-deploy" not in line and "timeout" not in line:
                found.append(pid)
    return found


def end_session(session: int) -> None:
    for pid in processes(session, ""):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
