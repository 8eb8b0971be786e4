"""The outcome, the message and the exit code of every possible result of a check."""

import json

import pytest

from stackproof.finding import Finding
from stackproof.reports import classification
from stackproof.unobserved import UnobservedError
from tests.reports import samples
from tests.reports.conftest import Read, Run

RESULTS = {
    "PASS": ("PASS", ""),
    "FAIL": ("FAIL", "api restarts: expected at most 0, observed 9"),
    "NO_FINDING": ("FAIL", "containers.bare[api]: bare words"),
    "ODD_EXCEPTION": (
        "UNKNOWN",
        "could not be evaluated: what it raised cannot be reported: 'token: [redacted]'",
    ),
    "UNOBSERVED": (
        "UNKNOWN",
        "could not be evaluated: engine unix:///run/no.sock: no such socket",
    ),
    "UNOBSERVED_IN_CALL": ("UNKNOWN", "could not be evaluated: exec refused"),
    "CRASH": ("UNKNOWN", "could not be evaluated: KeyError: 'password=[redacted]'"),
    "BROKEN_FIXTURE": ("UNKNOWN", "could not be evaluated: KeyError: 'State'"),
    "ASSERTION_IN_FIXTURE": ("UNKNOWN", "could not be evaluated: AssertionError: ours"),
    "BROKEN_TEARDOWN": ("UNKNOWN", "could not be evaluated: ValueError: left behind"),
    "FAIL_AND_BROKEN_TEARDOWN": ("FAIL", "api reloaded: expected yes, observed no"),
    "SKIPPED": ("UNKNOWN", "could not be evaluated: skipped: not today"),
    "WAIVED": ("WAIVED", "api address: expected 172.20.0.2, observed 172.21.0.2"),
    "WAIVED_BUT_PASSES": ("PASS", ""),
    "WAIVED_BUT_BROKEN": ("UNKNOWN", "could not be evaluated: RuntimeError: not what was waived"),
    "TIMED_OUT": ("UNKNOWN", "could not be evaluated: Failed: Timeout >1.0s"),
}


def _source(*names: str) -> str:
    return "".join(getattr(samples, name) for name in names)


def test_outcomes_and_headlines(run: Run, read_verdict: Read) -> None:
    run(_source(*RESULTS))
    verdict = read_verdict()
    found = [(check["outcome"], check["headline"]) for check in verdict["checks"]]
    assert found == list(RESULTS.values())
    assert verdict["counts"] == {"PASS": 2, "FLAKY": 0, "WAIVED": 1, "UNKNOWN": 10, "FAIL": 3}


def test_result_of_a_failure(run: Run, read_verdict: Read) -> None:
    run(samples.FAIL)
    (check,) = read_verdict()["checks"]
    assert check.pop("duration_s") >= 0
    assert check == {
        "id": "containers.restarts[api]",
        "suite": "containers",
        "check": "restarts",
        "subject": "api",
        "service": "api",
        "severity": "critical",
        "outcome": "FAIL",
        "headline": "api restarts: expected at most 0, observed 9",
        "expected": "at most 0",
        "observed": "9",
        "evidence": {"log": "boom\ntoken: [redacted]", "exit code": "1"},
        "hint": "docker logs vpn-api",
        "hints": [{"text": "docker logs vpn-api", "place": "on the server"}],
        "since": None,
        "waiver": "",
        "warnings": [],
        "attempts": [{"outcome": "FAIL", "observed": "9"}],
    }


def test_results_of_a_crash_and_a_waived_check(run: Run, read_verdict: Read) -> None:
    run(_source("CRASH", "WAIVED"))
    crash, waived = read_verdict()["checks"]
    assert "raise KeyError(secret)" in crash["evidence"]["traceback"]
    assert "hunter2" not in json.dumps(crash)
    assert crash["observed"] == ""
    assert crash["attempts"] == [
        {"outcome": "UNKNOWN", "observed": "KeyError: 'password=[redacted]'"}
    ]
    assert (waived["observed"], waived["waiver"]) == ("172.21.0.2", "renumbered until Friday")


@pytest.mark.parametrize(
    ("names", "arguments", "code"),
    [
        (["PASS", "WAIVED"], "", 0),
        (["PASS", "FAIL", "UNOBSERVED"], "", 1),
        (["PASS", "FAIL", "UNOBSERVED"], "-n2", 1),
        (["PASS", "FAIL", "UNOBSERVED"], "-p no:xdist", 1),
        (["PASS", "UNOBSERVED", "WAIVED"], "", 6),
        (["UNOBSERVED", "FAIL"], "-x", 6),
        (["NOT_A_CHECK", "PASS"], "", 6),
        (["PASS"], "-knothing", 5),
        (["PASS"], "--no-such-option", 4),
        (["FAIL"], "--collect-only", 0),
    ],
)
def test_exit_code_of_a_run(run: Run, names: list[str], arguments: str, code: int) -> None:
    assert run(_source(*names), *arguments.split()).ret == code


def test_a_file_that_cannot_be_collected(run: Run) -> None:
    broken = "raise RuntimeError\n"
    assert run(broken).ret == 2


def test_a_check_whose_worker_crashes(run: Run, read_verdict: Read) -> None:
    result = run(_source("PASS", "WORKER_LOST"), "-n1")
    assert result.ret == 6
    passed, lost = read_verdict()["checks"]
    assert (passed["outcome"], lost["outcome"]) == ("PASS", "UNKNOWN")
    assert lost["id"] == "checks.py::test_worker_lost"
    assert lost["headline"].startswith("could not be evaluated: worker 'gw")


@pytest.mark.parametrize(
    ("exception", "is_all"),
    [
        (AssertionError(Finding("api restarts", "0", "9", {})), True),
        (UnobservedError("no answer"), True),
        (AssertionError("assert 1 == 2"), False),
        (RuntimeError(), False),
    ],
)
def test_message_that_needs_no_traceback(exception: BaseException, is_all: bool) -> None:
    assert classification._is_self_explanatory(exception) is is_all
