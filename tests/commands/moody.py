"""A web server on loopback that fails as it is told to."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

MOODS = {
    "right": (200, "api", "one"),
    "new": (200, "api", "two"),
    "wrong service": (200, "web", "one"),
    "5xx": (503, "api", "one"),
    "status": (404, "api", "one"),
}
"""What it answers: status, and the service and the instance that it says it is."""


@dataclass
class Moody:
    """Answers by the mood that its file holds; `reset`, `stall` and `malformed` answer nothing."""

    mood_file: Path
    asked: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("", 0)))
    _let_go: Event = field(default_factory=Event)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def mood(self) -> str:
        return self.mood_file.read_text(encoding="utf-8").strip()

    @mood.setter
    def mood(self, mood: str) -> None:
        # Whole at every moment: it is read meanwhile.
        new = self.mood_file.with_suffix(".new")
        new.write_text(mood, encoding="utf-8")
        new.replace(self.mood_file)

    def serve(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                connection, _ = self._listener.accept()
                self.asked += 1
                Thread(target=self._answer, args=(connection, self.mood), daemon=True).start()

    def _answer(self, connection: socket.socket, mood: str) -> None:
        with connection, suppress(OSError):
            connection.recv(4096)
            if mood == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif mood == "stall":
                self._let_go.wait()
            elif mood == "malformed":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nplain")
            else:
                status, service, instance = MOODS[mood]
                body = f'{{"service": "{service}", "instance": "{instance}"}}'
                head = f"HTTP/1.1 {status} As told\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall((head + body).encode())

    def close(self) -> None:
        self._let_go.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def moody(mood_file: Path) -> Iterator[Moody]:
    """Serve until the block ends; in a good mood at first."""
    server = Moody(mood_file)
    server.mood = "right"
    thread = Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
