"""What is known of a run as a whole: its verdicts, and the outputs that could not be written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from stackproof.exit_codes import EXIT_UNKNOWN, EXIT_USAGE
from stackproof.printable import one_line


@dataclass
class Delivery:
    """The verdict on one environment, and how it reached whoever asked for it."""

    exit_code: int
    written: bool
    """Whether `verdict.json` holds it."""
    printed: bool = False


@dataclass
class RunState:
    """The state of one run, on its config."""

    verdicts: dict[str, Delivery] = field(default_factory=dict)
    """By environment."""
    unwritten: dict[str, str] = field(default_factory=dict)
    """By path of an output: why it could not be written, or removed; one line."""
    obstacles: dict[str, dict[str, str]] = field(default_factory=dict)
    """By environment and id: what makes a verdict of go impossible, though no check says so."""
    replay_of: datetime | None = None
    """When the facts were gathered, where this run replays a snapshot."""
    refusal_code: int = EXIT_USAGE
    """The exit code of a `pytest.UsageError`."""

    def cannot_write(self, path: Path | str, error: Exception, doing: str = "write") -> None:
        """Note an output that could not be written. Its first failure is kept."""
        line = one_line(f"cannot {doing} {path}: {reason(error)}")
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
    """Return what ends a run with exit code 6: nothing is known, and nobody used it wrongly."""
    of(config).refusal_code = EXIT_UNKNOWN
    return pytest.UsageError(why)


def send(config: pytest.Config) -> None:
    """Have a worker of xdist send what it cannot write, at its end, to the process that prints."""
    vars(config)["workeroutput"][_WORKER_OUTPUT] = of(config).unwritten


def receive(config: pytest.Config, output: Mapping[str, object]) -> None:
    """Take what a worker sent."""
    sent = output.get(_WORKER_OUTPUT)
    for path, line in sent.items() if isinstance(sent, dict) else ():
        of(config).unwritten.setdefault(str(path), str(line))


def reason(error: BaseException) -> str:
    """Return an error in one line: the words of the system where it has some."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return one_line(words) or type(error).__name__
