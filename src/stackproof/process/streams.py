"""Standard streams that never raise, and that write no control characters to a terminal."""

import errno
import io
import os
import re
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from stackproof.printable import inert, printable

CLOSED = "it is closed"
"""The failure of a stream whose descriptor was closed at the start of the process."""
_NAMES = {1: "stdout", 2: "stderr"}
# What pytest and our progress line print: colours (none that hides text), and a carriage return at
# the start of a text.
_OWN_SEQUENCES = re.compile(r"(\A\r(?:\x1b\[2K)?|\x1b\[(?!(?:[0-9;]{0,16};)?0?8[;m])[0-9;]{0,16}m)")


class SafeStream(io.TextIOWrapper):
    """A text stream on a file descriptor.

    The first failure to write is kept in `failure`. What is written after it is discarded.
    """

    def __init__(self, descriptor: int, template: TextIO | None) -> None:
        """Write to a descriptor with the encoding and the buffering of the stream it replaces.

        Args:
            descriptor: the file descriptor, 1 or 2.
            template: the stream that is replaced; None if the descriptor was closed.
        """
        self._raw = _Descriptor(descriptor, CLOSED if template is None else "")
        super().__init__(
            io.BufferedWriter(self._raw),  # type: ignore[type-var]
            encoding=template.encoding if template else "utf-8",
            errors="backslashreplace",
            line_buffering=bool(template and template.line_buffering) or descriptor == 2,
            write_through=bool(getattr(template, "write_through", False)),
        )

    @property
    def failure(self) -> str:
        """Why something could not be written; empty where everything was."""
        with suppress(ValueError):  # the stream is closed
            self.flush()
        return self._raw.failure

    def write(self, text: str) -> int:
        """Write a text without what acts on a terminal; return the length that was given."""
        with suppress(ValueError):
            # Our own commands to a CI runner go to standard output.
            super().write(inert(_clean(text)) if self._raw.fileno() == 2 else _clean(text))
        return len(text)


class _Descriptor(io.RawIOBase):
    def __init__(self, descriptor: int, failure: str) -> None:
        self._descriptor = descriptor
        self.failure = failure

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return not self.failure and os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: "memoryview[int]") -> int:  # type: ignore[override]
        rest = memoryview(data)
        while rest and not self.failure:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.failure = os.strerror(error.errno or errno.EIO)
        return len(data)


def guard() -> None:
    """Replace standard output and error, and open the closed ones of descriptors 0 to 2.

    A closed descriptor would be given to the next file that is opened, and what is printed would
    end up in that file. Streams that are no descriptors, as those of a test, are left alone.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    for descriptor, name in _NAMES.items():
        stream = getattr(sys, name)
        if stream is None or (
            _descriptor_of(stream) == descriptor and type(stream) is not SafeStream
        ):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
            safe = SafeStream(descriptor, stream)
            setattr(sys, name, safe)
            if stream is None:
                setattr(sys, f"__{name}__", safe)


def failure(stream: object) -> str:
    """Return why a stream could not be written; empty if it could, or is not a `SafeStream`."""
    return stream.failure if isinstance(stream, SafeStream) else ""


def _descriptor_of(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _clean(text: str) -> str:
    if text.isascii() and text.replace("\n", " ").isprintable():
        return text
    parts = _OWN_SEQUENCES.split(text)
    parts[::2] = map(printable, parts[::2])
    return "".join(parts)
