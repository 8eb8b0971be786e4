"""A server that sends any bytes, and one request to it."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread

from stackproof.environment.routes import Route
from stackproof.facts.response import Response
from stackproof.probes.http.client import Client

Handler = Callable[[socket.socket], object]
SECONDS = 0.3


@contextmanager
def raw_server(handle: Handler) -> Iterator[str]:
    """Serve raw bytes: `handle` has each connection, once a request came over it."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.callback(server.shutdown, socket.SHUT_RDWR)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(65536)
                handle(connection)

        Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def flood(first: bytes, piece: bytes) -> Handler:
    def handle(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece * 1000)

    return handle


def drip(first: bytes, piece: bytes = b"x") -> Handler:
    def handle(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            time.sleep(SECONDS / 10)
            connection.sendall(piece)

    return handle


def respond(body: bytes = b"", status: str = "200 OK", **headers: str) -> Handler:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""])
    return lambda connection: connection.sendall(head.encode() + body)


def request(handle: Handler, *, follow: bool = False, stream: bool = False) -> Response:
    with raw_server(handle) as address:
        route = Route(
            name="home",
            url=f"http://{address}/",
            service="web",
            follow_redirects=follow,
            stream=stream,
        )
        return Client({}, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)).request(route)
