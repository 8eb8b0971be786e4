"""A real sshd on a loopback port, with its own host key and user key."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from getpass import getuser
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

# It starts in a tenth of a second, and in a few seconds on a busy machine.
_START_SECONDS = 20
_END_SECONDS = 20


class Sshd:
    """A running sshd. All its processes end with the block that started it."""

    host = "127.0.0.1"

    def __init__(self, directory: Path, options: dict[str, str], user: str, within: str) -> None:
        self.directory = directory
        self.user = user
        self.key_file = new_key(directory / "user")
        self._host_key = new_key(directory / "host")
        self._options = options
        self._within = shlex.split(within)
        self._log = directory / "sshd.log"
        self.port = _free_port()
        self._sshd = self._start()

    @property
    def address(self) -> str:
        """The engine's address behind it: `ssh://root@127.0.0.1:40022`."""
        return f"ssh://{self.user}@{self.host}:{self.port}"

    @property
    def key(self) -> str:
        """The user's private key, as in a CI secret."""
        return self.key_file.read_text()

    @property
    def host_key(self) -> str:
        """The public key of the server: `ssh-ed25519 AAAA…`."""
        return " ".join(self._host_key.with_suffix(".pub").read_text().split()[:2])

    @property
    def known_host(self) -> str:
        """The line of `known_hosts` that pins it."""
        return f"[{self.host}]:{self.port} {self.host_key}"

    @property
    def pid(self) -> int:
        return self._sshd.pid

    def log(self) -> str:
        """Return its log at level VERBOSE, with every connection and session."""
        return self._log.read_text()

    def processes(self) -> list[int]:
        """Return its process ID and those of all its descendants."""
        return [self.pid, *children(self.pid)]

    def drop(self) -> None:
        """Kill the connections and their commands. New connections are still accepted."""
        for pid in children(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Kill it with all its connections. New connections are refused."""
        descendants = children(self.pid)
        self._sshd.kill()
        self._sshd.wait()
        for pid in descendants:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def change_host_key(self) -> None:
        """Restart with another host key, like a server that was rebuilt."""
        self.stop()
        new_key(self._host_key)
        self._sshd = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        configuration = self.directory / "sshd_config"
        configuration.write_text(self._configuration())
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where sshd drops its privileges
        with self._log.open("ab") as log:
            sshd = subprocess.Popen(
                [*self._within, program("sshd"), "-D", "-e", "-f", str(configuration)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._await_banner(sshd)
        return sshd

    def _await_banner(self, sshd: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and sshd.poll() is None:
            with (
                suppress(OSError),
                socket.create_connection((self.host, self.port), timeout=1) as client,
            ):
                if client.recv(4) == b"SSH-":
                    return
            time.sleep(0.01)
        sshd.kill()
        sshd.wait()
        raise AssertionError(f"sshd did not start: {self.log()}")

    def _configuration(self) -> str:
        authorized = self.directory / "authorized_keys"
        authorized.write_text(self.key_file.with_suffix(".pub").read_text())
        options = {
            "ListenAddress": f"{self.host}:{self.port}",
            "HostKey": str(self._host_key),
            **self._authorized(authorized),
            "PidFile": "none",
            "LogLevel": "VERBOSE",
            "StrictModes": "no",  # anyone may write to the parent of temporary directories
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "PrintMotd": "no",
            # The user's shell profile may be slow, and leave locks if a session is killed.
            "SetEnv": f"HOME={self.directory}",
            **self._options,
        }
        return "".join(f"{name} {value}\n" for name, value in options.items())

    def _authorized(self, keys: Path) -> dict[str, str]:
        if self.user == getuser():
            return {"AuthorizedKeysFile": str(keys)}
        # sshd reads the file as that user, who cannot access our temporary directories.
        command = {"AuthorizedKeysCommand": f"/bin/cat {keys}", "AuthorizedKeysCommandUser": "root"}
        return {"AuthorizedKeysFile": "none", **command}


def program(name: str) -> str:
    """Return the path of an OpenSSH program."""
    found = shutil.which(name, path=f"{os.defpath}:/usr/sbin:/usr/local/bin:/usr/local/sbin")
    assert found, f"{name} is not installed: apt-get install openssh-server openssh-client"
    return found


@contextmanager
def serving_ssh(
    directory: Path, user: str = "", within: str = "", **options: str
) -> Iterator[Sshd]:
    """Run an sshd until the block ends.

    Args:
        directory: an existing folder for its keys and its log.
        user: the user who logs in with the key; by default the current one. Others need root.
        within: a command that executes its arguments, such as `unshare --mount`.
        options: of sshd_config: `AllowStreamLocalForwarding="no"`, `MaxSessions="2"`,
            `PermitOpen="172.20.0.2:80"`, `ClientAliveInterval="1"`.
    """
    sshd = Sshd(directory, options, user or getuser(), within)
    try:
        yield sshd
    finally:
        sshd.stop()


def new_key(path: Path) -> Path:
    """Write a new private key, with its public key next to it; return its path."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    path.touch(0o600)
    path.write_bytes(private)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b"\n")
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def await_removal(path: Path) -> None:
    """Wait until a path does not exist any more, such as a process in /proc."""
    end = time.monotonic() + _END_SECONDS
    while path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not path.exists()


def children(parent: int) -> list[int]:
    """Return the descendants of a process, parents before children."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name may contain spaces and brackets: the other fields follow the last bracket.
            above = int(stat.read_text().rpartition(")")[2].split()[1])
            below.setdefault(above, []).append(int(stat.parent.name))
    found = list(below.get(parent, []))
    for pid in found:
        found += below.get(pid, [])
    return found
