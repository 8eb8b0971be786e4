"""A fake Docker engine on a unix socket. Each test defines its responses."""

import json
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, NamedTuple

SAMPLES = Path(__file__).parents[1] / "samples"
ID = "c0ffee00" * 8
EXEC = "e0" * 32
_VERSION = re.compile(r"^/v[\d.]+(?=/)")

_LISTEN = """
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(64)
socket.send_fds(socket.socket(fileno=int(sys.argv[2])), [b"x"], [server.fileno()])
sys.stdin.read()
"""

Answer = tuple[int, Mapping[str, str], bytes | Iterable[bytes]]
"""Status, headers and body. Bytes are sent with their length, anything else until it ends."""
Respond = Callable[[str], Answer | None]
"""Returns the response for a path without API version; None to send none until the engine ends."""


class Request(NamedTuple):
    """A request that the engine received."""

    method: str
    version: str
    """`/v1.41`, or empty."""
    path: str
    headers: Mapping[str, str]


class FakeEngine(socketserver.ThreadingUnixStreamServer):
    """An engine that responds by path, and records the requests."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, respond: Respond, listener: socket.socket | None = None) -> None:
        super().__init__(str(path), _Handler, bind_and_activate=listener is None)
        if listener:
            self.socket.close()
            self.socket = listener
        self.path = path
        self.address = f"unix://{path}"
        self.respond = respond
        self.requests: list[Request] = []
        self.connections = 0
        """How many connections it has accepted."""
        self.execs: list[list[str]] = []
        """The commands that were to run in containers."""
        self.ended = Event()
        """Set at the end of the test, so that endless responses end."""

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        accepted: tuple[socket.socket, Any] = super().get_request()
        self.connections += 1
        return accepted

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeEngine

    def do_GET(self) -> None:
        path = _VERSION.sub("", self.path)
        version = self.path.removesuffix(path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(Request(self.command, version, path, headers))
        if size := int(self.headers.get("Content-Length") or 0):
            sent = json.loads(self.rfile.read(size))
            if "Cmd" in sent:
                self.server.execs.append(sent["Cmd"])
        answer = self.server.respond(path)
        if answer is None:
            self.server.ended.wait()
            self.close_connection = True
            return
        with suppress(OSError):  # the client has closed the connection
            self._send(*answer)

    def do_POST(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, status: int, headers: Mapping[str, str], body: bytes | Iterable[bytes]) -> None:
        if isinstance(body, bytes):
            headers = {"Content-Length": str(len(body)), **headers}
            self.close_connection = int(headers["Content-Length"]) > len(body)
            body = (body,)
        elif "Transfer-Encoding" not in headers:
            headers = {"Connection": "close", **headers}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for part in body:
            if self.server.ended.is_set():
                break
            self.wfile.write(part)

    def address_string(self) -> str:
        return "client"

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def fake_engine(
    path: Path, respond: Respond, listener: socket.socket | None = None
) -> Iterator[FakeEngine]:
    """Run an engine until the block ends.

    Args:
        path: of its socket; in a folder, `engine.sock`.
        respond: returns a response by path.
        listener: a socket that already listens there, see `listening_as`; it stays open.
    """
    path = path / "engine.sock" if path.is_dir() else path
    with FakeEngine(path, respond, listener.dup() if listener else None) as engine:
        thread = Thread(target=engine.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield engine
        finally:
            engine.ended.set()
            engine.shutdown()
            thread.join()


@contextmanager
def listening_as(name: str, path: Path) -> Iterator[socket.socket]:
    """Listen on a unix socket until the block ends, as a program of this name.

    A run accepts an engine as local only if the program that listens is named dockerd or podman:
    see `engine/locality.py`. Linux reports the process that called `listen`, whichever accepts.
    """
    ours, theirs = socket.socketpair()
    with TemporaryDirectory() as folder, ours:
        program = Path(folder) / name
        shutil.copy(Path(sys.executable).resolve(), program)
        with subprocess.Popen(
            [str(program), "-c", _LISTEN, str(path), str(theirs.fileno())],
            stdin=subprocess.PIPE, pass_fds=[theirs.fileno()],
            env={
                "PYTHONHOME": sys.base_prefix,
                "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR")),
            },
        ) as process:  # fmt: skip
            theirs.close()
            _, (file, *_), _, _ = socket.recv_fds(ours, 1, 1)
            try:
                with socket.socket(fileno=file) as server:
                    yield server
            finally:
                assert process.stdin
                process.stdin.close()


def of_json(value: Any, **headers: str) -> Answer:
    """Return a response with JSON."""
    return 200, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()


def inspected(name: str, **changes: Any) -> dict[str, Any]:
    """Return what an engine reports about a running container."""
    raw: dict[str, Any] = json.loads((SAMPLES / "inspect-nano-cpus.json").read_text())
    return raw | {"Id": ID, "Name": f"/{name}", **changes}


def listed(name: str, **changes: Any) -> dict[str, Any]:
    """Return its entry in the list of containers."""
    return {"Id": ID, "Names": [f"/{name}"], "State": "running", "Labels": {}, **changes}


def answering(parts: Mapping[str, Any], others: Any = None) -> Callable[[str], Answer]:
    """Return a function that responds with JSON by a part of the path.

    Args:
        parts: JSON or a whole response by a part of the path.
        others: JSON for other paths; by default 404, and an empty list of containers.
    """

    def answer(path: str) -> Answer:
        if path == "/version":
            return of_json({"ApiVersion": "1.41"})
        for part, value in parts.items():
            if part in path:
                return value if isinstance(value, tuple) else of_json(value)
        if others is not None:
            return of_json(others)
        if path.startswith("/containers/json"):
            return of_json([])
        return 404, {}, b'{"message": "no such thing"}'

    return answer
