"""Requests to datastores over TCP: what ends a reply, and what becomes of one that does not end."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import pytest

from stackproof.facts.reply import Reply
from stackproof.kinds.registry import Request
from stackproof.probes.containers import exchanges
from stackproof.probes.http.connections import connect

Handler = Callable[[socket.socket], object]


@contextmanager
def serving(handle: Handler) -> Iterator[int]:
    """Serve one connection; return the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    handle(connection)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
    thread.join(10)


def asked(handle: Handler) -> Reply:
    with serving(handle) as port:
        return exchanges.ask(Request(port, b"stats\r\n", b"END\r\n", "stats"), "127.0.0.1", connect)


def sends(*parts: bytes) -> Handler:
    def handle(connection: socket.socket) -> None:
        assert connection.recv(100) == b"stats\r\n"
        for part in parts:
            connection.sendall(part)
            time.sleep(0.01)

    return handle


def test_a_reply_in_parts() -> None:
    reply = asked(sends(b"STAT pid 1\r\nEN", b"D\r", b"\n"))
    assert (reply.text, reply.error) == ("STAT pid 1\r\nEND\r\n", "")
    assert reply.sent == "stats"
    assert reply.address.startswith("127.0.0.1:")


def test_bytes_that_are_no_text() -> None:
    assert asked(sends(b"\xff\xce END\r\n")).text == "\\xff\\xce END\r\n"


def test_a_connection_that_ends_early() -> None:
    reply = asked(sends(b"ERROR Too many open connections\r\n"))
    assert (reply.text, reply.error) == (
        "ERROR Too many open connections\r\n", "the connection ended",
    )  # fmt: skip


def test_no_reply_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "EXCHANGE_SECONDS", 0.2)
    reply = asked(lambda connection: connection.recv(100) and connection.recv(100))
    assert (reply.text, reply.error) == ("", "no answer in time")


def test_a_reply_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is for the whole reply, not for each read."""
    monkeypatch.setattr(exchanges, "EXCHANGE_SECONDS", 0.3)

    def drip(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    began = time.monotonic()
    reply = asked(drip)
    assert (reply.text.strip("x"), reply.error) == ("", "no answer in time")
    assert time.monotonic() - began < 2


def test_an_endless_reply() -> None:
    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x" * 10000)

    reply = asked(flood)
    assert (len(reply.text), reply.error) == (exchanges.REPLY_CAP, "the reply is too long")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    reply = exchanges.ask(Request(port, b"stats\r\n", b"END\r\n", "stats"), "127.0.0.1", connect)
    assert (reply.text, reply.error) == ("", "connection refused")
