"""The wire to a server that is far away: what it delays, counts, withholds and breaks."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from benchmarks.wire import Wire, wired

ROUND_TRIP_S = 0.2


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[str, int]]:
    """Greets each client, then says again what it says."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_accept, args=(server,), daemon=True).start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        Thread(target=_echo, args=(client,), daemon=True).start()


def _echo(client: socket.socket) -> None:
    with client:
        client.sendall(b"hello\n")
        while data := client.recv(1000):
            client.sendall(data)


@contextmanager
def _client(wire: Wire) -> Iterator[socket.socket]:
    with socket.create_connection((wire.host, wire.port), timeout=10) as client:
        yield client


def _ask(client: socket.socket, text: bytes, due: int) -> bytes:
    client.sendall(text)
    said = b""
    while len(said) < due:
        said += client.recv(1000)
    return said


def test_each_question_that_follows_an_answer_takes_a_round_trip(echo: tuple[str, int]) -> None:
    began = time.monotonic()
    with wired(echo, ROUND_TRIP_S) as wire, _client(wire) as client:
        assert client.recv(1000) == b"hello\n"
        assert wire.round_trips == 2  # to connect, then to be greeted
        for number in range(3):
            assert _ask(client, b"%d" % number, 1) == b"%d" % number
        moment = time.time()
        assert _ask(client, b"4", 1) == b"4"
        assert (wire.round_trips_before(moment), wire.round_trips) == (5, 6)
        assert (wire.connections, wire.received) == (1, len("hello\n0124"))
    assert time.monotonic() - began >= 6 * ROUND_TRIP_S


def test_questions_side_by_side_take_one(echo: tuple[str, int]) -> None:
    with wired(echo, ROUND_TRIP_S) as wire, _client(wire) as client:
        client.recv(1000)
        for _ in range(9):
            client.sendall(b"word ")
        _ask(client, b"word ", 50)
        assert wire.round_trips == 3


def test_connections_side_by_side_take_as_long_as_one(echo: tuple[str, int]) -> None:
    with wired(echo, ROUND_TRIP_S) as wire, _client(wire) as one, _client(wire) as two:
        assert (one.recv(1000), two.recv(1000)) == (b"hello\n", b"hello\n")
        assert (wire.connections, wire.round_trips) == (2, 2)


def test_the_end_of_what_a_client_says_passes(echo: tuple[str, int]) -> None:
    with wired(echo) as wire, _client(wire) as client:
        client.sendall(b"bye")
        client.shutdown(socket.SHUT_WR)
        said = b""
        while data := client.recv(1000):
            said += data
        assert said == b"hello\nbye"


def test_after_so_many_bytes_nothing_passes(echo: tuple[str, int]) -> None:
    with wired(echo, stall_after=8) as wire, _client(wire) as client:
        assert _ask(client, b"0123456789", 8) == b"hello\n01"
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):  # neither more, nor an end
            client.recv(1000)
        assert wire.received == 8


def test_cut_connections_end_and_new_ones_accepted(echo: tuple[str, int]) -> None:
    with wired(echo) as wire:
        with _client(wire) as client:
            client.recv(1000)
            wire.cut()
            assert client.recv(1000) == b""
        with _client(wire) as client:
            assert client.recv(1000) == b"hello\n"
        assert wire.connections == 2


def test_a_server_that_refuses(echo: tuple[str, int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = closed.getsockname()
    with wired(nowhere) as wire, _client(wire) as client:
        assert client.recv(1000) == b""
