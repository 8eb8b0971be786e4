"""A stream of server-sent events: whether its first ones arrive while the response goes on."""

import gzip
import socket
import zlib

import pytest

from stackproof.deadlines import ROUTE_SECONDS
from stackproof.facts.response import Response, StreamState
from stackproof.probes.http import client
from stackproof.probes.http.client import event_stream
from tests.probes.http.raw_server import SECONDS, Handler, drip, flood, request, respond

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
OPEN = HEAD + b"Connection: close\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EVENT = b"event: a\ndata: 1\n\n"
FOREVER = 60


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _sends(*parts: bytes) -> Handler:
    """Send parts at once and end the response."""
    return lambda connection: connection.sendall(b"".join(parts))


def _stays(*parts: bytes) -> Handler:
    """Send parts at once, and then nothing, until the client leaves."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(b"".join(parts))
        connection.settimeout(FOREVER)
        connection.recv(1)

    return handle


def _stream(handle: Handler) -> Response:
    return request(handle, stream=True)


@pytest.mark.parametrize("ends", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("head", [OPEN, CHUNKED], ids=["to the end", "chunked"])
def test_events_while_the_response_goes_on(head: bytes, ends: bytes) -> None:
    event = b"data: 1" + ends
    response = _stream(_stays(head, _chunk(event) if head is CHUNKED else event))
    assert (response.status, response.error, response.stream) == (200, None, "open")
    assert response.body == event.decode()


def test_a_compressed_stream() -> None:
    packer = zlib.compressobj(wbits=31)
    event = packer.compress(EVENT) + packer.flush(zlib.Z_SYNC_FLUSH)
    head = OPEN.replace(b"Connection", b"Content-Encoding: gzip\r\nConnection")
    assert _stream(_stays(head, event)).stream == "open"
    assert _stream(_sends(head, gzip.compress(EVENT))).stream == "ended"


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ROUTE_SECONDS", SECONDS)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(
    ("handle", "state", "body"),
    [
        (_stays(OPEN), "silent", ""),
        (_stays(OPEN, b"data: 1\n"), "silent", "data: 1\n"),
        # What fits into the buffer of a proxy.
        (_stays(OPEN, EVENT * 99, b"event"), "silent", EVENT.decode() * 99 + "event"),
        (drip(OPEN), "silent", None),
        (_sends(OPEN), "ended", ""),
        (_sends(OPEN, b"data: 1\n"), "ended", "data: 1\n"),
        (_sends(OPEN, EVENT, EVENT), "ended", EVENT.decode() * 2),
        (_sends(CHUNKED, _chunk(EVENT), _chunk(EVENT), _chunk(b"")), "ended", EVENT.decode() * 2),
    ],
    ids=[
        "headers only", "half an event", "a full buffer", "a byte at a time", "empty",
        "an end in an event", "an end after events", "an end of chunks",
    ],
)  # fmt: skip
def test_a_stream_that_is_none(handle: Handler, state: StreamState, body: str | None) -> None:
    response = _stream(handle)
    assert (response.status, response.error, response.stream) == (200, None, state)
    assert body is None or response.body == body
    assert len(response.body) <= 64 * 1024


@pytest.mark.parametrize(
    "handle",
    [
        flood(OPEN, b"data: 1\n"),
        flood(OPEN, EVENT),
        flood(CHUNKED, _chunk(EVENT)),
    ],
    ids=["one event", "events", "chunks"],
)
def test_a_flood(handle: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    # It takes longer where the machine is busy.
    monkeypatch.setattr(event_stream, "_PAUSE_SECONDS", ROUTE_SECONDS)
    response = _stream(handle)
    assert (response.status, response.error, response.stream) == (200, None, "overlong")
    assert len(response.body) <= 64 * 1024


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(
    ("handle", "error"),
    [
        (drip(b""), "no complete answer within 0.3 s"),
        (_stays(b""), "no answer within 0.3 s"),
        (_sends(CHUNKED, _chunk(EVENT)), "peer closed connection without sending complete"),
        (_sends(CHUNKED, b"garbage\r\n"), "illegal chunk header"),
        (_sends(b"garbage\r\n\r\n"), "illegal status line"),
        (
            _stays(OPEN.replace(b"Connection", b"Content-Encoding: gzip\r\nConnection"), EVENT),
            "Error -3 while decompressing data",
        ),
    ],
    ids=["dripping headers", "silence", "a cut", "garbage in chunks", "garbage", "no gzip"],
)
def test_a_response_that_is_none(handle: Handler, error: str) -> None:
    response = _stream(handle)
    assert response.status is None
    assert response.stream is None
    assert (response.error or "").startswith(error)


def test_an_error_page_is_read_as_a_page() -> None:
    page = b"<h1>502 Bad Gateway</h1>"
    response = _stream(respond(page, "502 Bad Gateway"))
    assert (response.status, response.stream, response.body) == (502, None, page.decode())
    moved = respond(b"", "302 Found", Location="/")
    assert (_stream(moved).status, _stream(moved).stream) == (302, None)
