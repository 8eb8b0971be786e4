"""Every way in which a check can end has its outcome, its words and its exit code."""

import json

import pytest

from reports.outcome import Outcome, exit_code, worst
from tests.reports import samples
from tests.reports.conftest import Read, Run

ENDS = {
    "PASS": ("PASS", ""),
    "FAIL": ("FAIL", "api restarts: expected at most 0, observed 9"),
    "NO_FINDING": ("FAIL", "containers.bare[api]: bare words"),
    "CANNOT_LOOK": ("UNKNOWN", "could not look: engine unix:///run/no.sock: no such socket"),
    "CANNOT_LOOK_IN_CALL": ("UNKNOWN", "could not look: exec refused"),
    "CRASH": ("UNKNOWN", "could not look: KeyError: 'password=[redacted]'"),
    "BROKEN_FIXTURE": ("UNKNOWN", "could not look: KeyError: 'State'"),
    "ASSERTION_IN_FIXTURE": ("UNKNOWN", "could not look: AssertionError: ours"),
    "BROKEN_TEARDOWN": ("UNKNOWN", "could not look: ValueError: left behind"),
    "FAIL_AND_BROKEN_TEARDOWN": ("FAIL", "api reloaded: expected yes, observed no"),
    "SKIPPED": ("UNKNOWN", "could not look: skipped: not today"),
    "WAIVED": ("WAIVED", "api address: expected 172.20.0.2, observed 172.21.0.2"),
    "WAIVED_AND_FINE": ("PASS", ""),
    "WAIVED_AND_BROKEN": ("UNKNOWN", "could not look: RuntimeError: not what was waived"),
    "TIMED_OUT": ("UNKNOWN", "could not look: Failed: Timeout >1.0s"),
}


def _source(*names: str) -> str:
    return "".join(getattr(samples, name) for name in names)


def test_every_end_has_its_outcome_and_its_words(run: Run, read_verdict: Read) -> None:
    run(_source(*ENDS))
    verdict = read_verdict()
    told = [(check["outcome"], check["headline"]) for check in verdict["checks"]]
    assert told == list(ENDS.values())
    assert verdict["counts"] == {"PASS": 2, "FLAKY": 0, "WAIVED": 1, "UNKNOWN": 9, "FAIL": 3}


def test_what_a_failure_tells(run: Run, read_verdict: Read) -> None:
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
        "since": None,
        "waiver": "",
        "warnings": [],
        "attempts": [{"outcome": "FAIL", "observed": "9"}],
    }


def test_what_a_crash_and_a_waived_check_tell(run: Run, read_verdict: Read) -> None:
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
    ("outcomes", "code"),
    [
        ("PASS", 0),
        ("PASS FLAKY WAIVED", 0),
        ("PASS UNKNOWN WAIVED", 6),
        ("UNKNOWN FAIL PASS", 1),
        ("", 6),
    ],
)
def test_exit_code_of_outcomes(outcomes: str, code: int) -> None:
    assert exit_code(Outcome(name) for name in outcomes.split()) == code


def test_worst_outcome() -> None:
    assert worst([Outcome.PASS, Outcome.FLAKY, Outcome.WAIVED]) is Outcome.WAIVED
    assert worst([Outcome.FAIL, Outcome.UNKNOWN]) is Outcome.FAIL


@pytest.mark.parametrize(
    ("names", "arguments", "code"),
    [
        (["PASS", "WAIVED"], "", 0),
        (["PASS", "WAIVED"], "-n2", 0),
        (["PASS", "FAIL", "CANNOT_LOOK"], "", 1),
        (["PASS", "FAIL", "CANNOT_LOOK"], "-n2", 1),
        (["PASS", "CANNOT_LOOK", "WAIVED"], "", 6),
        (["PASS", "CANNOT_LOOK", "WAIVED"], "-n2", 6),
        (["CANNOT_LOOK", "FAIL"], "-x", 6),
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


def test_a_check_that_is_lost_with_its_worker(run: Run, read_verdict: Read) -> None:
    result = run(_source("PASS", "WORKER_LOST"), "-n2")
    assert result.ret == 6
    passed, lost = read_verdict()["checks"]
    assert (passed["outcome"], lost["outcome"]) == ("PASS", "UNKNOWN")
    assert lost["id"] == "test_checks.py::test_worker_lost"
    assert lost["headline"].startswith("could not look: worker 'gw")
