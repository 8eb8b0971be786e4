"""Standard error, where a command says what it has to say: its output is that of the deploy."""

import os
import sys


def say(text: str, *, start: str = "", end: str = "\n") -> None:
    """Print text on one line. If standard error is closed, full or has no reader, print nothing.

    Args:
        text: may hold anything; what acts on a terminal or a CI runner is left out.
        start: of ours, such as what clears the line.
        end: of ours.
    """
    if sys.stderr is None:
        return
    try:
        # Not at the top: where memory is short, an import that fails must not end the command.
        from stackproof.printable import lines, printable

        # Not `one_line`, since columns keep their spaces.
        shown = lines(printable(text).replace("\n", " "))
    except (ImportError, MemoryError):
        shown = ascii(text)
    try:
        print(start + shown, end=end, file=sys.stderr, flush=True)
    except OSError:
        # What is left in its buffer would fail again at exit and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def is_terminal() -> bool:
    """Tell whether somebody watches."""
    return sys.stderr is not None and sys.stderr.isatty()
