"""What a run says is what it would say if pytest were left to do all that it does by itself."""

from pathlib import Path

import pytest

from fixtures import arguments
from tests.faults import snapshots
from tests.suites.command_line import Ran, run

LEFT_TO_PYTEST = ("-p", "no:fixtures.arguments", "-p", "no:fixtures.telling")

_COUNTING = """
import pytest

pytest_plugins = ["fixtures.telling"]


def pytest_runtest_logreport(report):
    print(f"told: {report.nodeid.rpartition('::')[2]} {report.when} {report.outcome}")


@pytest.fixture
def broken():
    raise LookupError
"""
_CHECKS = """
def test_passes(): pass
def test_fails(): assert False
def test_has_no_setup(broken): pass
"""


def _verified(folder: Path, snapshot: Path, *arguments: str) -> Ran:
    return run(folder, "-m", "lab", f"--facts={snapshot}", f"--junitxml={folder}.xml", *arguments)


def test_the_verdict_is_the_same(tmp_path: Path) -> None:
    snapshot = tmp_path / "facts.json"
    snapshot.write_text(snapshots.read("redis-hung").model_dump_json())
    ours = _verified(tmp_path / "ours", snapshot)
    pytests = _verified(tmp_path / "pytests", snapshot, *LEFT_TO_PYTEST)
    assert (ours.exit_code, pytests.exit_code) == (1, 1)
    assert ours.untimed("lab") == pytests.untimed("lab")
    assert {check["outcome"] for check in ours.untimed("lab")} == {"PASS", "FAIL", "UNKNOWN"}


@pytest.mark.parametrize(("junit", "of_a_pass"), [(False, ["call"]), (True, ["call", "teardown"])])
def test_a_pass_is_told_once(pytester: pytest.Pytester, junit: bool, of_a_pass: list[str]) -> None:
    pytester.makeconftest(_COUNTING)
    pytester.makepyfile(_CHECKS)
    given = ["--junitxml=cases.xml"] if junit else []
    lines = pytester.runpytest_subprocess("-s", *given).outlines
    told = [line.partition("told: ")[2].split() for line in lines if "told: " in line]
    assert [phase for name, phase, _ in told if name == "test_passes"] == of_a_pass
    assert [each[1:] for each in told if each[0] == "test_fails"] == [
        ["setup", "passed"], ["call", "failed"], ["teardown", "passed"],
    ]  # fmt: skip
    assert [each[1:] for each in told if each[0] == "test_has_no_setup"] == [
        ["setup", "failed"], ["teardown", "passed"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("decorator", "body", "plain"),
    [
        ("@pytest.fixture", "return 1", True),
        ("@pytest.fixture", "yield 1", False),
        ("@pytest.fixture(scope='module')", "return 1", False),
        ("@pytest.fixture(params=[1, 2])", "return 1", False),
        ("@pytest.fixture(autouse=True)", "yield", False),
    ],
)
def test_other_fixtures_are_left_to_pytest(
    pytester: pytest.Pytester, decorator: str, body: str, plain: bool
) -> None:
    asked_for = "" if "autouse" in decorator else "known"
    item = pytester.getitem(
        f"import pytest\n{decorator}\ndef known():\n    {body}\n"
        f"@pytest.fixture\ndef derived({asked_for}): return 2\n"
        f"def test_it(derived): pass\n",
        "test_it[1]" if "params" in decorator else "test_it",
    )
    assert isinstance(item, pytest.Function)
    assert arguments.are_plain(item) is plain
