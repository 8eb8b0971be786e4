"""A line on the terminal that shows the progress of a watch."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence

from stackproof.cli.screen import is_terminal, say
from stackproof.deploy.prober import Sample

_INTERVAL_SECONDS = 0.25
_CLEAR = "\x1b[2K"


class LiveLine:
    """The progress of a watch, on standard error if that is a terminal.

    The cursor stays at the start of the line: the output of the command overwrites it.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        """Show the progress of a growing list of requests."""
        self._samples = samples
        self._shown = is_terminal()
        self._began = self._drawn = time.monotonic()
        self._read = 0
        self._failed: Counter[str] = Counter()
        self._down: dict[str, float] = {}

    def draw(self, phase: str) -> None:
        """Redraw the line, if the last time was long enough ago."""
        now = time.monotonic()
        if not self._shown or now - self._drawn < _INTERVAL_SECONDS:
            return
        self._drawn = now
        self._catch_up()
        parts = [f"{now - self._began:.0f} s", phase, f"{self._read} requests"]
        if failed := self._failed.total():
            parts.append(f"{failed} failed ({', '.join(sorted(self._failed))})")
        for route, since in self._down.items():
            parts.append(f"{route} down for {now - since:.1f} s")
        text = (" · " if _can_print("·") else ", ").join(parts)
        say(text[: shutil.get_terminal_size().columns - 1], start=_CLEAR, end="\r")

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            say("", start=_CLEAR, end="")

    def _catch_up(self) -> None:
        while self._read < len(self._samples):
            sample = self._samples[self._read]
            self._read += 1
            if sample.succeeded:
                self._down.pop(sample.route, None)
            elif sample.failure:
                self._failed[sample.route] += 1
                self._down.setdefault(sample.route, sample.sent)


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stderr.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True
