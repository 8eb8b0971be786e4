"""HTTP to the Docker engine. Each response has a size limit and a deadline.

This is not Docker's SDK, which follows redirects, sends credentials from netrc, proxy variables and
Docker's settings, decompresses any response, and waits as long as bytes arrive.
"""

import base64
import json
import re
import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from threading import Lock
from urllib.parse import unquote, urlencode, urlsplit

from stackproof.deadlines import ENGINE_CALL_SECONDS
from stackproof.engine import error_text, transport
from stackproof.engine.answer import Answer, decode
from stackproof.engine.transport import HEAD_CAP, LimitedStream, Peer, TooLongError, read_body
from stackproof.environment.machine import EngineTls
from stackproof.unobserved import ConnectionLostError, UnobservedError

# The version of Docker 1.12, from 2016.
_OLDEST_API = (1, 24)
KIB, MIB = 1 << 10, 1 << 20
BODY_CAP = 512 * KIB
"""Limit of other responses. What inspect returns has 10 KiB, without variables."""
LIST_CAP = 8 * MIB
"""Limit of a list. Docker's list of a thousand containers with many labels has 4 MiB."""
_ERROR_CAP = 16 * KIB
_VERSION_SHOWN = 20
Query = Mapping[str, float]
_VERSION = re.compile(r"\d{1,3}\.\d{1,4}")


class NotFoundError(UnobservedError):
    """The engine has no such object, for instance because a container was removed meanwhile."""


