"""Relays the engine's socket, and alters what the engine says of itself.

Usage: altered_engine.py SOCKET clock SECONDS | version VERSION | directory PATH

It ends by itself when its socket is removed, so that nobody has to know which process it is. It
runs as a program named dockerd: only for an engine is anything looked at on this machine itself.
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
_LOOK_SECONDS = 0.2
_ENGINE = "dockerd"
_TEXTS = {"version": "ServerVersion", "directory": "DockerRootDir"}

Alteration = Callable[[bytes], bytes]
"""Must leave the length as it is: the engine has announced it."""


def later(seconds: int) -> Alteration:
    """Put the engine's clock forward."""

    def alter(match: re.Match[bytes]) -> bytes:
        moved = datetime.fromisoformat(match[0].decode()) + timedelta(seconds=seconds)
        return moved.isoformat().encode()

    return lambda data: _TIME.sub(alter, data)


def text(field: str, value: str) -> Alteration:
    """Give a field of the engine another text, no longer than its own."""
    pattern = re.compile(rf'"{field}":"[^"]*"'.encode())
    told = f'"{field}":"{value}"'.encode()
    return lambda data: pattern.sub(lambda match: told.ljust(len(match[0])), data)


def pump(source: socket.socket, target: socket.socket, alter: Alteration) -> None:
    """Pass on what comes until it ends."""
    with suppress(OSError):
        while data := source.recv(1 << 20):
            target.sendall(alter(data))
        target.shutdown(socket.SHUT_WR)


def relay(client: socket.socket, alter: Alteration) -> None:
    """Connect a client with the engine."""
    with client, socket.socket(socket.AF_UNIX) as engine:
        engine.connect(ENGINE)
        asks = threading.Thread(target=pump, args=(client, engine, bytes), daemon=True)
        asks.start()
        pump(engine, client, alter)
        asks.join()


def is_there(path: Path, inode: int) -> bool:
    """Tell whether the socket is still there, and no other in its place."""
    with suppress(FileNotFoundError):
        return path.stat().st_ino == inode
    return False


def become_an_engine(beside: Path) -> None:
    """Go on as a program named dockerd, which Linux says of whoever serves a socket."""
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
    become_an_engine(Path(path))
    shutil.rmtree(Path(path).with_name(f"{_ENGINE}-{os.getpid()}"), ignore_errors=True)
    alter = later(int(value)) if what == "clock" else text(_TEXTS[what], value)
    own = Path(path)
    own.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(64)
        server.settimeout(_LOOK_SECONDS)
        inode = own.stat().st_ino
        while is_there(own, inode):
            with suppress(TimeoutError):
                client, _ = server.accept()
                threading.Thread(target=relay, args=(client, alter), daemon=True).start()


if __name__ == "__main__":
    main()
