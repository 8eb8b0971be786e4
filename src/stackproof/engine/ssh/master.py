"""The OpenSSH master: one ssh process whose connection carries all requests to a server."""

import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition
from urllib.parse import unquote, urlsplit

from stackproof.deadlines import SSH_CALL_SECONDS, SSH_CONNECT_SECONDS
from stackproof.engine.ssh import failure
from stackproof.engine.ssh.multiplexing import MasterEndedError, Request, RequestRefusedError
from stackproof.environment.machine import Engine
from stackproof.unobserved import UnobservedError

OUTPUT_CAP = 256 * 1024
# sshd allows ten on a connection. One that has ended counts until sshd has noticed.
SESSIONS = 8
_POLL_SECONDS = 0.005
_LOG_READ = 1 << 20
_ALIAS = "engine"

# Ends the master and removes its directory when our end of the pipe closes, however we end. The
# limit of 32 MiB keeps a talkative server from filling the disk with its log.
_GUARDED = """
ulimit -f 65536
exec 3<&0 </dev/null
ssh "$@" 3<&- &
master=$!
{ read -r _; rm -rf "$DIRECTORY"; kill $master; } <&3 >/dev/null 2>&1 &
exec 3<&-
wait $master
ended=$?
kill $! 2>/dev/null
exit $ended
"""
_OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
    "ConnectTimeout": str(SSH_CONNECT_SECONDS),
    "ConnectionAttempts": "1",
    # Detects a dead connection, so that a new one can be opened.
    "ServerAliveInterval": "3",
    "ServerAliveCountMax": "2",
    "ControlMaster": "yes",
    "ControlPersist": "no",
    # Overrides settings of the user that have other effects.
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    # Only from this level on does the log contain the reason of a refused connection.
    "LogLevel": "DEBUG1",
}


