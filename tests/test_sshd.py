"""The sshd for the tests leaves no process behind."""

import subprocess
from pathlib import Path

from tests.sshd import Sshd, await_removal, program, serving_ssh


def _ssh(sshd: Sshd, line: str, known: Path) -> list[str]:
    return [
        program("ssh"), "-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known}",
        "-i", str(sshd.key_file), "-p", str(sshd.port), f"{sshd.user}@{sshd.host}", line,
    ]  # fmt: skip


def _run(sshd: Sshd, line: str, known: Path) -> "subprocess.CompletedProcess[str]":
    argv = _ssh(sshd, line, known)
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)


def test_it_runs_a_command_and_stops(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    with serving_ssh(tmp_path) as sshd:
        known.write_text(f"{sshd.known_host}\n")
        assert _run(sshd, "echo here", known).stdout == "here\n"
        assert "Accepted publickey" in sshd.log()
        sshd.change_host_key()
        assert "HOST IDENTIFICATION HAS CHANGED" in _run(sshd, "echo here", known).stderr
        known.write_text(f"{sshd.known_host}\n")
        assert _run(sshd, "echo here", known).stdout == "here\n"
        processes = sshd.processes()
    for pid in processes:
        await_removal(Path(f"/proc/{pid}"))


def test_it_accepts_connections_after_a_drop(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    with serving_ssh(tmp_path) as sshd:
        known.write_text(f"{sshd.known_host}\n")
        with subprocess.Popen(
            _ssh(sshd, "echo up; exec sleep 60", known),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as client:  # fmt: skip
            assert client.stdout
            assert client.stdout.readline() == b"up\n"
            sshd.drop()
            assert client.wait(timeout=30) == 255
        assert _run(sshd, "echo again", known).stdout == "again\n"
