"""The size limit and the deadline of a call, whatever the engine sends."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from stackproof.deadlines import ENGINE_CALL_SECONDS
from stackproof.engine import client
from stackproof.engine.client import BODY_CAP, EngineClient
from stackproof.engine.connection import Connection, connect, inspect_container
from stackproof.environment.machine import Engine
from stackproof.probes.containers.inspect import add_log_tail, inspect
from stackproof.probes.containers.listing import list_containers
from stackproof.probes.machine import machine
from stackproof.unobserved import UnobservedError
from tests.engine.conftest import Serve
from tests.engine.fake_engine import (
    ID,
    Answer,
    answering,
    fake_engine,
    inspected,
    of_json,
)
from tests.engine.fake_engine import listed as in_list

# How long a call with a shorter deadline may take on a busy machine.
SOON = 10


def _endless(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


def _slowly(part: bytes) -> Iterator[bytes]:
    while True:
        yield part
        time.sleep(0.05)


CHUNKED = {"Transfer-Encoding": "chunked"}
TOO_LONG = r": the response to GET /containers/c0ffee00\w+/json is too long \(more than 512 KiB\)$"


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, partial(_endless, b"[[]," * 4096)),
        (200, {}, partial(_endless, b" " * 65536)),
        (200, {"Content-Length": str(10**12)}, partial(_endless, b"x" * 65536)),
        (200, CHUNKED, partial(_endless, b"1000\r\n" + b"x" * 4096 + b"\r\n")),
        (200, CHUNKED, partial(_endless, b"1;" + b"e" * 60_000 + b"\r\nx\r\n")),
        (200, {f"X-{number}": "y" * 60_000 for number in range(90)}, tuple),
        (200, {"Content-Length": str(BODY_CAP + 1)}, lambda: [b" " * (BODY_CAP + 1)]),
    ],
    ids=["json", "spaces", "length", "chunks", "extensions", "headers", "one-more"],
)
def test_an_endless_response(
    answer: tuple[int, dict[str, str], Callable[[], Iterable[bytes]]],
    served: Serve,
) -> None:
    status, headers, body = answer
    with (
        served(lambda: (status, headers, body())) as (connection, _),
        pytest.raises(UnobservedError, match=TOO_LONG),
    ):
        inspect_container(connection, ID)


def test_the_longest_response(served: Serve) -> None:
    body = b'{"Id": 1' + b" " * (BODY_CAP - 9) + b"}"
    with served(lambda: (200, {}, body)) as (connection, _):
        assert inspect_container(connection, ID).value == {"Id": 1}


def test_a_thousand_containers(served: Serve) -> None:
    """A thousand containers with many labels are within the limit."""
    labels = {f"com.docker.compose.label.{number}": "x" * 60 for number in range(20)}
    containers = [in_list(f"c{number}", Labels=labels) for number in range(1000)]
    with served(lambda: of_json(containers)) as (connection, _):
        assert len(list_containers(connection).containers) == 1000


def test_a_million_containers(served: Serve) -> None:
    def containers() -> Iterator[bytes]:
        yield b"["
        for number in range(1_000_000):
            yield b'{"Id":"%064x","Names":["/c%d"],"State":"running"},' % (number, number)

    with (
        served(lambda: (200, {}, containers())) as (connection, _),
        pytest.raises(UnobservedError, match=r"is too long \(more than 8 MiB\)$"),
    ):
        list_containers(connection)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[" * 1000, "not JSON: recursion limit exceeded"),
        (b'{"a":' * 10_000, "not JSON: recursion limit exceeded"),
        (b"[" + b"[]," * 100_000 + b"1]", "has too many values"),
        (b'{"NCPU": NaN}', "not JSON: expected value"),
        (b'{"NCPU": ' + b"9" * 5000 + b"}", "not JSON: number out of range"),
        (b'{"Name": "\\ud800"}', "not JSON: "),
        (b'{"Name": "\xff"}', "not JSON: "),
        (b"", "not JSON: EOF while parsing"),
        (gzip.compress(b"{}"), "not JSON: expected value"),
    ],
    ids=["deep", "deep-keys", "values", "nan", "digits", "surrogate", "bytes", "empty", "gzip"],
)
def test_invalid_json(body: bytes, message: str, served: Serve) -> None:
    with (
        served(lambda: (200, {}, body)) as (connection, server),
        pytest.raises(UnobservedError) as why,
    ):
        machine.observe(None, connection)
    assert str(why.value).startswith(f"engine {server.address}: the engine's response ")
    assert message in str(why.value)
    assert len(str(why.value).splitlines()) == 1


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "deflate", "br", "zstd", "GZIP"])
def test_a_compressed_response(coding: str, served: Serve) -> None:
    bomb = gzip.compress(bytes(1 << 20))
    with (
        served(lambda: (200, {"Content-Encoding": coding}, bomb)) as (connection, server),
        pytest.raises(UnobservedError, match=r"the response is compressed, which is not accepted$"),
    ):
        machine.observe(None, connection)
    assert {request.headers["accept-encoding"] for request in server.requests} == {"identity"}


@pytest.mark.parametrize(
    "body",
    [
        lambda: _slowly(b"x"),
        lambda: _slowly(b""),
    ],
    ids=["bytes", "nothing"],
)
def test_a_slow_body(
    body: Callable[[], Iterator[bytes]],
    served: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(lambda: (200, {}, body())) as (connection, _):
        monkeypatch.setattr(client, "ENGINE_CALL_SECONDS", 0.5)
        began = time.monotonic()
        with pytest.raises(UnobservedError, match=r": no answer within 0.5 s$"):
            machine.observe(None, connection)
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 ", b""]
)
def test_slow_headers(line: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ENGINE_CALL_SECONDS", 0.5)
    over = Event()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "engine.sock"))
        server.listen()

        def serve() -> None:
            client, _ = server.accept()
            with client, suppress(OSError):
                client.sendall(line)
                while not over.wait(0.02):
                    client.sendall(b"X" if not line.endswith(b"\r\n\r\n") else line)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(UnobservedError, match=r": no answer within 0.5 s$"):
                EngineClient(f"unix://{tmp_path}/engine.sock").list_containers()
        finally:
            over.set()
            thread.join()


def test_an_endless_error_response(served: Serve) -> None:
    with (
        served(lambda: (500, {}, _endless(b"no " * 1000))) as (connection, server),
        pytest.raises(UnobservedError) as why,
    ):
        machine.observe(None, connection)
    assert str(why.value) == f"engine {server.address}: 500 Internal Server Error"


def test_a_long_error_response(served: Serve) -> None:
    with (
        served(lambda: (500, {}, b"no\x1b " * 1000)) as (connection, _),
        pytest.raises(UnobservedError) as why,
    ):
        machine.observe(None, connection)
    assert len(str(why.value)) < 500


@pytest.mark.parametrize("length", ["11", "1000"])
def test_a_truncated_response(length: str, served: Serve) -> None:
    with (
        served(lambda: (200, {"Content-Length": length}, [b'{"NCPU": 1}'[: int(length) - 1]])) as (
            connection,
            _,
        ),
        pytest.raises(
            UnobservedError, match=r"connection was closed within the response$|no answer"
        ),
    ):
        machine.observe(None, connection)


def test_closing_the_connection_ends_a_call(served: Serve) -> None:
    """No thread keeps reading after a gather has ended."""
    reading, message = Event(), []

    def body() -> Iterator[bytes]:
        reading.set()
        yield from _slowly(b" ")

    def ask(connection: Connection) -> None:
        try:
            machine.observe(None, connection)
        except UnobservedError as reason:
            message.append(str(reason))

    with served(lambda: (200, {}, body())) as (connection, server):
        thread = threading.Thread(target=ask, args=(connection,))
        thread.start()
        assert reading.wait(SOON)
        began = time.monotonic()
        connection.close()
        thread.join()
        assert time.monotonic() - began < ENGINE_CALL_SECONDS / 2
        assert len(message) == 1
        with pytest.raises(UnobservedError, match=r": the connection is closed$"):
            machine.observe(None, connection)
        assert len(server.requests) == 2


def test_the_log_of_a_container_is_limited(tmp_path: Path) -> None:
    raw = answering({"/logs": (200, {}, _endless(b"x" * 65536))})

    def answer(path: str) -> Answer:
        if path.endswith(f"{ID}/json"):
            return of_json(inspected("api", RestartCount=3))
        return raw(path)

    with fake_engine(tmp_path, answer) as server:
        connection = connect(Engine(address=server.address))
        inspection = inspect(connection, ID)
        assert inspection
        (message,) = add_log_tail(connection, inspection).log_tail
    assert message.endswith("is too long (more than 1 MiB))")
