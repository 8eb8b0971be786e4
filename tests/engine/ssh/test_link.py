"""The ssh connection: shared by all commands, reopened once, and removed without a trace."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from stackproof.engine.ssh import master
from stackproof.engine.ssh.link import close_all, open_link
from stackproof.unobserved import UnobservedError
from tests.engine.ssh.conftest import Serving, engine
from tests.probes.http.sites import serving as serving_http
from tests.sshd import Sshd, await_removal, children

ROOT = Path(__file__).parents[3]


def _connections(sshd: Sshd) -> int:
    return sshd.log().count("Accepted publickey")


def test_a_command(sshd: Sshd) -> None:
    link = open_link(engine(sshd))
    assert link.run("echo out; echo err >&2; exit 3") == (3, b"out\n")
    assert open_link(engine(sshd)) is link
    assert _connections(sshd) == 1


def test_a_command_that_does_not_end(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    link = open_link(engine(sshd))
    monkeypatch.setattr(master, "SSH_CALL_SECONDS", 0.3)
    with pytest.raises(UnobservedError, match=rf"^engine {sshd.address}: no answer within 0.3 s$"):
        link.run("echo first; exec sleep 60")


def test_a_command_with_endless_output(sshd: Sshd) -> None:
    with pytest.raises(UnobservedError, match=r": a command printed more than it should$"):
        open_link(engine(sshd)).run("exec yes")


@pytest.mark.parametrize("sessions", ["1", "3"])
def test_few_sessions_are_shared(serving: Serving, sessions: str) -> None:
    with serving(MaxSessions=sessions) as sshd, ThreadPoolExecutor(6) as threads:
        link = open_link(engine(sshd))
        ran = threads.map(lambda number: link.run(f"echo {number}"), range(6))
        assert [output for _, output in ran] == [f"{number}\n".encode() for number in range(6)]
        assert _connections(sshd) == 1


def test_no_sessions(serving: Serving) -> None:
    with serving(MaxSessions="0") as sshd:
        with pytest.raises(UnobservedError) as reason:
            open_link(engine(sshd)).run("echo here")
        message = str(reason.value)
    assert message == f"engine {sshd.address}: the server opens no ssh session (MaxSessions)"


def test_the_key_is_removed_after_the_login(sshd: Sshd, private: Path) -> None:
    key = sshd.key.replace("\n", "\r\n").strip()  # as some secret stores return it
    open_link(engine(sshd, key=key))
    [folder] = private.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not (folder / "key").exists()
    secret = sshd.key.splitlines()[2]
    for file in folder.iterdir():
        if file.is_file():
            assert secret not in file.read_text()
    lines = []
    for pid in children(os.getpid()):
        with suppress(OSError):  # the process may have ended
            lines.append(Path(f"/proc/{pid}/cmdline").read_text(errors="replace"))
    assert any(str(folder / "control") in line for line in lines)
    assert not any(secret in line for line in lines)


def test_settings_with_side_effects(sshd: Sshd, settings: Path, tmp_path: Path) -> None:
    settings.write_text(
        settings.read_text() + f"LocalForward {tmp_path}/more /run/more\n"
        f"PermitLocalCommand yes\nLocalCommand touch {tmp_path}/touched\n"
        f"ControlMaster no\nControlPath {tmp_path}/theirs\nRemoteCommand exit 7\nRequestTTY force\n"
    )
    assert open_link(engine(sshd)).run("tty || echo none") == (0, b"not a tty\nnone\n")
    assert not [name for name in ("more", "touched", "theirs") if (tmp_path / name).exists()]


def test_a_lost_connection_is_reopened_once(sshd: Sshd) -> None:
    link = open_link(engine(sshd))
    assert link.run("echo 1") == (0, b"1\n")
    sshd.drop()
    assert link.run("echo 2") == (0, b"2\n")
    sshd.drop()
    with pytest.raises(
        UnobservedError, match=rf"^engine {sshd.address}: the ssh connection was lost twice"
    ):
        link.run("echo 3")
    # A new link connects again.
    assert open_link(engine(sshd)).run("echo 4") == (0, b"4\n")
    assert _connections(sshd) == 3


def test_a_connection_lost_during_several_commands(sshd: Sshd, tmp_path: Path) -> None:
    link = open_link(engine(sshd))
    wait = f"touch {tmp_path}/$1.began; while ! [ -e {tmp_path}/go ]; do sleep 0.02; done; echo $1"
    with ThreadPoolExecutor(4) as threads:
        ran = [threads.submit(link.run, f"set -- {number}; {wait}") for number in range(4)]
        while len(list(tmp_path.glob("*.began"))) < 4:
            assert not any(each.done() for each in ran)
        sshd.drop()
        (tmp_path / "go").touch()
        assert [each.result() for each in ran] == [(0, f"{n}\n".encode()) for n in range(4)]
    assert _connections(sshd) == 2


def test_a_server_that_stopped(sshd: Sshd) -> None:
    link = open_link(engine(sshd))
    sshd.stop()
    for _ in range(2):  # later calls get the same error
        with pytest.raises(UnobservedError) as reason:
            link.run("echo here")
    assert str(reason.value) == (
        f"engine {sshd.address}: the ssh connection was lost, and cannot be reopened: "
        "connection refused"
    )


def test_connecting_from_the_server(sshd: Sshd) -> None:
    with serving_http(lambda _: (200, {}, b"here")) as site:
        host, port = "127.0.0.1", site.server_port
        stream, request = open_link(engine(sshd)).connect(host, port, 5)
        with stream, request:
            stream.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert stream.makefile("rb").read().endswith(b"\r\n\r\nhere")
    with pytest.raises(ConnectionRefusedError):
        open_link(engine(sshd)).connect(host, port, 5)


def test_a_server_that_restricts_forwarding(serving: Serving) -> None:
    with serving(PermitOpen="127.0.0.1:1") as sshd:
        link = open_link(engine(sshd))
        with pytest.raises(ConnectionRefusedError):
            link.connect("127.0.0.1", 1, 5)
        with pytest.raises(UnobservedError) as reason:
            link.connect("127.0.0.1", 2, 5)
    assert str(reason.value) == (
        f"engine {sshd.address}: its sshd does not allow forwarding "
        "(AllowTcpForwarding, PermitOpen)"
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_leaves_nothing_behind(sshd: Sshd, private: Path, how: signal.Signals) -> None:
    script = (
        "import json, sys, time; from stackproof.environment.machine import Engine;"
        "from stackproof.engine.ssh.link import open_link;"
        "open_link(Engine(**json.load(sys.stdin))); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as run:  # fmt: skip
        assert run.stdin
        assert run.stdout
        given = {"address": sshd.address, "key": sshd.key, "host_key": sshd.host_key}
        run.stdin.write(json.dumps(given))
        run.stdin.close()
        assert run.stdout.readline() == "\n"
        [folder] = private.iterdir()
        beneath_sshd = sshd.processes()[1:]
        assert beneath_sshd
        os.kill(run.pid, how)
    await_removal(folder)
    for pid in beneath_sshd:
        await_removal(Path(f"/proc/{pid}"))


def test_closing_twice() -> None:
    close_all()
    close_all()
