"""An engine behind sshd, through its forwarded socket or `docker system dial-stdio`."""

import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from urllib.parse import quote

import pytest

from stackproof.engine.client import EngineClient
from stackproof.engine.connection import STREAMS_AHEAD, Connection, connect
from stackproof.engine.machine_commands import run_on_machine
from stackproof.engine.ssh import link
from stackproof.engine.ssh.dial_stdio import MAX_STREAMS
from stackproof.shell import Line
from stackproof.unobserved import UnobservedError
from tests.engine.fake_engine import Answer, FakeEngine, fake_engine, of_json
from tests.engine.ssh.conftest import Serving, engine
from tests.sshd import Sshd

# Does what `docker system dial-stdio` does.
DIAL_STDIO = f"""#!{sys.executable}
import os, socket, sys, threading
option, path = sys.argv[1:3] if len(sys.argv) == 5 else ("", "unix://" + os.environ["ENGINE"])
assert sys.argv[-2:] == ["system", "dial-stdio"]
assert option in ("", "--url" if sys.argv[0].endswith("podman") else "--host")
engine = socket.socket(socket.AF_UNIX)
engine.connect(path.removeprefix("unix://"))
def send():
    while part := os.read(0, 65536):
        engine.sendall(part)
    engine.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while part := engine.recv(65536):
    os.write(1, part)
"""


