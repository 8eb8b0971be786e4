"""The verdict is the same next to ten popular plugins of pytest.

They are not installed with the other tests: `tox run -e plugins`.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Ran, run
from tests.faults import snapshots

pytestmark = pytest.mark.plugins

PLUGINS: Mapping[str, Sequence[Sequence[str]]] = {
    "rerunfailures": [("rerunfailures",)],
    "timeout": [("timeout",), ("timeout", "--timeout=60")],
    "randomly": [("randomly",), ("randomly", "-p", "xdist", "-n2")],
    "sugar": [("sugar",), ("sugar", "--force-sugar")],
    "html": [("html", "-p", "metadata", "--html=report.html", "--self-contained-html")],
    "cov": [("pytest_cov", "--cov=stackproof", "--cov-report=")],
    "asyncio": [("asyncio",)],
    "repeat": [("repeat",)],
    "order": [("pytest_order",)],
    "instafail": [("instafail",), ("instafail", "--instafail")],
}
"""The runs next to each plugin: the name of its entry point, and its options."""


class Runs:
    """Replays of a snapshot with checks that pass, that fail and that cannot be evaluated."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._facts = folder / "facts.json"
        self._facts.write_text(snapshots.read("redis-hung").model_dump_json(), encoding="utf-8")

    def replay(self, *options: str) -> Ran:
        """Replay it with the plugins that are named and no others."""
        variables = {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "COVERAGE_FILE": str(self._folder / "coverage"),
        }
        placed = [each.replace("=report", f"={self._folder}/report") for each in options]
        return run(
            self._folder / "out", "-m", "lab", f"--facts={self._facts}", *placed,
            variables=variables,
        )  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The checks of a run without any of these plugins."""
    ran = Runs(tmp_path_factory.mktemp("alone")).replay()
    assert ran.exit_code == 1
    checks = ran.untimed("lab")
    assert {check["outcome"] for check in checks} == {"PASS", "FAIL", "UNKNOWN"}
    return _sorted(checks)


def _sorted(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(checks, key=lambda check: str(check["id"]))


def _says(ran: Ran, checks: int) -> bool:
    """Return whether the verdict is in the output, whose lines may be wrapped."""
    verdict = rf"lab: REPLAY of \S+ \S+ UTC: NO-GO — {checks} checks: "
    return re.search(verdict, " ".join(ran.output.split())) is not None


@pytest.mark.parametrize(
    "options",
    [options for each in PLUGINS.values() for options in each],
    ids=" ".join,
)
def test_same_verdict(runs: Runs, alone: list[dict[str, Any]], options: Sequence[str]) -> None:
    ran = runs.replay("-p", *options)
    assert ran.exit_code == 1, ran.output + ran.errors
    assert _sorted(ran.untimed("lab")) == alone
    assert _says(ran, len(alone))


def test_same_verdict_next_to_all_of_them(runs: Runs, alone: list[dict[str, Any]]) -> None:
    named = [part for each in PLUGINS.values() for part in ("-p", each[0][0])]
    ran = runs.replay(*named, "-p", "metadata")
    assert ran.exit_code == 1, ran.output + ran.errors
    assert _sorted(ran.untimed("lab")) == alone


def test_a_rerun_is_another_attempt(runs: Runs, alone: list[dict[str, Any]]) -> None:
    """pytest-rerunfailures runs a check again on the same facts: the outcome stays."""
    ran = runs.replay("-p", "rerunfailures", "--reruns=1")
    assert ran.exit_code == 1, ran.output + ran.errors
    checks = _sorted(ran.untimed("lab"))
    assert [(check["id"], check["outcome"]) for check in checks] == [
        (check["id"], check["outcome"]) for check in alone
    ]
    attempts = {len(check["attempts"]) for check in checks if check["outcome"] == "FAIL"}
    assert attempts == {2}


def test_each_repetition_is_a_check(runs: Runs, alone: list[dict[str, Any]]) -> None:
    """pytest-repeat runs a check several times on the same facts: each run counts."""
    ran = runs.replay("-p", "repeat", "--count=2")
    assert ran.exit_code == 1, ran.output + ran.errors
    outcomes = Counter((check["id"], check["outcome"]) for check in ran.untimed("lab"))
    assert outcomes == {(check["id"], check["outcome"]): 2 for check in alone}
    assert _says(ran, 2 * len(alone))
