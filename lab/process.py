"""Commands that the lab runs. Each has a deadline, and each error is one line."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class LabError(Exception):
    """An error whose message is for the user of the lab."""


def say(message: str) -> None:
    """Print a progress message to standard error."""
    print(f"lab: {message}", file=sys.stderr, flush=True)


def run(
    *command: str,
    deadline: float,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    errors_too: bool = False,
) -> str:
    """Run a command; return its output.

    Raises:
        LabError: it failed or took too long. The message has the last lines that it printed.
    """
    try:
        # In its own process group, so that the deadline ends its children too.
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", env=environment, cwd=directory, process_group=0,
        )  # fmt: skip
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed") from None
    with process:
        try:
            output, errors = process.communicate(timeout=deadline)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise LabError(f"{_name(command)}: no answer within {deadline:g} s") from None
            raise
    if process.returncode != 0:
        lines = (errors or output).strip().splitlines()
        last_lines = "; ".join(lines[-2:]) or f"exit code {process.returncode}"
        raise LabError(f"{_name(command)}: {last_lines}")
    return output + errors if errors_too else output


def _name(command: tuple[str, ...]) -> str:
    subcommand = next((word for word in command[1:] if not word.startswith("-")), "")
    return f"{Path(command[0]).name} {subcommand}".strip()
