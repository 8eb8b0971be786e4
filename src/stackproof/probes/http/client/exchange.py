"""The connections of one HTTP request: their deadline, and a limit on what they receive."""

import time
from collections.abc import Iterable
from ssl import SSLContext
from typing import Any

import httpcore

# httpcore wraps its own sockets in this class, and has no public name for it.
from httpcore._backends.sync import SyncStream

from stackproof.probes.http.connections import Connect

# No server sends longer headers, and thousands of interim responses take long to read.
HEAD_CAP = 64 * 1024
# More than the kept part of a body and its framing.
RECEIVED_CAP = 512 * 1024
BODY_CAP = 64 * 1024
"""The kept part of a body."""
_CHUNK = 16 * 1024


class Exchange(httpcore.NetworkBackend):
    """The network backend of httpcore for one request, with one deadline for all waits.

    httpcore's own timeouts are for each read: a server that sends one byte a second, or endless
    interim responses, would be waited for without end.
    """

    def __init__(self, seconds: float, connect: Connect) -> None:
        """Set the limit in seconds from now, for the request and its redirects."""
        self.seconds = seconds
        self.connected = False
        """Whether the last connection was established."""
        self.answered = False
        """Whether it received the headers of a response."""
        self.received = 0
        """The bytes that it received."""
        self._began = time.monotonic()
        self._connect = connect

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._began

    def end_within(self, seconds: float) -> None:
        """Move the deadline to some seconds from now, unless it is sooner."""
        self.seconds = min(self.seconds, self.elapsed + seconds)

    @property
    def left(self) -> float:
        """Return the seconds until the deadline; 0 or less after it."""
        return self.seconds - self.elapsed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline applies
        local_address: str | None = None,  # noqa: ARG002 - httpcore's own signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - the same
    ) -> httpcore.NetworkStream:
        """Connect."""
        if self.left <= 0:
            raise httpcore.ConnectTimeout
        self.connected, self.answered, self.received = False, False, 0
        try:
            connection = self._connect(host, port, self.left)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        self.connected = True
        return _Stream(self, SyncStream(connection))


class _Stream(httpcore.NetworkStream):
    def __init__(self, exchange: Exchange, stream: httpcore.NetworkStream) -> None:
        self._exchange = exchange
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        if self._exchange.left <= 0:
            raise httpcore.ReadTimeout
        read = self._stream.read(min(max_bytes, _CHUNK), self._exchange.left)
        self._exchange.received += len(read)
        cap = RECEIVED_CAP if self._exchange.answered else HEAD_CAP
        if self._exchange.received > cap:
            raise httpcore.RemoteProtocolError(f"no complete answer in the first {cap >> 10} KiB")
        return read

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        if self._exchange.left <= 0:
            raise httpcore.WriteTimeout
        self._stream.write(buffer, self._exchange.left)

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left = max(0.001, self._exchange.left)  # 0 would mean non-blocking
        return _Stream(self._exchange, self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
