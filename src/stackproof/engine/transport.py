"""Connections to the engine's socket: what one receives, and for how long, is limited."""

import fcntl
import io
import select
import socket
import ssl
import struct
import termios
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import SplitResult

from stackproof.environment.machine import EngineTls

_DOCKER_PORT = 2375
_BUFFER = 8 << 10
# `http.client` keeps as many objects in memory as a part has chunks, which may be of one byte each.
_PART = 16 << 10
_POLL_MS = 5
_BEGINNING = 1 << 10
_REST_SECONDS = 0.2
_INT = bytes(struct.calcsize("i"))
HEAD_CAP = 64 << 10
"""Limit of a response's headers. Docker's have 300 bytes."""


class Peer(NamedTuple):
    """The process that listens on a unix socket, as this machine's kernel reports it."""

    pid: int
    """0 if the process is not visible from here."""
    uid: int


class TooLongError(Exception):
    """A response exceeds its limit."""


class LimitedStream:
    """A connected socket that `http.client` can use. It enforces a size limit and a deadline."""

    def __init__(self, connected: socket.socket) -> None:
        """Wrap a connected socket."""
        self.socket = connected
        self.ends = 0.0
        """The deadline, by the monotonic clock."""
        self.left = 0
        """How many more bytes may be received."""
        self.beginning = b""
        """The first bytes that were received in this call."""

    def sendall(self, data: bytes) -> None:
        """Send all of it before the deadline."""
        self.socket.settimeout(self._seconds())
        self.socket.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        """Return a file that reads from it."""
        # Python's default is 128 KiB since 3.14, which could exceed the limit of the headers.
        return io.BufferedReader(_Raw(self), _BUFFER)

    def receive(self, buffer: Any) -> int:
        """Receive into a buffer; return the number of bytes.

        Raises:
            TooLongError: more than the limit has been received.
            TimeoutError: the deadline has passed.
        """
        self.socket.settimeout(self._seconds())
        received = self.socket.recv_into(buffer)
        if len(self.beginning) < _BEGINNING:
            self.beginning += bytes(buffer[: min(received, _BEGINNING)])
        self.left -= received
        if self.left < 0:
            raise TooLongError
        return received

    def received(self) -> bytes:
        """Return the first bytes of this call's response, also those that were not read."""
        while not self.beginning.strip() and len(self.beginning) < _BEGINNING:
            try:
                self.socket.settimeout(_REST_SECONDS)
                part = self.socket.recv(_BEGINNING)
            except OSError:
                break
            if not part:
                break
            self.beginning += part
        return self.beginning

    def await_open(self) -> bool:
        """Wait until the other end has read what was sent; return False if it closes instead.

        ssh reads it once the server has opened the stream. It closes if the server refuses. Only
        Linux tells what is unread: on other systems, the return value is True at once.
        """
        poll = select.poll()
        poll.register(self.socket, 0)  # reports that the other end has closed
        try:
            while fcntl.ioctl(self.socket, termios.TIOCOUTQ, _INT) != _INT:
                if poll.poll(_POLL_MS) or time.monotonic() > self.ends:
                    return False
        except OSError:
            pass
        return not poll.poll(0)

    def close(self) -> None:
        """Do nothing: `http.client` closes before it reads a body with `Connection: close`."""

    def _seconds(self) -> float:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Raw(io.RawIOBase):
    def __init__(self, stream: LimitedStream) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._stream.receive(buffer)


def read_body(response: HTTPResponse, stream: LimitedStream, limit: int) -> Iterator[bytes]:
    """Yield the parts of a response's body.

    Raises:
        TooLongError: they have more bytes than the limit.
        ConnectionResetError: the connection was closed before the body ended.
    """
    # The framing of chunks may take as many bytes as the chunks.
    stream.left = 2 * limit + HEAD_CAP
    left = limit
    while part := response.read(_PART):
        left -= len(part)
        if left < 0:
            raise TooLongError
        yield part
    if response.length:
        raise ConnectionResetError(0, "the connection was closed within the response")


def connect_unix(path: str, seconds: float) -> tuple[LimitedStream, Peer | None]:
    """Connect to a unix socket; return the stream, and the process that listens.

    The process is None on systems that do not report it.
    """
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.settimeout(seconds)
        connected.connect(path)
        return LimitedStream(connected), peer_of(connected)
    except BaseException:
        connected.close()
        raise


def connect_tcp(address: SplitResult, seconds: float, tls: EngineTls | None) -> LimitedStream:
    """Connect to a host and port, with TLS if it is given."""
    host = address.hostname or ""
    connected = socket.create_connection((host, address.port or _DOCKER_PORT), timeout=seconds)
    if tls is None:
        return LimitedStream(connected)
    with connected:
        secure = _context(tls).wrap_socket(connected, server_hostname=host)
    return LimitedStream(secure)


def peer_of(connected: socket.socket) -> Peer | None:
    """Return the process that listens on the unix socket to which a client is connected."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    pid, uid, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, option, 12))
    return Peer(pid, uid)


def _context(tls: EngineTls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.ca) if tls.ca else None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.client:
        context.load_cert_chain(*tls.client)
    return context
