"""The result of several attempts of a check, and of a check that never ran."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.reports import samples
from tests.reports.conftest import Read, Run

_RETRY = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for _ in range(item.module.ATTEMPTS - 1):
        runtestprotocol(item, log=False, nextitem=nextitem)
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""
_CHECK = """
ATTEMPTS = {attempts}
ends = iter({ends!r})

@pytest.fixture
def end(warn):
    return next(ends)

@check("containers", "running", "api")
def test_running(end, warn):
    if end == "UNKNOWN":
        raise UnobservedError("engine gone")
    if end == "WARNS":
        warn(finding(api, "certificate", expected="21 days", observed=12))
    assert end in ("PASS", "WARNS"), finding(
        api, "state", expected="running", observed=end, evidence={{"log": end}}, hint="docker ps",
    )
"""
_GONE = "could not be evaluated: engine gone"
_STATE = "api state: expected running, observed"


def _attempt(run: Run, pytester: pytest.Pytester, *ends: str, arguments: Sequence[str] = ()) -> int:
    Path(pytester.path, "retry.py").write_text(_RETRY)
    result = run(_CHECK.format(attempts=len(ends), ends=ends), "-p", "retry", *arguments)
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
        # The failure was not confirmed.
        (
            ("exited", "UNKNOWN"),
            "UNKNOWN",
            f"{_GONE} (an earlier attempt failed: {_STATE} exited)",
            6,
        ),
    ],
    ids=str,
)
def test_the_last_attempt_decides(
    run: Run,
    pytester: pytest.Pytester,
    read_verdict: Read,
    ends: Sequence[str],
    outcome: str,
    headline: str,
    code: int,
) -> None:
    assert _attempt(run, pytester, *ends) == code
    (check,) = read_verdict()["checks"]
    assert (check["outcome"], check["headline"]) == (outcome, headline)
    assert [_kind(each) for each in check["attempts"]] == [
        ends_in if ends_in in ("PASS", "UNKNOWN") else f"FAIL {ends_in}" for ends_in in ends
    ]


def _kind(attempt: dict[str, Any]) -> str:
    failed = attempt["outcome"] == "FAIL"
    return f"FAIL {attempt['observed']}" if failed else str(attempt["outcome"])


def test_a_warning_is_reported_once(
    run: Run, pytester: pytest.Pytester, read_verdict: Read
) -> None:
    assert _attempt(run, pytester, "WARNS", "WARNS") == 0
    (check,) = read_verdict()["checks"]
    assert check["warnings"] == ["api certificate: expected 21 days, observed 12"]


def test_flaky_on_screen(run: Run, pytester: pytest.Pytester) -> None:
    Path(pytester.path, "retry.py").write_text(_RETRY)
    result = run(_CHECK.format(attempts=2, ends=("exited", "PASS")), "-p", "retry", "-vv")
    assert "checks.py::test_running FLAKY" in result.stdout.str().replace("  ", " ")
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


@pytest.mark.parametrize("arguments", ["", "-n1"])
def test_a_selected_check_without_a_result(
    run: Run, pytester: pytest.Pytester, read_verdict: Read, arguments: str
) -> None:
    """For example, the worker crashed while it held back failures to retry them."""
    Path(pytester.path, "swallows.py").write_text(_SWALLOWS)
    # xdist starts workers with the module path that it found when it was imported.
    result = run(_LOST, "-p", "swallows", *arguments.split(), subprocess=bool(arguments))
    assert result.ret == 6
    found = {each["id"]: (each["outcome"], each["headline"]) for each in read_verdict()["checks"]}
    assert found == {
        "containers.running[api]": ("PASS", ""),
        "checks.py::test_lost": ("UNKNOWN", "could not be evaluated: it reported no result"),
    }


_REQUIRES = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    names = {"suite": "host", "check": "disk", "subject": "stack", "service": ""}
    vars(report)["environment_notes"] = {"required": [{**names, "severity": "critical"}]}
"""


def test_a_required_check_whose_worker_crashed_is_named(
    run: Run, pytester: pytest.Pytester, read_verdict: Read
) -> None:
    Path(pytester.path, "requires.py").write_text(_REQUIRES)
    source = samples.PASS + samples.WORKER_LOST
    assert run(source, "-p", "requires", "-n1", subprocess=True).ret == 6
    found = {each["id"]: each["headline"] for each in read_verdict()["checks"]}
    assert (
        found["host.disk[stack]"] == "could not be evaluated: a gate needs it, and it did not run"
    )
    source = source.replace("os._exit(3)", "pass")
    assert run(source, "-p", "requires", "-n1", subprocess=True).ret == 0


def test_a_verdict_names_its_run_and_selection(run: Run, read_verdict: Read) -> None:
    runs = set()
    for arguments in ((), ("-n1",), ("-k", "seen and not other", "-m", "not check(a=1)")):
        run(_LOST, *arguments)
        runs.add(read_verdict()["run"])
    assert len(runs) == 3
    assert read_verdict()["selection"] == "-m 'not check(a=1)' -k 'seen and not other'"
