"""Error messages of failed connections, in one line each."""

import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.ssh import master
from stackproof.engine.ssh.link import open_link
from stackproof.unobserved import UnobservedError
from tests.engine.ssh.conftest import engine
from tests.sshd import Sshd, new_key, program

SHOWN = re.compile(r"SHA256:\S{43}")


def _refusal(sshd: Sshd, **changes: Any) -> str:
    """Return the error without the address and the fingerprint."""
    declared = engine(sshd, **changes)
    with pytest.raises(UnobservedError) as reason:
        open_link(declared)
    message = str(reason.value)
    prefix = f"engine {declared.address}: "
    assert message.startswith(prefix)
    return SHOWN.sub("SHA256:…", message.removeprefix(prefix))


def test_a_key_that_the_server_does_not_accept(sshd: Sshd, tmp_path: Path) -> None:
    message = _refusal(sshd, key=new_key(tmp_path / "another").read_text())
    assert message == "permission denied (publickey): the server accepts none of the keys"


def test_an_invalid_key(sshd: Sshd) -> None:
    message = _refusal(sshd, key="never shown")
    assert message == "permission denied: engine.key is not a private key that ssh can read"


def test_a_key_with_a_passphrase(sshd: Sshd, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    shutil.copy(sshd.key_file, locked)
    argv = [program("ssh-keygen"), "-q", "-p", "-N", "a passphrase", "-P", "", "-f", str(locked)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=30)
    message = _refusal(sshd, key=locked.read_text())
    assert message == "permission denied: the key that the server accepts has a passphrase"


def test_an_unknown_host(sshd: Sshd, settings: Path) -> None:
    assert _refusal(sshd, host_key=None) == (
        "host key unknown here (the server presents ssh-ed25519 SHA256:…): compare it with the "
        f"server's own key, then ssh-keyscan -p {sshd.port} 127.0.0.1 >>~/.ssh/known_hosts"
    )


def test_an_unknown_host_despite_the_users_settings(sshd: Sshd, settings: Path) -> None:
    settings.write_text(f"StrictHostKeyChecking no\n{settings.read_text()}")
    assert _refusal(sshd, host_key=None).startswith("host key unknown here")
    assert not (settings.parent / "known_hosts").exists()


def test_known_hosts(sshd: Sshd, settings: Path) -> None:
    known = settings.parent / "known_hosts"
    known.write_text(f"{sshd.known_host}\n")
    assert open_link(engine(sshd, host_key=None)).run("echo here") == (0, b"here\n")


def test_a_known_host_key_that_changed(sshd: Sshd, settings: Path) -> None:
    known = settings.parent / "known_hosts"
    known.write_text(f"{sshd.known_host}\n")
    sshd.change_host_key()
    assert _refusal(sshd, host_key=None) == (
        f"host key mismatch with {known}, line 1 (the server presents ssh-ed25519 SHA256:…): "
        "the server was rebuilt, or another machine answers in its place; if it was "
        f"rebuilt: ssh-keygen -R '[127.0.0.1]:{sshd.port}', then "
        f"ssh-keyscan -p {sshd.port} 127.0.0.1 >>~/.ssh/known_hosts"
    )


def test_a_declared_host_key_that_changed(sshd: Sshd) -> None:
    pinned = sshd.host_key
    sshd.change_host_key()
    assert _refusal(sshd, host_key=pinned) == (
        "host key mismatch with engine.host_key (the server presents ssh-ed25519 SHA256:…): "
        "the server was rebuilt, or another machine answers in its place"
    )


def test_a_truncated_host_key(sshd: Sshd) -> None:
    assert _refusal(sshd, host_key=sshd.host_key[:-8]) == (
        "engine.host_key has no key of the type that is used (the server presents ssh-ed25519 "
        "SHA256:…)"
    )


def test_connection_refused(sshd: Sshd) -> None:
    sshd.stop()
    assert _refusal(sshd) == "connection refused"


def test_an_unknown_name(sshd: Sshd) -> None:
    message = _refusal(sshd, address="ssh://root@no-such-host.invalid")
    assert message.startswith("the name does not resolve: ")


def test_a_silent_server(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "SSH_CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = _refusal(sshd, address=f"ssh://root@127.0.0.1:{silent.getsockname()[1]}")
    assert message == "no connection within 0.3 s"


def test_without_ssh(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "few"
    programs.mkdir()
    for name in ("sh", "rm"):
        (programs / name).symlink_to(program(name))
    monkeypatch.setenv("PATH", str(programs))
    message = _refusal(sshd)
    assert message == "ssh is not installed here: apt-get install openssh-client"
