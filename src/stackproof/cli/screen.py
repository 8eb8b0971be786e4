"""Messages on standard error: standard output belongs to the command that is watched."""

import os
import sys


def say(text: str, *, start: str = "", end: str = "\n") -> None:
    """Print text on one line. If standard error is closed, full or has no reader, print nothing.

    Args:
        text: anything; sequences that act on a terminal or a CI runner are removed.
        start: printed before it, unchanged, such as a sequence that clears the line.
        end: printed after it, unchanged.
    """
    if sys.stderr is None:
        return
    try:
        # Not at the top: if memory is short, a failing import must not end the command.
        from stackproof.printable import lines, printable

        # Not `one_line`, since columns keep their spaces.
        shown = lines(printable(text).replace("\n", " "))
    except (ImportError, MemoryError):
        shown = ascii(text)
    try:
        print(start + shown, end=end, file=sys.stderr, flush=True)
    except OSError:
        # The rest of its buffer would fail again at exit, and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def is_terminal() -> bool:
    """Return whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()