class Master:
    """A connection to a server. It respects the user's ssh settings, agent and known hosts."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        """Connect.

        Args:
            engine: with an `ssh://` address.
            directory: a private one, for the control socket, and for the key during the login.

        Raises:
            UnobservedError: it could not connect. The message has the reason and the remedy.
        """
        self.directory = directory
        self._control = directory / "control"
        self._log = directory / "log"
        self._key = directory / "key"
        self._changed = Condition()
        self._open = 0
        self._opened = False
        self._allowed = SESSIONS
        self._control.unlink(missing_ok=True)
        try:
            self._process = self._connect(engine)
        finally:
            self._key.unlink(missing_ok=True)

    def ended(self, within: float = 0) -> bool:
        """Return whether it has ended; wait for some seconds until it has."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=within)
        return self._process.poll() is not None

    def close(self) -> None:
        """Close the connection."""
        _end(self._process)

    def listen(self, path: Path, there: str) -> None:
        """Forward a unix socket here to one on the server."""
        path.unlink(missing_ok=True)
        with self._request() as request:
            request.listen(path, there)

    def run(self, line: str) -> tuple[int, bytes]:
        """Run a shell command on the server; return its exit code and its standard output.

        Raises:
            MasterEndedError: the connection ended before the command did.
            UnobservedError: the server opens no session, or the command took too long or printed
                too much.
        """
        ends = time.monotonic() + SSH_CALL_SECONDS
        ours, theirs = socket.socketpair()
        with ours, Path(os.devnull).open("r+b", buffering=0) as nothing:
            files = nothing.fileno(), theirs.fileno(), nothing.fileno()
            with self.session(line, *files) as session:
                theirs.close()
                output = _read(ours, ends)
                return session.exit_code(), output

    @contextmanager
    def session(self, line: str, stdin: int, stdout: int, stderr: int) -> Iterator[Request]:
        """Run a shell command on the server as long as the block runs, on local files.

        If the server opens no more sessions, wait until another one ends.

        Raises:
            MasterEndedError: the connection ended.
            UnobservedError: the server opens no session.
        """
        ends = time.monotonic() + SSH_CALL_SECONDS
        while True:
            with self._changed:
                if not self._changed.wait_for(
                    lambda: self._open < self._allowed, timeout=ends - time.monotonic()
                ):
                    raise UnobservedError(f"no ssh session became free within {SSH_CALL_SECONDS} s")
                self._open += 1
            try:
                with self._request() as request:
                    request.session(line, stdin, stdout, stderr)
                    self._opened = True
                    yield request
            except RequestRefusedError:
                with self._changed:
                    others = self._open - 1
                    self._allowed = max(1, others)
                if not others and (not self._opened or time.monotonic() > ends):
                    raise UnobservedError("the server opens no ssh session (MaxSessions)") from None
                time.sleep(_POLL_SECONDS)  # sshd may not have noticed yet that the last one ended
            else:
                return
            finally:
                with self._changed:
                    self._open -= 1
                    self._changed.notify_all()

    def connect(self, host: str, port: int, seconds: float) -> tuple[socket.socket, Request]:
        """Connect to a host and port, from the server.

        The connection is open as long as the request that is returned with it.

        Raises:
            MasterEndedError: the connection to the server ended.
            ConnectionRefusedError: the host refused the connection.
            UnobservedError: the server does not allow the connection, or it was not established
                in time.
        """
        ours, theirs = socket.socketpair()
        try:
            request = Request(self._control, seconds)
            try:
                with theirs:
                    request.connect(host, port, theirs.fileno())
            except BaseException:
                request.close()
                raise
        except BaseException as error:
            ours.close()
            if isinstance(error, TimeoutError):
                raise UnobservedError(f"no connection within {seconds:g} s") from None
            if not isinstance(error, RequestRefusedError):
                raise
        else:
            return ours, request
        reason = failure.forward_error(self.log(), host, port)
        if reason.endswith("Connection refused"):
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if reason.startswith("administratively prohibited"):
            raise UnobservedError(
                "its sshd does not allow forwarding (AllowTcpForwarding, PermitOpen)"
            )
        raise UnobservedError(
            f"no connection from the server to {host}:{port}: {reason or 'refused'}"
        )

    def log(self) -> str:
        """Return what ssh logged."""
        return limited_text(self._log)

    def _request(self) -> Request:
        return Request(self._control, SSH_CALL_SECONDS)

    def _connect(self, engine: Engine) -> "subprocess.Popen[bytes]":
        ends = time.monotonic() + SSH_CONNECT_SECONDS
        with self._log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603
                ["sh", "-c", _GUARDED, "ssh", *self._arguments(engine)],  # noqa: S607 - found in PATH
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log,
                env={**os.environ, "DIRECTORY": str(self.directory)},
                start_new_session=True,  # Ctrl-C is ours to handle, which may need it
            )  # fmt: skip
        while not self._control.exists():
            if process.poll() is not None:
                _end(process)
                raise UnobservedError(failure.explain_failure(self.log(), engine))
            if time.monotonic() > ends:
                _end(process)
                raise UnobservedError(f"no connection within {SSH_CONNECT_SECONDS} s")
            time.sleep(_POLL_SECONDS)
        return process

    def _arguments(self, engine: Engine) -> list[str]:
        options = dict(_OPTIONS)
        if engine.key and (key := engine.key.get_secret_value().strip()):
            with open(os.open(self._key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:  # noqa: PTH123
                file.write("\n".join(key.splitlines()) + "\n")
            options |= {"IdentityFile": str(self._key), "IdentitiesOnly": "yes"}
        if engine.host_key:
            known = self.directory / "known_hosts"
            known.write_text("".join(f"{_ALIAS} {key}\n" for key in engine.host_key.splitlines()))
            options |= {"UserKnownHostsFile": str(known), "GlobalKnownHostsFile": os.devnull}
            options |= {"HostKeyAlias": _ALIAS}
        where = urlsplit(engine.address)
        user = ["-l", unquote(where.username)] if where.username else []
        port = ["-p", str(where.port)] if where.port else []
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        control = str(self._control).replace("%", "%%")
        return [
            "-N", "-n", "-T", "-a", "-x", "-S", control, *flags, *user, *port, "--",
            where.hostname or "",
        ]  # fmt: skip


def limited_text(file: Path) -> str:
    """Return the end of a log, which the server can make long."""
    with file.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_READ))
        return log.read(_LOG_READ).decode(errors="replace").replace("\r\n", "\n")


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.communicate(timeout=1)  # closes our end of its pipe
    except subprocess.TimeoutExpired:
        # The guard is late on a busy machine. The caller removes the directory as well.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(stream: socket.socket, ends: float) -> bytes:
    output = b""
    while True:
        stream.settimeout(max(0.001, ends - time.monotonic()))
        try:
            part = stream.recv(65536)
        except TimeoutError:
            raise UnobservedError(f"no answer within {SSH_CALL_SECONDS} s") from None
        except OSError:
            raise MasterEndedError from None
        if not part:
            return output
        output += part
        if len(output) > OUTPUT_CAP:
            raise UnobservedError("a command printed more than it should")
