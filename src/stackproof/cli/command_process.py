"""The process of the command that is watched: it uses our terminal, and gets our signals."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

# How long an interrupted command may take to clean up: Compose gives containers ten seconds.
GRACE_SECONDS = 30
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A signal to a process group reaches us twice if our parent forwards it as well.
_SAME_INTERRUPT_SECONDS = 1


class CommandError(Exception):
    """The command cannot be run; the message is one line."""


class CommandProcess:
    """A command that gets the signals that interrupt us.

    On a terminal it stays in our process group: it can prompt for a password, and Ctrl-C reaches
    all its processes. Elsewhere it gets its own group, and signals are sent to the whole group.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Prepare to run a command."""
        self.interrupted_by: int | None = None
        """The signal that interrupted us."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._at_terminal = _at_terminal()
        self._interrupted_at = 0.0
        self._forwarded = False

    def start(self) -> None:
        """Start the command with our input and output.

        Raises:
            CommandError: the command cannot be run.
        """
        group = None if self._at_terminal else 0
        try:
            self._process = subprocess.Popen(self._command, process_group=group)  # noqa: S603
        except OSError as error:
            raise CommandError(f"{self._command[0]} cannot be run: {error.strerror}") from None
        if self.interrupted_by and not self._forwarded:
            self._send(self.interrupted_by)  # it came while the process was starting

    def wait(self, seconds: float) -> int | None:
        """Return the exit code, 128 plus the signal that ended it, or None if it still runs."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            if self.interrupted_by and time.monotonic() - self._interrupted_at > GRACE_SECONDS:
                self._send(signal.SIGKILL)
            return None
        return code if code >= 0 else 128 - code

    @contextmanager
    def forwarding_signals(self) -> Iterator[None]:
        """Forward interrupts to the command instead of being interrupted."""
        before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.interrupted_by is None:
            self.interrupted_by, self._interrupted_at = number, now
        elif now - self._interrupted_at < _SAME_INTERRUPT_SECONDS:
            return
        if not (self._at_terminal and number == signal.SIGINT):
            self._send(number)

    def _send(self, number: int) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._forwarded = True
        with suppress(ProcessLookupError):
            if self._at_terminal:
                self._process.send_signal(number)
            else:
                os.killpg(self._process.pid, number)


def _at_terminal() -> bool:
    """Return whether we are in the foreground of a terminal."""
    for stream in range(3):
        with suppress(OSError):
            return os.tcgetpgrp(stream) == os.getpgrp()
    return False