class EngineClient:
    """Calls to one engine, over connections that are reused.

    Safe to use on several threads. A call raises `NotFoundError` if the engine has no such object,
    `ConnectionLostError` if the connection ended, and otherwise `UnobservedError`. Each message is
    one line.
    """

    def __init__(self, address: str, label: str = "", tls: EngineTls | None = None) -> None:
        """Store the address, without connecting.

        Args:
            address: `unix:///path` or `tcp://host:port`.
            label: the address as error messages show it; by default the same.
            tls: TLS for a `tcp://` address; None without.
        """
        self.peer: Peer | None = None
        """The listener of the latest connection to a unix socket; None if the system hides it."""
        self._where = urlsplit(address)
        self._label = label or address
        self._tls = tls
        self._headers = {"User-Agent": "stackproof"}
        if self._where.username is not None:
            words = f"{unquote(self._where.username)}:{unquote(self._where.password or '')}"
            encoded = base64.b64encode(words.encode()).decode()
            self._headers["Authorization"] = f"Basic {encoded}"
        self._prefix = ""
        self._offered = ""
        self._idle: list[LimitedStream] = []
        self._in_use: set[LimitedStream] = set()
        self._closed = False
        self._lock = Lock()

    def list_containers(self, connect_ahead: int = 0) -> Answer:
        """Return the list of all containers.

        The first call must be this one: it names no version of the API, and agrees on the version
        that the response states. Only an engine that states none is asked for it.

        Args:
            connect_ahead: how many connections to open for later calls, while the engine answers
                this one. Over ssh, opening one takes a round trip.
        """
        parts = self.stream("/containers/json", LIST_CAP, query={"all": 1}, ahead=connect_ahead)
        answer = self._decoded(parts, LIST_CAP)
        if not self._prefix:
            self._agree(self._offered or self._ask_version())
        return answer

    def get(self, path: str, query: Query | None = None, limit: int = BODY_CAP) -> Answer:
        """Send a GET request and return its JSON."""
        return self._decoded(self.stream(path, limit, query=query), limit)

    def post(self, path: str, body: object) -> Answer:
        """Send a POST request with a JSON body and return its JSON."""
        return self._decoded(self.stream(path, BODY_CAP, body=body), BODY_CAP)

    def stream(
        self,
        path: str,
        limit: int,
        *,
        query: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
        ahead: int = 0,
    ) -> Iterator[bytes]:
        """Send a request and yield each part of its response as it arrives.

        Args:
            path: of the API, without its version.
            limit: how many bytes the whole response may have.
            query: parameters.
            body: JSON; makes it a POST request.
            headers: additional ones.
            seconds: how long the whole call may take; by default `ENGINE_CALL_SECONDS`.
            ahead: how many connections to open once this call's is open.
        """
        seconds = seconds or ENGINE_CALL_SECONDS
        method = "GET" if body is None else "POST"
        target = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        stream: LimitedStream | None = None
        try:
            with self._connection(seconds) as (connection, stream):
                connection.request(
                    method, target, data, {**self._headers, **kind, **(headers or {})}
                )
                # Where sshd does not forward the socket, it refuses and logs only the first one.
                if ahead and stream.await_open():
                    self._connect_ahead(ahead, stream.ends)
                with connection.getresponse() as response:
                    self._check(response, stream)
                    self._offered = response.getheader("Api-Version", "")
                    yield from read_body(response, stream, limit)
        except TooLongError:
            raise UnobservedError(
                f"engine {self._label}: the response to {method} {path} is too long "
                f"(more than {_size(limit)})"
            ) from None
        except TimeoutError:
            raise UnobservedError(f"engine {self._label}: no answer within {seconds:g} s") from None
        except RemoteDisconnected:
            raise self._lost("the connection was closed without a response") from None
        except ssl.SSLCertVerificationError as error:
            raise self._lost(f"TLS certificate refused: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise self._lost(f"TLS failed: {error.reason or error}") from None
        except (OSError, HTTPException, ValueError) as error:
            beginning = stream.received() if stream else b""
            raise self._lost(error_text.describe(error, beginning)) from None

    def close(self) -> None:
        """Close all connections, also those in use, and open no more."""
        with self._lock:
            self._closed = True
            idle, in_use = self._idle, [*self._in_use]
            self._idle = []
        for stream in in_use:
            with suppress(OSError):
                stream.socket.shutdown(socket.SHUT_RDWR)
        for stream in idle:
            stream.socket.close()

    def _ask_version(self) -> str:
        try:
            return self.get("/version").text("ApiVersion")
        except UnobservedError as reason:
            cause = str(reason).removeprefix(f"engine {self._label}: ")
            raise UnobservedError(f"engine {self._label}: {cause}") from None

    def _agree(self, version: str) -> None:
        if not _VERSION.fullmatch(version) or tuple(map(int, version.split("."))) < _OLDEST_API:
            raise UnobservedError(
                f"engine {self._label}: unknown API version {version[:_VERSION_SHOWN]!r}"
            )
        self._prefix = f"/v{version}"

    def _decoded(self, parts: Iterable[bytes], limit: int) -> Answer:
        body = bytearray()
        for part in parts:
            body += part
        try:
            return decode(body, limit)
        except UnobservedError as reason:
            raise UnobservedError(f"engine {self._label}: {reason}") from None

    def _check(self, response: HTTPResponse, stream: LimitedStream) -> None:
        """Raise an error unless it is a usable response.

        Raises:
            NotFoundError: 404.
            UnobservedError: any status other than 2xx, or a compressed body.
        """
        status = response.status
        coding = response.getheader("Content-Encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            raise UnobservedError(
                f"engine {self._label}: the response is compressed, which is not accepted"
            )
        if 200 <= status < 300:
            return
        if status < 400:
            what = "a redirect, which is not followed" if status >= 300 else "not a response"
            raise UnobservedError(f"engine {self._label}: status {status}, {what}")
        try:
            body = b"".join(read_body(response, stream, _ERROR_CAP))
        except TooLongError:
            body = b""
        message = error_text.message(body)
        if status == 404 and message:
            raise NotFoundError(message)
        raise UnobservedError(f"engine {self._label}: {message or error_text.phrase(status)}")

    @contextmanager
    def _connection(self, seconds: float) -> Iterator[tuple[HTTPConnection, LimitedStream]]:
        """Lend a connection for one call, and keep it if another call can follow."""
        ends = time.monotonic() + seconds
        stream = self._take_idle() or self._connect(ends)
        stream.ends, stream.left, stream.beginning = ends, HEAD_CAP, b""
        connection = HTTPConnection(self._where.hostname or "localhost", self._where.port or 80)
        connection.sock = stream
        keep = False
        try:
            with self._lock:
                self._in_use.add(stream)
                if self._closed:
                    raise UnobservedError(f"engine {self._label}: the connection is closed")
            yield connection, stream
            keep = connection.sock is not None
        except TimeoutError:
            raise
        except (OSError, HTTPException):
            stream.received()  # while it is open
            raise
        finally:
            with self._lock:
                self._in_use.discard(stream)
                keep = keep and not self._closed
                if keep:
                    self._idle.append(stream)
            if not keep:
                stream.socket.close()

    def _connect_ahead(self, connections: int, ends: float) -> None:
        with suppress(OSError):  # a call reports what is wrong
            for _ in range(connections):
                stream = self._connect(ends)
                with self._lock:
                    self._idle.append(stream)

    def _take_idle(self) -> LimitedStream | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                stream = self._idle.pop()
            poll = select.poll()
            poll.register(stream.socket, select.POLLIN)
            if not poll.poll(0):
                return stream
            stream.socket.close()  # the engine has closed it, or sent something unasked

    def _connect(self, ends: float) -> LimitedStream:
        seconds = ends - time.monotonic()
        if self._where.scheme != "unix":
            return transport.connect_tcp(self._where, seconds, self._tls)
        stream, self.peer = transport.connect_unix(self._where.path, seconds)
        return stream

    def _lost(self, why: str) -> ConnectionLostError:
        return ConnectionLostError(f"engine {self._label}: {why}")


def _size(limit: int) -> str:
    return f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB"
