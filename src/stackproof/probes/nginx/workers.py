"""nginx's worker processes."""

from datetime import UTC, datetime

from stackproof.facts.command import CommandResult
from stackproof.facts.proxy import Worker
from stackproof.unobserved import UnobservedError

# Not the engine's `top`: its `ps` counts in whole seconds, and a reload takes a tenth of one.
# `read` starts no process; `cat` would for each of them.
SCRIPT = r"""
date +%s.%N; cat /proc/uptime
for process in /proc/[0-9]*; do
  read -r program <$process/comm
  case $program in nginx*)
    read -r title <$process/cmdline; read -r stat <$process/stat
    printf '%s | %s\n' "$title" "$stat";;
  esac
done 2>/dev/null
"""
_TICKS = 100  # a second, on every Linux that runs containers
_STATE_FIELD, _STARTED_FIELD = 0, 19  # of /proc/PID/stat, after the name


def parse_workers(result: CommandResult) -> tuple[Worker, ...]:
    """Parse the workers, including those that shut down.

    Raises:
        UnobservedError: the output cannot be parsed.
    """
    try:
        date, uptime, *processes = result.output.splitlines()
        # If `date` has no fractions, the end of the second: rather late than a false alarm.
        now = float(date) if date.rpartition(".")[2].isdigit() else int(date.partition(".")[0]) + 1
        booted = now - float(uptime.split()[0])
        return tuple(
            Worker(
                started_at=datetime.fromtimestamp(
                    booted + int(fields[_STARTED_FIELD]) / _TICKS, UTC
                ),
                shutting_down="shutting down" in title,
                stopped=fields[_STATE_FIELD] == "T",
            )
            for title, _, stat in (each.partition(" | ") for each in processes)
            if title.startswith("nginx: worker process")
            for fields in [stat.rpartition(") ")[2].split()]
        )
    except (ValueError, IndexError, OverflowError, OSError):
        raise UnobservedError("the processes in nginx's container cannot be read") from None
