"""A process that has collected the suites, and looks at the stack each time that it is asked to.

To start, import and collect takes as long as to look, and the live faults look three times each.
The looks, the checks and the hooks are those of a run, and a live test holds the two together.
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

from environments.declared import Frozen
from environments.loader import load
from fixtures.facts import Facts
from fixtures.gather import gather
from fixtures.snapshot import STORE
from tests.faults.replay import Replay, judge

ROOT = Path(__file__).parents[2]


class Look(Frozen):
    """What one look saw, and what the checks make of it."""

    facts: Facts
    came_to: Replay


class Looker(NamedTuple):
    """The process, from outside."""

    asks: IO[str]
    answers: IO[str]

    def look(self, environment: str) -> Look:
        print(environment, file=self.asks, flush=True)
        answer = self.answers.readline()
        assert answer, "the process that looks has ended"
        return Look.model_validate_json(answer)


@contextmanager
def looking(*environments: str) -> Iterator[Looker]:
    """Start the process, and end it."""
    # Development is to be found here, wherever a developer's own is.
    here = {name: value for name, value in os.environ.items() if not name.startswith("DEV_DEPLOY_")}
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.live.looker", str(writing), *environments],
        cwd=ROOT, env=here, stdin=subprocess.PIPE, stdout=sys.stderr, text=True,
        pass_fds=[writing],
    )  # fmt: skip
    os.close(writing)
    with process, os.fdopen(reading, encoding="utf-8") as answers:
        assert process.stdin
        yield Looker(process.stdin, answers)
        process.stdin.close()


class _Plugin:
    def __init__(self, answers: IO[str]) -> None:
        self._answers = answers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        needs = session.config.stash[STORE].needs
        for line in sys.stdin:
            # Anew each time: a fault can change what the variables of the lab lead to.
            environment = load(line.strip(), ROOT / "environments")
            facts = gather(environment, needs[environment.name], uuid4().hex)
            look = Look(facts=facts, came_to=judge(session, facts))
            print(look.model_dump_json(), file=self._answers, flush=True)
        return True


def _main(answers: str, *environments: str) -> int:
    with os.fdopen(int(answers), "w", encoding="utf-8") as file:
        return pytest.main(
            ["--collect-only", "-qqq", "-m", " or ".join(environments), "--capture=no"],
            plugins=[_Plugin(file)],
        )


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
