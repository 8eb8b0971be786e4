"""The one line that is drawn again and again at a terminal while a command is watched."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence

from commands.screen import is_terminal, say
from fixtures.probing import Probe

_EVERY_SECONDS = 0.25
_CLEAR = "\x1b[2K"


class LiveLine:
    """Says how it goes, on standard error, and only where that is a terminal.

    The cursor is left at the start of the line, so that what the command prints goes over it.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        """Know where probes come in."""
        self._probes = probes
        self._shown = is_terminal()
        self._began = self._drawn = time.monotonic()
        self._read = 0
        self._failed: Counter[str] = Counter()
        self._down: dict[str, float] = {}

    def draw(self, phase: str) -> None:
        """Draw it anew, where the last time is long enough ago."""
        now = time.monotonic()
        if not self._shown or now - self._drawn < _EVERY_SECONDS:
            return
        self._drawn = now
        self._catch_up()
        parts = [f"{now - self._began:.0f} s", phase, f"{self._read} requests"]
        if failed := self._failed.total():
            parts.append(f"{failed} failed ({', '.join(sorted(self._failed))})")
        for route, since in self._down.items():
            parts.append(f"{route} down for {now - since:.1f} s")
        text = (" · " if _takes("·") else ", ").join(parts)
        say(text[: shutil.get_terminal_size().columns - 1], start=_CLEAR, end="\r")

    def clear(self) -> None:
        """Take it away."""
        if self._shown:
            say("", start=_CLEAR, end="")

    def _catch_up(self) -> None:
        while self._read < len(self._probes):
            probe = self._probes[self._read]
            self._read += 1
            if probe.right:
                self._down.pop(probe.route, None)
            elif probe.wrong:
                self._failed[probe.route] += 1
                self._down.setdefault(probe.route, probe.sent)


def _takes(text: str) -> bool:
    try:
        text.encode(sys.stderr.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True
