"""Commands that the lab runs: each has a deadline, and each failure is one line."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class LabError(Exception):
    """The lab cannot do what was asked. The message is for the person who asked."""


def say(message: str) -> None:
    """Tell the person at the terminal what is going on."""
    print(f"lab: {message}", file=sys.stderr, flush=True)


def run(
    *command: str,
    deadline: float,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    errors_too: bool = False,
) -> str:
    """Return what the command prints; fail with its last words when it fails or is too slow."""
    try:
        # A group of its own, so that the deadline ends its children too.
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
        last_words = "; ".join(lines[-2:]) or f"exit code {process.returncode}"
        raise LabError(f"{_name(command)}: {last_words}")
    return output + errors if errors_too else output


def _name(command: tuple[str, ...]) -> str:
    subcommand = next((word for word in command[1:] if not word.startswith("-")), "")
    return f"{Path(command[0]).name} {subcommand}".strip()
