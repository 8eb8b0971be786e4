"""The engine through `docker system dial-stdio` on the server, if sshd forwards no unix socket."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from stackproof import shell
from stackproof.engine.ssh.master import SESSIONS, Master, limited_text
from stackproof.engine.ssh.multiplexing import MasterEndedError
from stackproof.engine.threads import start_thread
from stackproof.shell import Line
from stackproof.unobserved import UnobservedError

# The client on the server knows its engine, as by a context.
_COMMAND = shell.line("docker system dial-stdio")
# A server with Podman may have no Docker client.
_AT_SOCKET = """if command -v docker >/dev/null; then
  exec docker --host unix://<socket> system dial-stdio
fi
exec podman --url unix://<socket> system dial-stdio"""
# Each stream takes a session. The other sessions are for commands on the server itself.
MAX_STREAMS = SESSIONS - 2
# The error message may arrive after the connection has ended.
_ERROR_SECONDS = 0.5


class DialStdio:
    """A local socket. Each connection to it gets a session with `docker system dial-stdio`."""

    def __init__(self, directory: Path, master: Callable[[], Master], socket_path: str) -> None:
        """Listen on a socket in the directory.

        Args:
            directory: a private one.
            master: returns the master that opens the next session.
            socket_path: the engine's socket on the server; empty if none is declared.
        """
        self._command = command(socket_path)
        self.path = directory / "dial-stdio"
        self._errors = directory / "dial-stdio.log"
        self._errors.touch(0o600)
        self._master = master
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(MAX_STREAMS)
        start_thread(self._serve)

    def error(self) -> str:
        """Return the last error that the Docker client printed; empty if it printed none."""
        ends = time.monotonic() + _ERROR_SECONDS
        while not self._errors.stat().st_size and time.monotonic() < ends:
            time.sleep(0.01)
        lines = limited_text(self._errors).strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError, UnobservedError):
            while True:
                client, _ = self._server.accept()
                start_thread(partial(self._run_session, client))

    def _run_session(self, client: socket.socket) -> None:
        # The master has a copy of the client's file, and transfers the bytes itself.
        with (
            suppress(OSError, UnobservedError, MasterEndedError),
            self._errors.open("ab", buffering=0) as errors,
        ):
            try:
                files = client.fileno(), client.fileno(), errors.fileno()
                with self._master().session(self._command, *files) as session:
                    client.close()
                    session.wait()
            finally:
                client.close()


def command(socket_path: str) -> Line:
    """Return the command that connects its standard streams to the engine.

    Args:
        socket_path: the engine's socket; empty for the one that the Docker client uses.
    """
    if not socket_path:
        return _COMMAND
    script = shell.line(_AT_SOCKET, socket=shell.path(socket_path))
    return shell.line("sh -c <script>", script=shell.script(script))
