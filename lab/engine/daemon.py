"""The Docker engine: the running one, or one that the lab installs and starts."""

import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

from lab import OUT
from lab.engine import packages
from lab.process import LabError, run, say

PIDFILE = OUT / "dockerd.pid"
LOG = OUT / "dockerd.log"


def docker(*arguments: str, deadline: float = 30) -> str:
    """Run a docker command; return its output."""
    return run("docker", *arguments, deadline=deadline)


def answers() -> bool:
    """Return whether an engine answers."""
    try:
        docker("version", "--format", "{{.Server.Version}}", deadline=10)
    except LabError:
        return False
    return True


def ensure() -> None:
    """Install and start an engine, unless one answers."""
    if answers():
        return
    if host := os.environ.get("DOCKER_HOST"):
        raise LabError(f"Docker engine unreachable at {host} (DOCKER_HOST)")
    if os.geteuid() != 0:
        raise LabError(
            "no Docker engine is running: start one and join the group docker, or run this as root"
        )
    if shutil.which("dockerd") is None:
        packages.install("docker.io", "iptables")
    if shutil.which("docker") is None:  # a package of its own since Debian 13
        packages.install("docker-cli")
    if answers():
        return
    say("starting the Docker engine")
    if Path("/run/systemd/system").is_dir():
        run("systemctl", "start", "docker", deadline=120)
    else:
        _start_dockerd(deadline=60)
    if not answers():
        raise LabError("the Docker engine started, but does not respond (docker version)")


def stop() -> None:
    """Stop the engine if the lab started it and it runs no other containers."""
    if (pid := _own_dockerd()) is None:
        return
    if docker("ps", "--quiet").strip():
        say("the engine keeps running: it has other containers")
        return
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        if not select.select([process], [], [], 60)[0]:
            raise LabError(f"dockerd (pid {pid}) did not stop within 60 s; its log is {LOG}")
    finally:
        os.close(process)
    PIDFILE.unlink(missing_ok=True)


def _start_dockerd(deadline: float) -> None:
    with LOG.open("w") as log:
        process = subprocess.Popen(  # noqa: S603
            ["dockerd", f"--pidfile={PIDFILE}"],  # noqa: S607
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    give_up = time.monotonic() + deadline
    while not answers():
        if time.monotonic() > give_up:
            raise LabError(f"dockerd does not respond after {deadline:g} s; its log is {LOG}")
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        last_line = (LOG.read_text().splitlines() or ["no output"])[-1]
        raise LabError(f"dockerd exited: {last_line}")


def _own_dockerd() -> int | None:
    """Return the process ID in the pidfile, if that process still is the dockerd that wrote it."""
    try:
        pid = int(PIDFILE.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except (OSError, ValueError):
        return None
    ours = Path(command[0]).name == "dockerd" and f"--pidfile={PIDFILE}" in command
    return pid if ours else None
