"""Compare how long stackproof and other ways take to verify the same stack, here and far away.

`.venv/bin/python -m benchmarks.compare [--runs N] [--round-trips 10,50,150]`, with the lab up. The
ways take turns, so that other load on the machine affects all of them. A run that is not green
stops the comparison: exit code 1. The floor is a run of pytest with one empty test, once with the
installed plugins, and once with those of stackproof as well.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.distance import ROOT, far
from benchmarks.phases import PHASES, PROBES
from lab import address
from lab.process import LabError

# At 150 ms the usual suite takes minutes.
RUN_SECONDS = 900
_PYTEST = str(Path(sys.executable).with_name("pytest"))
_USUAL = "benchmarks/usual_testinfra"
_TAIL_LINES = 15
_FLOOR = """\
[pytest]
addopts = -q --assert=plain -p no:anyio -p no:allure_pytest
markers = lab
"""
_EMPTY = """\
import pytest


@pytest.mark.lab
def test_nothing():
    pass
"""
_ENVIRONMENTS = ROOT / "environments"
HERE = "here"


@dataclass
class Way:
    """One way to verify the lab, and how long each of its runs took."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    seconds: list[float] = field(default_factory=list)
    checks: int = 0
    """How many passed, from the last lines of its output."""
    phases: list[dict[str, float]] = field(default_factory=list)
    """Seconds by phase of each run, if it records them."""


class NotGreenError(Exception):
    """A run failed or exceeded its deadline. Its text is the message."""


@contextmanager
def _ways(place: str, lab: address.Address, folder: Path) -> Iterator[list[Way]]:
    if place != HERE:
        with far(lab, float(place) / 1000, folder / place) as server:
            ours = (_PYTEST, "-m", "far", f"--environments={server.environments}")
            yield _each_way((*ours, f"--output={folder / place}"), server.ours, server.usual)
        return
    variables = lab.variables()
    floor = folder / "floor"
    floor.mkdir()
    (floor / "pytest.ini").write_text(_FLOOR, encoding="utf-8")
    (floor / "test_nothing.py").write_text(_EMPTY, encoding="utf-8")
    run = ("-m", "lab", f"--output={folder}")
    loaded = (
        "-p",
        "stackproof.fixtures.plugins",
        "-p",
        "stackproof.reports.plugins",
        f"--environments={_ENVIRONMENTS}",
    )
    yield [
        *_each_way((_PYTEST, *run), variables, variables),
        Way("floor: one empty test, our plugins", (_PYTEST, str(floor), *run, *loaded), variables),
        Way("floor: one empty test", (_PYTEST, str(floor)), {}),
    ]


def _each_way(
    ours: tuple[str, ...], variables: Mapping[str, str], usual: Mapping[str, str]
) -> list[Way]:
    return [
        Way("stackproof", (*ours, "-p", "benchmarks.phases"), variables),
        Way("testinfra, one call an assertion", (_PYTEST, _USUAL), usual),
        Way("bash: docker inspect, exec, curl", ("benchmarks/usual_bash.sh",), usual),
    ]


def _run(way: Way, phases: Path) -> None:
    began = time.time()
    variables = {"PHASES_BEGAN": str(began), "PHASES_FILE": str(phases), "PYTHONPATH": str(ROOT)}
    # Users have compiled modules from their previous run.
    variables["PYTHONDONTWRITEBYTECODE"] = ""
    try:
        done = subprocess.run(  # noqa: S603
            way.command, cwd=ROOT, env={**os.environ, **way.variables, **variables},
            capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotGreenError(f"{way.name}: did not end within {RUN_SECONDS} s") from None
    way.seconds.append(time.time() - began)
    passed = re.search(r"(\d+) passed", done.stdout)
    if done.returncode != 0 or not passed:
        tail = (done.stdout + done.stderr).splitlines()[-_TAIL_LINES:]
        message = "\n".join((f"{way.name}: not green, exit code {done.returncode}", *tail))
        raise NotGreenError(message)
    way.checks = int(passed[1])
    if phases.exists():
        way.phases.append(json.loads(phases.read_text(encoding="utf-8")))
        phases.unlink()


def _measure(places: list[str], runs: int) -> dict[str, list[Way]]:
    """Run every way in turn, at one place after the other."""
    lab = address.load()
    measured = {}
    with tempfile.TemporaryDirectory() as temporary:
        for place in places:
            with _ways(place, lab, Path(temporary)) as ways:
                for number in range(runs):
                    print(f"{_named(place)}: run {number + 1} of {runs}", file=sys.stderr)
                    for way in ways:
                        _run(way, Path(temporary) / "phases.json")
            measured[place] = ways
    return measured


def _named(place: str) -> str:
    return place if place == HERE else f"{place} ms"


def _table(measured: Mapping[str, list[Way]]) -> list[str]:
    """Return a line for each way: its median at each place, and the ratio to ours."""
    lines = [
        f"{'median of a run':34}{'checks':>7}" + "".join(f"{_named(at):>18}" for at in measured)
    ]
    for number, way in enumerate(next(iter(measured.values()))):
        cells = ""
        for ways in measured.values():
            if number < len(ways):
                seconds, ours = median(ways[number].seconds), median(ways[0].seconds)
                cells += f"{seconds:>9.2f} s {seconds / ours:>6.1f}x"
        lines.append(f"{way.name:34}{way.checks:>7}{cells}")
    return lines


def _phases(measured: Mapping[str, list[Way]]) -> list[str]:
    """Return a line for each phase of our run, and for each probe of the gather."""
    lines = [
        f"{'median of each phase of ours':41}" + "".join(f"{_named(at):>18}" for at in measured)
    ]
    for phase in PHASES:
        names = (phase, *PROBES) if phase == "gather" else (phase,)
        for name in names:
            cells = "".join(
                f"{median(each.get(name, 0) for each in ways[0].phases):>9.2f} s {'':7}"
                for ways in measured.values()
            )
            lines.append(f"{name if name == phase else f'  {name}':41}{cells}".rstrip())
    return lines


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected at least 1")
    return number


def main() -> int:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare")
    parser.add_argument("--runs", type=_number, default=5, help="of each way (default: 5)")
    parser.add_argument(
        "--round-trips", default="10,50,150", help="in ms (default: 10,50,150); empty for none"
    )
    given = parser.parse_args()
    before = os.getloadavg()[0]
    try:
        measured = _measure([HERE, *filter(None, given.round_trips.split(","))], given.runs)
    except (LabError, NotGreenError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join([*_table(measured), "", *_phases(measured)]))
    print(f"\n{given.runs} runs each, in turn; {os.cpu_count()} cores; load before: {before:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
