"""A web server on loopback that fails on demand."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

RESPONSES = {
    "success": (200, "api", "one"),
    "new instance": (200, "api", "two"),
    "wrong service": (200, "web", "one"),
    "5xx": (503, "api", "one"),
    "status": (404, "api", "one"),
}
"""By behaviour: the status, the service and the instance of the response."""


@dataclass
class FlakyServer:
    """Behaves as a file says. `reset`, `stall` and `malformed` are no responses."""

    file: Path
    connections: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("", 0)))
    _closing: Event = field(default_factory=Event)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def behaviour(self) -> str:
        return self.file.read_text(encoding="utf-8").strip()

    @behaviour.setter
    def behaviour(self, behaviour: str) -> None:
        # Atomically: the server reads it at any time.
        new = self.file.with_suffix(".new")
        new.write_text(behaviour, encoding="utf-8")
        new.replace(self.file)

    def switch(self, behaviour: str) -> str:
        """Return shell commands that change the behaviour."""
        return f"echo '{behaviour}' > {self.file}.new; mv {self.file}.new {self.file}"

    def serve(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                Thread(target=self._respond, args=(connection, self.behaviour), daemon=True).start()

    def _respond(self, connection: socket.socket, behaviour: str) -> None:
        with connection, suppress(OSError):
            connection.recv(4096)
            if behaviour == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif behaviour == "stall":
                self._closing.wait()
            elif behaviour == "malformed":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nplain")
            else:
                status, service, instance = RESPONSES[behaviour]
                body = f'{{"service": "{service}", "instance": "{instance}"}}'
                head = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall((head + body).encode())

    def close(self) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def flaky_server(file: Path) -> Iterator[FlakyServer]:
    """Serve until the block ends, without failures at first."""
    server = FlakyServer(file)
    server.behaviour = "success"
    thread = Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
