"""Whether an engine runs on this machine, according to the kernel."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stackproof.engine import transport
from stackproof.engine.connection import connect
from stackproof.engine.locality import why_elsewhere
from stackproof.engine.transport import Peer
from stackproof.environment.machine import Engine
from tests.engine.fake_engine import answering, fake_engine, listening_as

ROOT = os.geteuid() == 0
ID = "ab12" * 16


@contextmanager
def _served(program: str, folder: Path) -> Iterator[Peer]:
    """Yield the peer that a client of a socket sees, if this program listens."""
    path = folder / "engine.sock"
    with listening_as(program, path), socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(path))
        peer = transport.peer_of(connected)
        assert peer
        assert peer.uid == os.geteuid()
        yield peer


@pytest.mark.parametrize("name", ["dockerd", "podman"])
def test_a_socket_of_an_engine(name: str, tmp_path: Path) -> None:
    with _served(name, tmp_path) as peer:
        assert why_elsewhere(peer, ()) == ""
        # As after an upgrade of the program.
        Path(f"/proc/{peer.pid}/exe").readlink().unlink()
        assert why_elsewhere(peer, ()) == ""


@pytest.mark.parametrize("name", ["ssh", "socat", "sshd", "python3", "docker", "dockerd-proxy"])
def test_a_forwarder_is_not_local(name: str, tmp_path: Path) -> None:
    """Even if it reports a container of this machine."""
    with _served(name, tmp_path) as peer:
        message = why_elsewhere(peer, [(_some_container(), os.getpid())])
        assert message == f"its socket is served by {name!r}, which is not a Docker engine"


def test_the_name_that_a_process_gives_itself_is_ignored() -> None:
    rename = "open('/proc/self/comm', 'w').write('dockerd'); print('renamed', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", rename], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "renamed\n"
        assert Path(f"/proc/{process.pid}/comm").read_text() == "dockerd\n"
        assert "which is not a Docker engine" in why_elsewhere(Peer(process.pid, os.geteuid()), ())
        process.kill()


NOT_FOUND = "none of the containers that it reports as running was found here"


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> int:
    """The process ID of a local container whose ID is `ID`."""
    real = Path.read_text

    def read(path: Path, *arguments: object, **more: object) -> str:
        if str(path) == "/proc/4242/cgroup":
            return CGROUPS[0]
        return real(path, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", read)
    return 4242


CGROUPS = [f"0::/system.slice/docker-{ID}.scope\n"]


@pytest.mark.parametrize(
    "cgroup",
    [
        f"0::/system.slice/docker-{ID}.scope\n",
        f"0::/docker/{ID}\n",
        f"12:memory:/docker/{ID}\n11:cpu,cpuacct:/docker/{ID}\n",
        f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope\n",
        f"0::/machine.slice/libpod-{ID}.scope/container\n",
    ],
)
@pytest.mark.parametrize(
    "peer", [None, Peer(0, 0), Peer(1, 0)], ids=["unknown", "hidden", "systemd"]
)
def test_a_local_container(
    cgroup: str, peer: Peer | None, container: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stackproof.engine.locality._program", lambda _: "systemd")
    monkeypatch.setitem(globals(), "CGROUPS", [cgroup])
    assert why_elsewhere(peer, [(ID, 1), (ID, container)]) == ""


@pytest.mark.parametrize("peer", [None, Peer(0, 0)])
def test_a_container_elsewhere(peer: Peer | None, container: int) -> None:
    elsewhere = [("cd34" * 16, container), (ID, os.getpid()), (ID, 0), (ID, -1), (ID, 2**40)]
    assert why_elsewhere(peer, elsewhere) == NOT_FOUND
    assert why_elsewhere(peer, ()) == NOT_FOUND


def test_a_run_inside_a_container_is_not_on_the_engines_machine(
    container: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stackproof.engine.locality._cgroup", lambda _: f"0::/docker/{ID}\n")
    assert why_elsewhere(Peer(0, 0), [(ID, container)]) == NOT_FOUND


def test_a_process_that_has_ended() -> None:
    with subprocess.Popen(["/bin/true"]) as process:
        pass
    assert why_elsewhere(Peer(process.pid, 0), ()) == NOT_FOUND


@pytest.mark.skipif(not ROOT, reason="changes its user, which takes root")
@pytest.mark.parametrize(("uid", "message"), [(0, ""), (1000, NOT_FOUND)])
def test_a_program_that_the_kernel_hides(uid: int, message: str, tmp_path: Path) -> None:
    """Its name is trusted if it runs as root. Other users can choose any name."""
    with _served("dockerd", tmp_path) as peer:
        child = os.fork()
        if child == 0:
            os.setresuid(65534, 65534, 65534)
            os._exit(why_elsewhere(Peer(peer.pid, uid), ()) != message)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_peer_of_a_connection(tmp_path: Path) -> None:
    with fake_engine(tmp_path, answering({})) as server:
        connection = connect(Engine(address=server.address))
        assert connection.peer == Peer(os.getpid(), os.geteuid())
        assert "which is not a Docker engine" in why_elsewhere(connection.peer, ())


def _some_container() -> str:
    """Return the end of our own cgroup's path, so that it is found there."""
    return Path("/proc/self/cgroup").read_text().strip().rpartition("/")[2] or "/"
