"""Standard streams never raise, and write nothing that controls a terminal."""

import os
import pty
from collections.abc import Iterator
from threading import Thread

import pytest

from stackproof.process.streams import CLOSED, SafeStream


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:  # a test has closed it
            continue


def _stream(descriptor: int) -> SafeStream:
    template = os.fdopen(os.dup(descriptor), "w", encoding="utf-8")
    with template:
        return SafeStream(descriptor, template)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("plain\n", "plain\n"),
        ("✓ — ·\n", "✓ — ·\n"),
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
        ("\x1b[38;5;196mred\x1b[39;49;00m", "\x1b[38;5;196mred\x1b[39;49;00m"),
        ("\x1b[8mhidden\x1b[0m", "hidden\x1b[0m"),
        ("\x1b[1;8mhidden", "hidden"),
        ("\r\x1b[2Kwaiting", "\r\x1b[2Kwaiting"),
        ("red\rGO", "red\nGO"),
        ("a\x1b[2Jb\x1b[1A", "ab"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x9b31mb\x9d0;t\x9cc", "abc"),
        ("a\u202eb\u2066c\u200bd", "abcd"),
        ("\udcff", "?"),
    ],
)
def test_terminal_sequences_are_removed(pipe: tuple[int, int], text: str, printed: str) -> None:
    stream = _stream(pipe[1])
    assert stream.write(text) == len(text)
    assert stream.failure == ""
    assert os.read(pipe[0], 4096).decode() == printed


def test_a_broken_pipe(pipe: tuple[int, int]) -> None:
    stream = _stream(pipe[1])
    os.close(pipe[0])
    stream.write("lost\n" * 10_000)
    assert stream.failure == "Broken pipe"
    stream.write("lost too")
    stream.flush()


def test_a_full_device() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        stream = _stream(descriptor)
        stream.write("lost")
        assert stream.failure == "No space left on device"
    finally:
        os.close(descriptor)


def test_a_descriptor_that_was_closed(pipe: tuple[int, int]) -> None:
    """Nothing is written to it, because it may belong to another file now."""
    stream = SafeStream(pipe[1], None)
    stream.write("lost")
    assert stream.failure == CLOSED
    os.close(pipe[1])
    assert os.read(pipe[0], 10) == b""


def test_a_slow_reader(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    stream = _stream(pipe[1])
    size, read = 1_000_000, bytearray()

    def take() -> None:
        while len(read) < size:
            read.extend(os.read(pipe[0], 65536))

    reader = Thread(target=take)
    reader.start()
    stream.write("x" * size)
    assert stream.failure == ""
    reader.join()


def test_a_terminal() -> None:
    outer, inner = pty.openpty()
    try:
        assert _stream(inner).isatty()
    finally:
        os.close(outer)
        os.close(inner)
