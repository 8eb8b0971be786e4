"""Progress of a wait: one line that is redrawn on a terminal, or a few plain lines elsewhere."""

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from stackproof.printable import one_line

QUIET_POLLS = 2
"""A stack that has already settled takes two polls, and nothing is printed for it."""
PLAIN_INTERVAL_SECONDS = 5
"""Between two plain lines, where nothing can be redrawn."""


class Progress:
    """Prints the progress of a wait to a stream."""

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Print to a stream that is not captured, by default standard error."""
        self._stream = stream or sys.stderr
        self._clock = clock
        self._calls = 0
        self._printed_at: float | None = None
        self._open = False

    def report(self, waits_for: str, elapsed_s: float, limit_s: float) -> None:
        """Print what is pending, and for how long already."""
        self._calls += 1
        if self._calls < QUIET_POLLS:
            return
        pending = waits_for or "a second good poll"
        line = one_line(f"waiting for {pending}: {elapsed_s:.0f} of {limit_s:.0f} s")
        now = self._clock()
        if self._stream.isatty():
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r\x1b[2K{line[:width]}")
            self._open = True
        elif self._printed_at is None or now - self._printed_at >= PLAIN_INTERVAL_SECONDS:
            self._printed_at = now
            self._write(f"{line}\n")

    def end(self) -> None:
        """Remove the line from the terminal."""
        if self._open:
            self._write("\r\x1b[2K")
            self._open = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
