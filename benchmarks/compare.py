"""The same checks, the usual ways and ours, timed side by side on the lab.

`.venv/bin/python -m benchmarks.compare [--runs N]`. The ways take turns, so that a busy moment of
the machine falls on all of them. A run that is not green stops the comparison: exit code 1.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from lab import address
from lab.process import LabError

ROOT = Path(__file__).parents[1]
RUN_SECONDS = 120
_PYTEST = str(Path(sys.executable).with_name("pytest"))
_USUAL = "benchmarks/usual_testinfra"
_TAIL_LINES = 15


@dataclass
class Way:
    """One way to verify the lab, and how long each of its runs took."""

    name: str
    command: tuple[str, ...]
    seconds: list[float] = field(default_factory=list)
    checks: int = 0
    """How many passed, as its own last lines say."""


class NotGreenError(Exception):
    """A run that failed, or outlasted its deadline; its text is what to print."""


def _ways(output: Path) -> list[Way]:
    floor = output / "floor"
    floor.mkdir()
    (floor / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -p no:anyio\n")
    (floor / "test_nothing.py").write_text("def test_nothing(): pass\n")
    ours = (_PYTEST, "-m", "lab", f"--output={output}")
    return [
        Way("stackproof: pytest -m lab", ours),
        Way("stackproof: pytest -m lab -n 2", (*ours, "-n", "2")),
        Way("testinfra, one call an assertion", (_PYTEST, _USUAL)),
        Way("  without its docker stats", (_PYTEST, _USUAL, "-k", "not effective_memory")),
        Way("bash: docker inspect, exec, curl", ("benchmarks/usual_bash.sh",)),
        Way("floor: pytest with one empty test", (_PYTEST, str(floor))),
    ]


def _run(way: Way, variables: Mapping[str, str]) -> None:
    began = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603
            way.command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False,
            timeout=RUN_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotGreenError(f"{way.name}: did not end within {RUN_SECONDS} s") from None
    way.seconds.append(time.monotonic() - began)
    passed = re.search(r"(\d+) passed", done.stdout)
    if done.returncode != 0 or not passed:
        tail = (done.stdout + done.stderr).splitlines()[-_TAIL_LINES:]
        said = "\n".join((f"{way.name}: not green, exit code {done.returncode}", *tail))
        raise NotGreenError(said)
    way.checks = int(passed[1])


def _table(ways: list[Way]) -> str:
    ours = median(ways[0].seconds)
    lines = [f"{'':34}{'checks':>7}{'median':>9}{'min':>9}{'max':>9}{'ratio':>8}"]
    for way in ways:
        middle = median(way.seconds)
        figures = (middle, min(way.seconds), max(way.seconds))
        times = "".join(f"{seconds:>7.2f} s" for seconds in figures)
        lines.append(f"{way.name:34}{way.checks:>7}{times}{middle / ours:>8.2f}")
    return "\n".join(lines)


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected at least 1")
    return number


def main() -> int:
    """Run every way in turn, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare")
    parser.add_argument("--runs", type=_number, default=5, help="of each way (default: 5)")
    runs = parser.parse_args().runs
    before = os.getloadavg()[0]
    try:
        variables = {**os.environ, **address.load().variables()}
        with tempfile.TemporaryDirectory() as output:
            ways = _ways(Path(output))
            for number in range(runs):
                print(f"run {number + 1} of {runs}", file=sys.stderr)
                for way in ways:
                    _run(way, variables)
    except (LabError, NotGreenError) as error:
        print(error, file=sys.stderr)
        return 1
    print(_table(ways))
    print(f"\n{runs} runs each, in turn; {os.cpu_count()} cores; ratio to the first line")
    print(f"load average before: {before:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
