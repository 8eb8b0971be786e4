"""Alterations of the machine by faults are undone, and nothing else."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import HERE, address, machine, stack

RELAY_SECONDS = 30
PROC = "23 28 0:21 / /proc rw,nosuid - proc proc rw"
MEMORY = "60 23 8:1 /opt/stackproof/lab/out/meminfo /proc/meminfo rw - ext4 /dev/sda1 rw"
DISK = "61 25 0:50 / /run/lab rw - tmpfs stackproof-lab rw,size=1024k"


@pytest.fixture
def unmounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The mount points that were unmounted; the lab's files are in a temporary folder."""
    for name, file in {"MEMORY": "meminfo", "RELAY": "engine.sock", "DISK": "lab"}.items():
        monkeypatch.setattr(machine, name, tmp_path / file)
    monkeypatch.setattr(address, "FILE", tmp_path / "lab.env")
    monkeypatch.setattr(machine, "_MOUNTS", tmp_path / "mountinfo")
    done: list[str] = []
    monkeypatch.setattr(machine, "run", lambda *command, **_: done.append(command[-1]))
    return done


def _restore(folder: Path, *mounts: str) -> None:
    rows = [row.replace("/run/lab", str(folder / "lab")) for row in mounts]
    (folder / "mountinfo").write_text("".join(f"{row}\n" for row in rows))
    machine.restore()


@pytest.mark.parametrize(
    ("mounts", "undone"),
    [
        ((PROC,), []),
        ((PROC, MEMORY), ["/proc/meminfo"]),
        ((PROC, MEMORY, MEMORY), ["/proc/meminfo", "/proc/meminfo"]),
        ((MEMORY.replace("out/meminfo", "out/meminfo//deleted"),), ["/proc/meminfo"]),
        (("60 23 0:40 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw",), []),
        ((DISK,), ["/run/lab"]),
        ((DISK.replace("stackproof-lab", "tmpfs"),), []),
    ],
    ids=["none", "memory", "twice", "reset", "lxcfs", "disk", "foreign-disk"],
)
def test_mounts(
    tmp_path: Path, unmounted: list[str], mounts: tuple[str, ...], undone: list[str]
) -> None:
    _restore(tmp_path, *mounts)
    assert [path.replace(str(tmp_path / "lab"), "/run/lab") for path in unmounted] == undone


@pytest.mark.usefixtures("unmounted")
def test_files(tmp_path: Path) -> None:
    for name in ("meminfo", "engine.sock"):
        (tmp_path / name).touch()
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab.env").write_text("LAB_HTTP_PORT=80\nDOCKER_HOST=unix:///x\n")
    _restore(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"lab.env", "mountinfo"}
    assert (tmp_path / "lab.env").read_text() == "LAB_HTTP_PORT=80\n"
    _restore(tmp_path)


@pytest.mark.usefixtures("unmounted")
def test_a_folder_in_use(tmp_path: Path) -> None:
    kept = tmp_path / "lab" / "kept"
    kept.parent.mkdir()
    kept.touch()
    _restore(tmp_path)
    assert kept.exists()


class RestoredError(Exception):
    pass


def _restored() -> None:
    raise RestoredError


@pytest.mark.parametrize("command", [stack.up, stack.down])
def test_restore_comes_first(command: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "restore", _restored)
    with pytest.raises(RestoredError):
        command()


def test_the_relay_ends_with_its_socket(tmp_path: Path) -> None:
    path = tmp_path / "relay.sock"
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "engine.sock"))
        engine.listen()
        with subprocess.Popen(
            [sys.executable, HERE / "altered_engine.py", path, "version", "1.0"],
            env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/engine.sock"},
        ) as relay:
            try:
                assert _answer(path, engine) == b'{"ServerVersion":"1.0"  }'
                # It ends even if another file replaces the socket.
                path.rename(tmp_path / "before")
                path.touch()
                assert relay.wait(RELAY_SECONDS) == 0
            finally:
                relay.kill()


def _answer(path: Path, engine: socket.socket) -> bytes:
    """Return the altered response of an engine with version 20.10."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(RELAY_SECONDS)
        while True:
            try:
                client.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                continue
        server, _ = engine.accept()
        with server:
            server.sendall(b'{"ServerVersion":"20.10"}')
        return client.recv(1000)
