"""A real sshd on a loopback port, with host keys and a user's key of its own."""

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

# A start takes a tenth of a second; on a machine that does ten things at once, several.
_START_SECONDS = 20


class Sshd:
    """An sshd that runs; every process of it ends with the block that started it."""

    host = "127.0.0.1"

    def __init__(self, directory: Path, options: dict[str, str], user: str, within: str) -> None:
        self.directory = directory
        self.user = user
        self.key_file = _new_key(directory / "user")
        self._host_key = _new_key(directory / "host")
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
        """The private key of the user, as a secret of CI holds it."""
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
        """What it said, at the level VERBOSE: each connection, each session."""
        return self._log.read_text()

    def processes(self) -> list[int]:
        """It and all that runs beneath it: its connections and what they run."""
        return [self.pid, *children(self.pid)]

    def drop(self) -> None:
        """Kill the connections and what they run; new ones are accepted as before."""
        for pid in children(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Kill it with all its connections: whoever tries again is refused."""
        beneath = children(self.pid)
        self._sshd.kill()
        self._sshd.wait()
        for pid in beneath:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def change_host_key(self) -> None:
        """Go on as a server with another key, as one that was built anew or is not the same."""
        self.stop()
        self._host_key.unlink()
        self._host_key.with_suffix(".pub").unlink()
        self._host_key = _new_key(self._host_key)
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
            "StrictModes": "no",  # temporary directories lie beneath one that anybody may write to
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "PrintMotd": "no",
            # Bash heeds what a user has there, which may take seconds, and locks that stay where a
            # session is killed.
            "SetEnv": f"HOME={self.directory}",
            **self._options,
        }
        return "".join(f"{name} {value}\n" for name, value in options.items())

    def _authorized(self, keys: Path) -> dict[str, str]:
        if self.user == getuser():
            return {"AuthorizedKeysFile": str(keys)}
        # sshd reads the file as the user, whom temporary directories of others are closed to.
        command = {"AuthorizedKeysCommand": f"/bin/cat {keys}", "AuthorizedKeysCommandUser": "root"}
        return {"AuthorizedKeysFile": "none", **command}


def program(name: str) -> str:
    """Where a program of OpenSSH is installed."""
    found = shutil.which(name, path=f"{os.defpath}:/usr/sbin:/usr/local/bin:/usr/local/sbin")
    assert found, f"{name} is not installed: apt-get install openssh-server openssh-client"
    return found


@contextmanager
def serving_ssh(
    directory: Path, user: str = "", within: str = "", **options: str
) -> Iterator[Sshd]:
    """Run an sshd until the block ends.

    Args:
        directory: for its keys and its log; it must exist.
        user: who logs in with the key; left out, who runs this. Another one takes root.
        within: a command that becomes the one that follows it, as `unshare --mount` does.
        options: of sshd_config: `AllowStreamLocalForwarding="no"`, `MaxSessions="2"`,
            `PermitOpen="172.20.0.2:80"`, `ClientAliveInterval="1"`.
    """
    sshd = Sshd(directory, options, user or getuser(), within)
    try:
        yield sshd
    finally:
        sshd.stop()


def _new_key(path: Path) -> Path:
    argv = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=_START_SECONDS)
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def children(parent: int) -> list[int]:
    """The processes that descend from one, its own before theirs."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name may hold anything, brackets and spaces too: the rest stands behind its last.
            above = int(stat.read_text().rpartition(")")[2].split()[1])
            below.setdefault(above, []).append(int(stat.parent.name))
    found = list(below.get(parent, []))
    for pid in found:
        found += below.get(pid, [])
    return found
