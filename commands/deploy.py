"""The command that is watched: it has the terminal to itself, and gets the signals that we get."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

# What a command may take to clean up once it was interrupted: compose gives containers ten seconds.
GRACE_SECONDS = 30
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A signal to a whole group reaches us twice where whoever started us passes it on too.
_SAME_INTERRUPT_SECONDS = 1


class CommandError(Exception):
    """The command cannot be run; one line says why."""


class Deploy:
    """Runs a command and passes on interrupts.

    At a terminal it stays in our process group: it can ask for a password, and Ctrl-C reaches all
    of it by itself. Elsewhere it gets a group of its own, which the signals are sent to whole.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Know the command, which is not yet run."""
        self.interrupted_by: int | None = None
        """The signal that we got."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._at_terminal = _at_terminal()
        self._interrupted_at = 0.0
        self._forwarded = False

    def start(self) -> None:
        """Run it, with our own input and output.

        Raises:
            CommandError: it cannot be run.
        """
        group = None if self._at_terminal else 0
        try:
            self._process = subprocess.Popen(self._command, process_group=group)  # noqa: S603
        except OSError as error:
            raise CommandError(f"{self._command[0]} cannot be run: {error.strerror}") from None
        if self.interrupted_by and not self._forwarded:
            self._send(self.interrupted_by)  # it came while the process was being made

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None where it has none yet; a signal's number is counted from 128."""
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
    def passing_signals_on(self) -> Iterator[None]:
        """Keep interrupts from ending us, and pass each on to the command."""
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
    """Whether we are what a terminal's keys reach."""
    for stream in range(3):
        with suppress(OSError):
            return os.tcgetpgrp(stream) == os.getpgrp()
    return False
