"""A relay in front of the engine's socket that alters what the engine reports about itself.

Usage: altered_engine.py SOCKET clock SECONDS | version VERSION | directory PATH

It ends by itself when its socket is removed, so that its process ID need not be known. Its
program is named dockerd, because only then does stackproof accept the engine as local.
"""

import os
import re
import shutil
import socket
import sys
import sysconfig
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
_TIME = re.compile(rb'(?<="SystemTime":")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d')
_POLL_SECONDS = 0.2
_ENGINE = "dockerd"
_TEXTS = {"version": "ServerVersion", "directory": "DockerRootDir"}

Alteration = Callable[[bytes], bytes]
"""It must keep the length, which the engine has already sent."""


def later(seconds: int) -> Alteration:
    """Return an alteration that sets the engine's clock ahead."""

    def alter(match: re.Match[bytes]) -> bytes:
        moved = datetime.fromisoformat(match[0].decode()) + timedelta(seconds=seconds)
        return moved.isoformat().encode()

    return lambda data: _TIME.sub(alter, data)


def text(field: str, value: str) -> Alteration:
    """Return an alteration that replaces the text of a field. It must not be longer."""
    pattern = re.compile(rf'"{field}":"[^"]*"'.encode())
    altered = f'"{field}":"{value}"'.encode()
    return lambda data: pattern.sub(lambda match: altered.ljust(len(match[0])), data)


def pump(source: socket.socket, target: socket.socket, alter: Alteration) -> None:
    """Copy data from one socket to the other until it ends."""
    with suppress(OSError):
        while data := source.recv(1 << 20):
            target.sendall(alter(data))
        target.shutdown(socket.SHUT_WR)


def relay(client: socket.socket, alter: Alteration) -> None:
    """Connect a client to the engine."""
    with client, socket.socket(socket.AF_UNIX) as engine:
        engine.connect(ENGINE)
        requests = threading.Thread(target=pump, args=(client, engine, bytes), daemon=True)
        requests.start()
        pump(engine, client, alter)
        requests.join()


def is_there(path: Path, inode: int) -> bool:
    """Return whether the path still is the same socket."""
    with suppress(FileNotFoundError):
        return path.stat().st_ino == inode
    return False


def become_dockerd(beside: Path) -> None:
    """Execute this script again with a program named dockerd, which Linux reports to clients."""
    if Path("/proc/self/exe").readlink().name.startswith(_ENGINE):
        return
    program = beside.with_name(f"{_ENGINE}-{os.getpid()}") / _ENGINE
    program.parent.mkdir()
    shutil.copy2(Path(sys.executable).resolve(), program)
    home = {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR")}
    os.execve(program, [str(program), *sys.argv], os.environ | home)  # noqa: S606


def main() -> None:
    """Serve until the socket is removed."""
    path, what, value = sys.argv[1:]
    become_dockerd(Path(path))
    shutil.rmtree(Path(path).with_name(f"{_ENGINE}-{os.getpid()}"), ignore_errors=True)
    alter = later(int(value)) if what == "clock" else text(_TEXTS[what], value)
    own = Path(path)
    own.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(64)
        server.settimeout(_POLL_SECONDS)
        inode = own.stat().st_ino
        while is_there(own, inode):
            with suppress(TimeoutError):
                client, _ = server.accept()
                threading.Thread(target=relay, args=(client, alter), daemon=True).start()


if __name__ == "__main__":
    main()
