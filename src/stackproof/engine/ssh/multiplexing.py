"""Requests to an OpenSSH master over its control socket.

They use OpenSSH's multiplexing protocol, version 4 (PROTOCOL.mux in its sources), so that neither a
session nor a forwarded connection needs a process of its own.
"""

import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

_HELLO, _VERSION = 0x00000001, 4
_NEW_SESSION, _OPEN_FORWARD, _STDIO_FORWARD = 0x10000002, 0x10000006, 0x10000008
_OK, _EXIT, _OPENED = 0x80000001, 0x80000004, 0x80000006
_LOCAL = 1
_UNIX_SOCKET = 0xFFFFFFFE  # instead of a port, if the host is a path
_NO_ESCAPE = 0xFFFFFFFF


class MasterEndedError(Exception):
    """The master has ended, and its connection with it."""


class RequestRefusedError(Exception):
    """The server refused the request. Only the master's log contains the reason."""


class Request:
    """One request to the master. Closing it closes the session or connection that it opened."""

    def __init__(self, control: Path, seconds: float) -> None:
        """Connect to the master.

        Args:
            control: its socket.
            seconds: how long each of its responses may take.

        Raises:
            MasterEndedError: it has ended.
        """
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(seconds)
        try:
            self._socket.connect(str(control))
            self._send(_HELLO, _VERSION)
            self._receive()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise MasterEndedError from None
            raise

    def session(self, line: str, stdin: int, stdout: int, stderr: int) -> None:
        """Run a shell command on the server, with these files as its standard streams.

        Raises:
            RequestRefusedError: the server opens no session, or no more.
            MasterEndedError: the master has ended.
        """
        switches = (0, 0, 0, 0)  # no terminal, no X11, no agent, no subsystem
        self._ask(
            _NEW_SESSION, 0, "", *switches, _NO_ESCAPE, "", line, files=(stdin, stdout, stderr)
        )

    def connect(self, host: str, port: int, file: int) -> None:
        """Connect this file to a host and port, from the server.

        Raises:
            RequestRefusedError: the server forbids it, or could not connect.
            MasterEndedError: the master has ended.
        """
        self._ask(_STDIO_FORWARD, 0, "", host, port, files=(file, file))

    def listen(self, path: Path, there: str) -> None:
        """Forward a unix socket here to one on the server."""
        self._ask(_OPEN_FORWARD, 0, _LOCAL, str(path), _UNIX_SOCKET, there, _UNIX_SOCKET)

    def exit_code(self) -> int:
        """Wait for the session to end; return its exit code.

        Raises:
            MasterEndedError: the connection ended first.
        """
        try:
            kind, _, code = struct.unpack(">III", self._receive())
        except struct.error:
            raise MasterEndedError from None
        if kind != _EXIT:
            raise MasterEndedError
        return int(code)

    def wait(self) -> None:
        """Wait for the session to end, however long it takes."""
        self._socket.settimeout(None)
        self.exit_code()

    def close(self) -> None:
        """Close it, and the session or connection that it opened."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Return the request."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _ask(self, *fields: int | str, files: tuple[int, ...] = ()) -> None:
        try:
            self._send(*fields)
            for file in files:
                socket.send_fds(self._socket, [b"\0"], [file])
        except TimeoutError:
            raise
        except OSError:
            raise MasterEndedError from None
        (kind,) = struct.unpack_from(">I", self._receive())
        if kind not in (_OK, _OPENED):
            raise RequestRefusedError

    def _send(self, *fields: int | str) -> None:
        packed = b"".join(map(_packed, fields))
        self._socket.sendall(len(packed).to_bytes(4) + packed)

    def _receive(self) -> bytes:
        return self._read(int.from_bytes(self._read(4)))

    def _read(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            try:
                part = self._socket.recv(size - len(received))
            except TimeoutError:
                raise
            except OSError:
                part = b""
            if not part:
                raise MasterEndedError
            received += part
        return received


def _packed(field: int | str) -> bytes:
    if isinstance(field, int):
        return field.to_bytes(4)
    text = field.encode()
    return len(text).to_bytes(4) + text
