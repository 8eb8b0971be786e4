"""What a run says is what it would say if pytest were left to do all that it does by itself."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import snapshots
from tests.suites.command_line import Ran, run

LEFT_TO_PYTEST = ("-p", "no:fixtures.short_protocol")

# Each prints what it is told, for the controller's process to be heard by the test.
COUNTS_REPORTS = """
def pytest_runtest_logreport(report):
    print(f"told: {report.nodeid.rpartition('::')[2]} {report.when} {report.outcome}")
"""
COUNTS_PHASES = """
def pytest_runtest_setup(item): print("setup of one")
"""

# Fixtures that no check may be called without pytest's help: another plugin's, and, as if they were
# of ours, those that are taken down again or kept for several checks.
WITH_A_FINALIZER = """
import pytest

@pytest.fixture(autouse=True)
def around(request):
    request.addfinalizer(lambda: print("around one"))
"""
A_GENERATOR = """
import pytest

def around():
    print("around one")
    yield
    print("around one")

around.__module__ = "fixtures.another"
around = pytest.fixture(autouse=True)(around)
"""
OF_THE_SESSION = """
import pytest

def around():
    print("around all")

around.__module__ = "fixtures.another"
around = pytest.fixture(autouse=True, scope="session")(around)
"""

Verify = Callable[..., Ran]


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """Replay a snapshot with checks that pass, that fail and that cannot look."""
    snapshot = tmp_path / "facts.json"
    snapshot.write_text(snapshots.read("redis-hung").model_dump_json())

    def verified(*arguments: str, plugin: str = "") -> Ran:
        (tmp_path / "another_plugin.py").write_text(plugin)
        return run(
            tmp_path / "out", "-m", "lab", f"--facts={snapshot}", "-p", "another_plugin", "-s",
            *arguments, variables={"PYTHONPATH": str(tmp_path)},
        )  # fmt: skip

    return verified


def _untimed(junit: Path) -> str:
    return re.sub(r' (time|timestamp)="[^"]*"', "", junit.read_text())


def test_the_verdict_is_the_same(verify: Verify, tmp_path: Path) -> None:
    ours, pytests = tmp_path / "ours.xml", tmp_path / "pytests.xml"
    cut_short = verify(f"--junitxml={ours}")
    whole = verify(f"--junitxml={pytests}", *LEFT_TO_PYTEST)
    assert (cut_short.exit_code, whole.exit_code) == (1, 1)
    assert cut_short.untimed("lab") == whole.untimed("lab")
    assert {check["outcome"] for check in whole.untimed("lab")} == {"PASS", "FAIL", "UNKNOWN"}
    assert _untimed(ours) == _untimed(pytests)


@pytest.mark.parametrize("junit", [False, True])
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_check_is_told_once(verify: Verify, tmp_path: Path, junit: bool, workers: str) -> None:
    given = [f"--junitxml={tmp_path / 'cases.xml'}"] if junit else []
    ran = verify(workers, *given, plugin=COUNTS_REPORTS)
    told = Counter(re.findall(r"told: .* (\w+) (\w+)$", ran.output, re.MULTILINE))
    outcomes = Counter(check["outcome"] for check in ran.verdict("lab")["checks"])
    phases = {("call", "passed"): outcomes["PASS"], ("call", "failed"): outcomes["FAIL"],
              ("setup", "failed"): outcomes["UNKNOWN"]}  # fmt: skip
    # JUnit takes a case's properties from its teardown.
    assert told == phases | ({("teardown", "passed"): outcomes.total()} if junit else {})


@pytest.mark.parametrize(
    ("plugin", "says", "times"),
    [
        (COUNTS_PHASES, "setup of one", 1),
        (WITH_A_FINALIZER, "around one", 1),
        (A_GENERATOR, "around one", 2),
    ],
)
def test_whoever_takes_part_in_a_check_is_asked(
    verify: Verify, plugin: str, says: str, times: int
) -> None:
    ran = verify(plugin=plugin)
    checks = ran.verdict("lab")["checks"]
    assert ran.output.count(says) == times * len(checks)
    assert Counter(check["outcome"] for check in checks) == Counter(
        check["outcome"] for check in verify().verdict("lab")["checks"]
    )


def test_what_is_kept_for_several_checks_is_made_once(verify: Verify) -> None:
    assert verify(plugin=OF_THE_SESSION).output.count("around all") == 1
