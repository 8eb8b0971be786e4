"""A proxy in front of the engine that records the requests."""

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from tests.engine.fake_engine import listening_as

_LENGTH = re.compile(rb"^Content-Length: (\d+)\r$", re.MULTILINE | re.IGNORECASE)
_ID = re.compile(r"/[0-9a-f]{64}(?=/|$)")
_API_VERSION = re.compile(r"^/v[\d.]+")


class EngineProxy:
    """Forwards its own socket to the engine's, and records what clients send."""

    def __init__(self, server: socket.socket, path: Path, engine: str) -> None:
        self.address = f"unix://{path}"
        self._engine = engine
        self._sent: list[bytearray] = []
        self._server = server

    def requests(self) -> Counter[str]:
        """Return how often each request was made, such as `GET /containers/ID/json`."""
        counted: Counter[str] = Counter()
        for sent in self._sent:
            for head, _ in _messages(bytes(sent)):
                method, target, *_ = head.decode().split()
                path = _API_VERSION.sub("", target.partition("?")[0])
                counted[f"{method} {_ID.sub('/ID', path)}"] += 1
        return counted

    def execs(self) -> list[list[str]]:
        """Return the arguments of each command that was to run in a container."""
        return [
            json.loads(body)["Cmd"]
            for sent in self._sent
            for head, body in _messages(bytes(sent))
            if re.match(rb"POST /\S+/exec ", head)
        ]

    def serve(self) -> None:
        """Accept connections until the socket is shut down."""
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self._engine)
                sent = bytearray()
                self._sent.append(sent)
                to_client = Thread(target=_forward, args=(engine, client, bytearray()), daemon=True)
                to_client.start()
                Thread(target=_forward, args=(client, engine, sent, to_client), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


def _messages(sent: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the head and the body of each request on a connection."""
    while sent:
        head, _, rest = sent.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r")
        size = int(length[1]) if length else 0
        yield head, rest[:size]
        sent = rest[size:]


def _forward(
    source: socket.socket, to: socket.socket, kept: bytearray, last: Thread | None = None
) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            kept += data
            to.sendall(data)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
    if last:  # this thread closes both once neither sends any more
        last.join()
        source.close()
        to.close()


@contextmanager
def counting(path: Path, engine: str) -> Iterator[EngineProxy]:
    """Run a proxy in front of the engine's socket until the block ends."""
    with listening_as("dockerd", path) as server:
        proxy = EngineProxy(server, path, engine)
        thread = Thread(target=proxy.serve)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.close()
            thread.join()
