"""The state of a run: its verdicts, and the outputs that could not be written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from stackproof.outcome import EXIT_UNKNOWN, EXIT_USAGE
from stackproof.printable import error_line, one_line


@dataclass
class Delivery:
    """The verdict on one environment, and whether it was written and printed."""

    exit_code: int
    written: bool
    """Whether it is in `verdict.json`."""
    printed: bool = False


@dataclass
class RunState:
    """The state of one run, on its config."""

    verdicts: dict[str, Delivery] = field(default_factory=dict)
    """By environment."""
    unwritten: dict[str, str] = field(default_factory=dict)
    """By the path of an output: why it could not be written or removed; one line."""
    obstacles: dict[str, dict[str, str]] = field(default_factory=dict)
    """By environment and id: why the verdict cannot be go, although no check failed."""
    replay_of: datetime | None = None
    """When the facts were gathered; None unless the run replays a snapshot."""
    refusal_code: int = EXIT_USAGE
    """The exit code of a `pytest.UsageError`."""

    def cannot_write(self, path: Path | str, error: Exception, doing: str = "write") -> None:
        """Note an output that could not be written. Only its first failure is kept."""
        line = one_line(f"cannot {doing} {path}: {error_line(error)}")
        self.unwritten.setdefault(str(path), line)

    def obstruct(self, environment: str, name: str, why: str) -> None:
        """Make the verdict on an environment UNKNOWN, unless it is no-go."""
        self.obstacles.setdefault(environment, {})[name] = why


_STATE = pytest.StashKey[RunState]()
_WORKER_OUTPUT = "stackproof_unwritten"


def of(config: pytest.Config) -> RunState:
    """Return the state of the run."""
    return config.stash.setdefault(_STATE, RunState())


def nothing_verified(config: pytest.Config, why: str) -> pytest.UsageError:
    """Return an exception that ends the run with exit code 6: nothing was verified."""
    of(config).refusal_code = EXIT_UNKNOWN
    return pytest.UsageError(why)


def send(config: pytest.Config) -> None:
    """Send the failures to write of an xdist worker to the process that prints them."""
    vars(config)["workeroutput"][_WORKER_OUTPUT] = of(config).unwritten


def receive(config: pytest.Config, output: Mapping[str, object]) -> None:
    """Note the failures to write that a worker sent."""
    sent = output.get(_WORKER_OUTPUT)
    for path, line in sent.items() if isinstance(sent, dict) else ():
        of(config).unwritten.setdefault(str(path), str(line))
