"""A local process whose time and output are limited."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

_CHUNK = 64 * 1024


class TooSlowError(Exception):
    """The process did not end in time."""


class TooMuchError(Exception):
    """The process printed more than the limit."""


def run(
    command: Sequence[str],
    seconds: float,
    limit: int,
    variables: Mapping[str, str] | None = None,
) -> tuple[int, bytes, bytes]:
    """Run a command without input; return its exit code, its output and its errors.

    Args:
        command: an argument vector.
        seconds: how long it may run, with every process that keeps its output open.
        limit: how many bytes each of the two streams may have.
        variables: its environment variables; None for those of this process.

    Raises:
        TooSlowError: it took longer. It is killed together with its child processes.
        TooMuchError: it printed more. It is killed as well.
        OSError: it could not be started.
    """
    ends = time.monotonic() + seconds
    process = subprocess.Popen(  # noqa: S603 - an argument vector, no shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, env=variables,
    )  # fmt: skip
    assert process.stdout  # noqa: S101 - for types
    assert process.stderr  # noqa: S101
    with process.stdout, process.stderr:
        try:
            printed = _read((process.stdout, process.stderr), ends, limit)
            return process.wait(max(0, ends - time.monotonic())), *printed
        except subprocess.TimeoutExpired:
            raise TooSlowError from None
        finally:
            # The whole group: otherwise a plugin of `docker` would keep running.
            with suppress(ProcessLookupError, PermissionError):
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read(streams: Sequence[IO[bytes]], ends: float, limit: int) -> tuple[bytes, bytes]:
    printed = {stream: bytearray() for stream in streams}
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            left = ends - time.monotonic()
            if left <= 0:
                raise TooSlowError
            for key, _ in selector.select(left):
                part = os.read(key.fd, _CHUNK)
                if not part:
                    selector.unregister(key.fileobj)
                printed[key.fileobj] += part  # type: ignore[index]
                if len(printed[key.fileobj]) > limit:  # type: ignore[index]
                    raise TooMuchError
    output, errors = printed.values()
    return bytes(output), bytes(errors)
