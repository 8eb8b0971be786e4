"""Standard error, where a command says what it has to say: its output is that of the deploy."""

import os
import sys


def say(text: str, end: str = "\n") -> None:
    """Print text. If standard error is closed, full or has no reader, nothing is printed."""
    if sys.stderr is None:
        return
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except OSError:
        # What is left in its buffer would fail again at exit and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def is_terminal() -> bool:
    """Tell whether somebody watches."""
    return sys.stderr is not None and sys.stderr.isatty()
