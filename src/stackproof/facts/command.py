"""Results of commands in containers."""

import re

from stackproof.frozen import Frozen

_OBSERVED_CAP = 500
_ERROR = re.compile(r"^.*\b(?:error|fatal)\b.*$", re.IGNORECASE | re.MULTILINE)


class CommandResult(Frozen):
    """The result of a command in a container."""

    command: str
    exit_code: int | None
    """None if there was no running container."""
    output: str
    """Standard output and standard error, capped; or why there was no running container."""
    timed_out: bool = False

    @property
    def last_line(self) -> str:
        """Return the last line of the output; empty if there is no output."""
        return (self.output.splitlines() or [""])[-1]

    @property
    def observed(self) -> str:
        """Return the result in one line."""
        if self.timed_out:
            return "no answer in time"
        return self.last_line[:_OBSERVED_CAP] or "no output"

    @property
    def error(self) -> str:
        """Return the first line that names an error; advice may follow it."""
        found = None if self.timed_out else _ERROR.search(self.output)
        return found[0][:_OBSERVED_CAP] if found else self.observed
