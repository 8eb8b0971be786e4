"""What several looks at one check come to together, and what is said of a check that never ran."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.reports import samples
from tests.reports.conftest import Read, Run

_AGAIN = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for _ in range(item.module.LOOKS - 1):
        runtestprotocol(item, log=False, nextitem=nextitem)
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""
_CHECK = """
LOOKS = {looks}
ends = iter({ends!r})

@pytest.fixture
def end(warn):
    return next(ends)

@check("containers", "running", "api")
def test_running(end, warn):
    class CannotLook(Exception): pass
    if end == "UNKNOWN":
        raise CannotLook("engine gone")
    if end == "WARNS":
        warn(finding(api, "certificate", expected="21 days", observed=12))
    assert end in ("PASS", "WARNS"), finding(
        api, "state", expected="running", observed=end, evidence={{"log": end}}, hint="docker ps",
    )
"""
_GONE = "could not look: engine gone"
_STATE = "api state: expected running, observed"


def _look(run: Run, pytester: pytest.Pytester, *ends: str, arguments: Sequence[str] = ()) -> int:
    Path(pytester.path, "again.py").write_text(_AGAIN)
    result = run(_CHECK.format(looks=len(ends), ends=ends), "-p", "again", *arguments)
    return int(result.ret)


@pytest.mark.parametrize(
    ("ends", "outcome", "headline", "code"),
    [
        (("exited", "PASS"), "FLAKY", f"{_STATE} exited", 0),
        (("exited", "dead", "PASS"), "FLAKY", f"{_STATE} exited", 0),
        (("UNKNOWN", "PASS"), "FLAKY", _GONE, 0),
        (("UNKNOWN", "exited", "PASS"), "FLAKY", f"{_STATE} exited", 0),
        (("exited", "dead"), "FAIL", f"{_STATE} dead", 1),
        (("UNKNOWN", "exited"), "FAIL", f"{_STATE} exited", 1),
        (("UNKNOWN", "UNKNOWN"), "UNKNOWN", _GONE, 6),
        # Nobody saw it a second time: it is not certain.
        (
            ("exited", "UNKNOWN"),
            "UNKNOWN",
            f"{_GONE} (when it was looked at first: {_STATE} exited)",
            6,
        ),
    ],
    ids=str,
)
def test_the_last_look_decides(
    run: Run,
    pytester: pytest.Pytester,
    read_verdict: Read,
    ends: Sequence[str],
    outcome: str,
    headline: str,
    code: int,
) -> None:
    assert _look(run, pytester, *ends) == code
    (check,) = read_verdict()["checks"]
    assert (check["outcome"], check["headline"]) == (outcome, headline)
    assert [_kind(each) for each in check["attempts"]] == [
        ends_in if ends_in in ("PASS", "UNKNOWN") else f"FAIL {ends_in}" for ends_in in ends
    ]


def _kind(attempt: dict[str, Any]) -> str:
    failed = attempt["outcome"] == "FAIL"
    return f"FAIL {attempt['observed']}" if failed else str(attempt["outcome"])


def test_a_warning_is_told_once(run: Run, pytester: pytest.Pytester, read_verdict: Read) -> None:
    assert _look(run, pytester, "WARNS", "WARNS") == 0
    (check,) = read_verdict()["checks"]
    assert check["warnings"] == ["api certificate: expected 21 days, observed 12"]


def test_flaky_on_screen(run: Run, pytester: pytest.Pytester) -> None:
    Path(pytester.path, "again.py").write_text(_AGAIN)
    result = run(_CHECK.format(looks=2, ends=("exited", "PASS")), "-p", "again", "-vv")
    assert "test_checks.py::test_running FLAKY" in result.stdout.str().replace("  ", " ")
    result.stdout.fnmatch_lines(
        [
            "api  ~",
            f"~ {_STATE} exited (passed on attempt 2)",
            "lab: GO — 1 check: 1 flaky (*",
        ]
    )


_SWALLOWS = """
def pytest_runtest_protocol(item):
    return True if item.name == "test_lost" else None
"""
_LOST = """
@check("containers", "running", "api")
def test_seen():
    pass

@check("containers", "running", "web")
def test_lost():
    pass
"""


@pytest.mark.parametrize("arguments", ["", "-n2"])
def test_a_selected_check_that_nothing_was_heard_of(
    run: Run, pytester: pytest.Pytester, read_verdict: Read, arguments: str
) -> None:
    """As where a worker dies that still kept failures back, to look at them again."""
    Path(pytester.path, "swallows.py").write_text(_SWALLOWS)
    assert run(_LOST, "-p", "swallows", *arguments.split()).ret == 6
    told = {each["id"]: (each["outcome"], each["headline"]) for each in read_verdict()["checks"]}
    assert told == {
        "containers.running[api]": ("PASS", ""),
        "test_checks.py::test_lost": ("UNKNOWN", "could not look: nothing was heard of it"),
    }


_REQUIRES = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    names = {"suite": "host", "check": "disk", "subject": "stack", "service": ""}
    vars(report)["of_environment"] = {"required": [{**names, "severity": "critical"}]}
"""


def test_a_required_check_that_was_lost_with_its_worker_is_named(
    run: Run, pytester: pytest.Pytester, read_verdict: Read
) -> None:
    Path(pytester.path, "requires.py").write_text(_REQUIRES)
    source = samples.PASS + samples.WORKER_LOST
    assert run(source, "-p", "requires", "-n2").ret == 6
    told = {each["id"]: each["headline"] for each in read_verdict()["checks"]}
    assert told["host.disk[stack]"] == "could not look: a gate needs it, and it did not run"
    assert run(source.replace("os._exit(3)", "pass"), "-p", "requires", "-n2").ret == 0


def test_each_verdict_names_its_run_and_what_was_selected(run: Run, read_verdict: Read) -> None:
    runs = set()
    for arguments in ((), ("-n2",), ("-k", "seen and not other", "-m", "not check(a=1)")):
        run(_LOST, *arguments)
        runs.add(read_verdict()["run"])
    assert len(runs) == 3
    assert read_verdict()["selection"] == "-m 'not check(a=1)' -k 'seen and not other'"
