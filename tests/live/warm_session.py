"""A process that has collected the suites, and verifies the stack whenever it is asked to.

Starting, importing and collecting takes as long as verifying, and each live fault is verified three
times. Probes, checks and hooks are those of a run; a live test compares the two.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from uuid import uuid4

import pytest

from stackproof.environment.loader import load
from stackproof.fixtures.session.facts.store import STORE
from stackproof.frozen import Frozen
from stackproof.probes.gather import gather
from stackproof.probes.snapshot import Snapshot
from tests.faults.replay import Replay, judge

ROOT = Path(__file__).parents[2]


class Observation(Frozen):
    """The facts of one verification, and its results."""

    facts: Snapshot
    replay: Replay


class WarmSession(NamedTuple):
    """The process, as its parent uses it."""

    asks: IO[str]
    answers: IO[str]

    def observe(self, environment: str) -> Observation:
        print(environment, file=self.asks, flush=True)
        answer = self.answers.readline()
        assert answer, "the process has ended"
        return Observation.model_validate_json(answer)


@contextmanager
def start(*environments: str) -> Iterator[WarmSession]:
    """Start the process, and end it."""
    # The lab's development stack, not the developer's own one.
    here = {name: value for name, value in os.environ.items() if not name.startswith("DEV_DEPLOY_")}
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.live.warm_session", str(writing), *environments],
        cwd=ROOT, env=here, stdin=subprocess.PIPE, stdout=sys.stderr, text=True,
        pass_fds=[writing],
    )  # fmt: skip
    os.close(writing)
    with process, os.fdopen(reading, encoding="utf-8") as answers:
        assert process.stdin
        yield WarmSession(process.stdin, answers)
        process.stdin.close()


class _Plugin:
    def __init__(self, answers: IO[str]) -> None:
        self._answers = answers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        needs = session.config.stash[STORE].needs
        for line in sys.stdin:
            # Loaded each time: a fault can change the values of the lab's variables.
            environment = load(line.strip(), ROOT / "environments")
            facts = gather(environment, needs[environment.name], uuid4().hex)
            observation = Observation(facts=facts, replay=judge(session, facts))
            print(observation.model_dump_json(), file=self._answers, flush=True)
        return True


def _main(answers: str, *environments: str) -> int:
    with os.fdopen(int(answers), "w", encoding="utf-8") as file:
        return pytest.main(
            ["--collect-only", "-qqq", "-m", " or ".join(environments), "--capture=no"],
            plugins=[_Plugin(file)],
        )


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