@contextmanager
def without_forwarding(
    serving: Serving,
    folder: Path,
    engine_socket: Path,
    program: str,
    *,
    name: str = "docker",
    greeting: str = "",
    **options: str,
) -> Iterator[Sshd]:
    """Serve a login whose shell finds one client of the engine, and greets."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / name).write_text(program)
    (programs / name).chmod(0o755)
    for needed in ("sh", "env", "cat"):
        (programs / needed).symlink_to(shutil.which(needed) or needed)
    (folder / ".bashrc").write_text(greeting)
    variables = f"PATH={programs} ENGINE={engine_socket} HOME={folder}"
    with serving(AllowStreamLocalForwarding="no", SetEnv=variables, **options) as sshd:
        yield sshd


def _name(connection: Connection) -> str:
    return str(connection.call(lambda engine: engine.get("/info")).text("Name"))


def test_the_socket_is_forwarded(sshd: Sshd, far: FakeEngine) -> None:
    connection = connect(engine(sshd))
    assert [_name(connection) for _ in range(3)] == ["far"] * 3
    connection.close()
    assert [(request.version, request.path) for request in far.requests] == [
        ("", "/containers/json?all=1"),
        *[("/v1.41", "/info")] * 3,
    ]
    assert "Starting session" not in sshd.log()


def test_calls_at_the_same_time_wait_for_no_new_stream(sshd: Sshd, far: FakeEngine) -> None:
    everybody = Barrier(16)

    def ask(connection: Connection) -> str:
        everybody.wait(30)
        return _name(connection)

    connection = connect(engine(sshd))
    with ThreadPoolExecutor(everybody.parties) as threads:
        calls = [threads.submit(ask, connection) for _ in range(everybody.parties)]
        assert [each.result() for each in calls] == ["far"] * everybody.parties
    connection.close()
    assert far.connections == STREAMS_AHEAD


def test_dial_stdio_if_sshd_does_not_forward_the_socket(
    serving: Serving, far: FakeEngine, tmp_path: Path
) -> None:
    everybody = Barrier(MAX_STREAMS + 4)

    def ask(connection: Connection) -> str:
        everybody.wait(30)
        return _name(connection)

    with (
        without_forwarding(serving, tmp_path, far.path, DIAL_STDIO) as sshd,
        ThreadPoolExecutor(everybody.parties) as threads,
    ):
        connection = connect(engine(sshd))
        calls = [threads.submit(ask, connection) for _ in range(everybody.parties)]
        assert [each.result() for each in calls] == ["far"] * everybody.parties
        connection.close()
        assert sshd.log().count("refused streamlocal") == 1
        again = connect(engine(sshd))
        assert _name(again) == "far"
        again.close()
        assert sshd.log().count("refused streamlocal") == 1  # it did not try again
        assert sshd.log().count("Starting session") <= MAX_STREAMS + 1
        assert sshd.log().count("Accepted publickey") == 1


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("#!/bin/sh\necho connect: permission denied >&2; exit 1", "connect: permission denied"),
        ("#!/bin/sh\nexit 1", "connection (reset by peer|was closed without a response)"),
    ],
)
def test_neither_forwarding_nor_dial_stdio(
    serving: Serving, far: FakeEngine, tmp_path: Path, program: str, message: str
) -> None:
    with (
        without_forwarding(serving, tmp_path, far.path, program) as sshd,
        pytest.raises(UnobservedError) as reason,
    ):
        connect(engine(sshd))
    prefix = f"engine {sshd.address}: {far.path} cannot be reached on the server: "
    assert re.fullmatch(f"(the )?{message}", str(reason.value).removeprefix(prefix))


@pytest.fixture
def rootless() -> Iterator[FakeEngine]:
    """An engine on the server at a socket of its own."""

    def respond(_: str) -> Answer:
        return of_json({"Name": "rootless"}, **{"Api-Version": "1.41"})

    with TemporaryDirectory(prefix="it's ") as folder, fake_engine(Path(folder), respond) as engine:
        yield engine


def _at(sshd: Sshd, path: Path) -> str:
    return f"{sshd.address}{quote(str(path))}"


def test_another_socket_is_forwarded(sshd: Sshd, far: FakeEngine, rootless: FakeEngine) -> None:
    connection = connect(engine(sshd, address=_at(sshd, rootless.path)))
    assert _name(connection) == "rootless"
    connection.close()
    assert not far.requests


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_dial_stdio_to_another_socket(
    name: str, serving: Serving, far: FakeEngine, rootless: FakeEngine, tmp_path: Path
) -> None:
    with without_forwarding(serving, tmp_path, far.path, DIAL_STDIO, name=name) as sshd:
        connection = connect(engine(sshd, address=_at(sshd, rootless.path)))
        assert _name(connection) == "rootless"
        connection.close()
    assert not far.requests


def test_no_engine_at_another_socket(sshd: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "none.sock"
    with pytest.raises(UnobservedError) as reason:
        connect(engine(sshd, address=_at(sshd, path)))
    assert f"{path} cannot be reached on the server: " in str(reason.value)


@pytest.mark.parametrize(
    "greeting",
    [
        "echo Welcome to far",
        "echo; echo '  Welcome to far'; echo and more",
        "printf 'Welcome to far'; exec sleep 0",
        "echo Welcome to far; exit",
        "echo noise >&2; echo Welcome to far; exit 3",
    ],
)
def test_a_shell_that_greets_is_quoted(
    greeting: str, serving: Serving, far: FakeEngine, tmp_path: Path
) -> None:
    with (
        without_forwarding(serving, tmp_path, far.path, DIAL_STDIO, greeting=greeting) as sshd,
        pytest.raises(UnobservedError) as reason,
    ):
        connect(engine(sshd))
    assert str(reason.value) == (
        f"engine {sshd.address}: {far.path} cannot be reached on the server: its shell prints "
        "'Welcome to far' when a command starts: print that only in interactive shells (~/.bashrc)"
    )


def test_a_call_after_a_lost_connection(sshd: Sshd, far: FakeEngine) -> None:
    connection = connect(engine(sshd))
    assert _name(connection) == "far"
    sshd.drop()
    assert _name(connection) == "far"
    sshd.stop()
    with pytest.raises(UnobservedError, match=r": the ssh connection was lost twice$"):
        _name(connection)
    connection.close()


def test_an_engine_that_stopped_is_not_a_lost_connection(sshd: Sshd, far: FakeEngine) -> None:
    reached = link.open_link(engine(sshd))
    # It connects with the first call.
    client = EngineClient(f"unix://{reached.path}", sshd.address)
    connection = Connection(sshd.address, client, reached)
    far.path.rename(far.path.with_name("elsewhere"))
    with pytest.raises(UnobservedError, match=rf"^engine {sshd.address}: (the )?connection "):
        _name(connection)
    far.path.with_name("elsewhere").rename(far.path)
    connection.close()
    assert sshd.log().count("Accepted publickey") == 1


def test_a_command_on_its_machine(sshd: Sshd, far: FakeEngine) -> None:
    connection = connect(engine(sshd))
    assert run_on_machine(connection, Line("printf '%s\\n' \"it's here\"")) == "it's here\n"
    connection.close()
