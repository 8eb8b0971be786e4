"""Standard error, where a command says what it has to say: its output is that of the deploy."""

import os
import sys

from stackproof.printable import printable


def say(text: str, *, start: str = "", end: str = "\n") -> None:
    """Print text on one line. If standard error is closed, full or has no reader, print nothing.

    Args:
        text: may hold anything; what acts on a terminal is left out.
        start: of ours, such as what clears the line.
        end: of ours.
    """
    if sys.stderr is None:
        return
    try:
        print(start + " ".join(printable(text).splitlines()), end=end, file=sys.stderr, flush=True)
    except OSError:
        # What is left in its buffer would fail again at exit and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def is_terminal() -> bool:
    """Tell whether somebody watches."""
    return sys.stderr is not None and sys.stderr.isatty()
