"""The way from here to the lab, which can be cut: nothing that is sent arrives any more."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from tests.engine.fake_engine import listening_as

_CHUNK = 65536


class Network:
    """Passes bytes between sockets of its own and the lab's, until it is cut.

    As with a pulled cable, no side is notified: connections stay open and silent.
    """

    def __init__(self) -> None:
        self._whole = Event()
        self._whole.set()
        self._ended = False
        self._sockets: list[socket.socket] = []
        self._listeners = ExitStack()

    def cut(self) -> None:
        """Let nothing through from here on."""
        self._whole.clear()

    def engine(self, path: Path, engine: str) -> str:
        """The address of a way to the engine whose own address this is."""
        server = self._listeners.enter_context(listening_as("dockerd", path))
        self._serve(server, lambda: _connected(socket.AF_UNIX, engine.removeprefix("unix://")))
        return f"unix://{path}"

    def port(self, of_lab: int, at_first: Callable[[], object] = lambda: None) -> int:
        """The port of a way to a port of the lab's.

        Args:
            of_lab: the port.
            at_first: is called before anything of the first connection is let through.
        """
        server = socket.socket()
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        self._serve(server, lambda: _connected(socket.AF_INET, ("127.0.0.1", of_lab)), at_first)
        number: int = server.getsockname()[1]
        return number

    def end(self) -> None:
        """Close everything."""
        self._ended = True
        self._whole.set()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._listeners.close()

    def _serve(
        self,
        server: socket.socket,
        connect: Callable[[], socket.socket],
        at_first: Callable[[], object] = lambda: None,
    ) -> None:
        self._sockets.append(server)

        def accept() -> None:
            first = True
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    self._sockets.append(client)
                    if first:
                        at_first()
                        first = False
                    Thread(target=self._join, args=(client, connect), daemon=True).start()

        Thread(target=accept, daemon=True).start()

    def _join(self, client: socket.socket, connect: Callable[[], socket.socket]) -> None:
        self._whole.wait()
        if self._ended:
            return
        with suppress(OSError):
            server = connect()
            self._sockets.append(server)
            Thread(target=self._pass_on, args=(server, client), daemon=True).start()
            self._pass_on(client, server)

    def _pass_on(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                self._whole.wait()
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)


def _connected(family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
    connection = socket.socket(family)
    connection.connect(address)
    return connection


@contextmanager
def network() -> Iterator[Network]:
    """A network that lasts as long as the block."""
    whole = Network()
    try:
        yield whole
    finally:
        whole.end()
