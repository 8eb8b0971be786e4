"""The verdict file: its schema, and one complete file per environment."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import validator_for

from stackproof.outcome import Outcome
from stackproof.reports.verdict import Attempt, CheckResult, json_schema, judge
from tests.reports import samples
from tests.reports.conftest import ROOT, Read, Run

VALIDATOR = validator_for(json_schema())(json_schema())
"""Checks a verdict, and not the schema each time, as `jsonschema.validate` does."""


def _check(outcome: Outcome) -> CheckResult:
    return CheckResult(
        id=f"a.b[{outcome}]",
        suite="a",
        check="b",
        subject=outcome,
        service="",
        outcome=outcome,
        attempts=[Attempt(outcome=outcome, observed="")],
    )


def test_attempt_on_one_line() -> None:
    assert str(Attempt(outcome=Outcome.FAIL, observed="502")) == "FAIL: 502"
    assert str(Attempt(outcome=Outcome.PASS, observed="")) == "PASS"


def _judge(*outcomes: Outcome, session_code: int = 0) -> dict[str, Any]:
    checks = [_check(outcome) for outcome in outcomes]
    verdict = judge(
        "lab",
        checks,
        run="c0ffee",
        selection="-m lab",
        gate=None,
        session_code=session_code,
        started=datetime(2026, 1, 2, tzinfo=UTC),
        duration_s=1.23456,
    )
    plain: dict[str, Any] = json.loads(verdict.model_dump_json())
    return plain


def test_the_committed_schema_is_current() -> None:
    VALIDATOR.check_schema(json_schema())
    committed = (ROOT / "reports" / "verdict.schema.json").read_text(encoding="utf-8")
    assert json.loads(committed) == json_schema(), (
        "run `python -m stackproof.reports.verdict > reports/verdict.schema.json`"
    )


@pytest.mark.parametrize(
    ("outcomes", "session_code", "expected"),
    [
        ([Outcome.PASS, Outcome.WAIVED, Outcome.FLAKY], 0, ("go", 0, False)),
        ([Outcome.PASS, Outcome.WAIVED], 1, ("go", 0, False)),
        ([Outcome.FAIL, Outcome.UNKNOWN], 1, ("no-go", 1, False)),
        ([Outcome.PASS, Outcome.UNKNOWN], 1, ("unknown", 6, False)),
        ([], 0, ("unknown", 6, False)),
        ([Outcome.PASS], 2, ("unknown", 2, True)),
        ([Outcome.FAIL], 3, ("unknown", 3, False)),
    ],
)
def test_decision(
    outcomes: list[Outcome], session_code: int, expected: tuple[str, int, bool]
) -> None:
    verdict = _judge(*outcomes, session_code=session_code)
    assert (verdict["verdict"], verdict["exit_code"], verdict["interrupted"]) == expected
    assert sum(verdict["counts"].values()) == len(outcomes)
    VALIDATOR.validate(verdict)


def test_times() -> None:
    verdict = _judge(Outcome.PASS)
    assert (verdict["started"], verdict["duration_s"]) == ("2026-01-02T00:00:00Z", 1.235)


@pytest.mark.parametrize("arguments", ["", "-n2"])
def test_each_environment_has_its_own_verdict(run: Run, read_verdict: Read, arguments: str) -> None:
    source = samples.FAIL + samples.UNOBSERVED + samples.OTHER_ENVIRONMENT
    assert run(source, *arguments.split()).ret == 1
    for environment, verdict, code, checks in (("lab", "no-go", 1, 2), ("staging", "go", 0, 1)):
        written = read_verdict(environment)
        VALIDATOR.validate(written)
        assert written["environment"] == environment
        assert (written["verdict"], written["exit_code"]) == (verdict, code)
        assert len(written["checks"]) == checks


def test_the_output_directory_contains_only_the_verdict(
    run: Run, pytester: pytest.Pytester, read_verdict: Read
) -> None:
    run(samples.PASS, "--output=elsewhere")
    assert read_verdict(directory="elsewhere")["verdict"] == "go"
    assert [path.name for path in Path(pytester.path, "elsewhere", "lab").iterdir()] == [
        "verdict.json"
    ]
    assert not Path(pytester.path, "reports").exists()


def test_a_verdict_that_cannot_be_written_is_delivered(run: Run, pytester: pytest.Pytester) -> None:
    Path(pytester.path, "taken").write_text("a file instead of a directory")
    result = run(samples.PASS, "--output=taken")
    assert result.ret == 0
    assert result.outlines[-1] == "cannot write taken/lab/verdict.json: Not a directory"
    assert run(samples.FAIL, "--output=taken").ret == 1


def test_an_interrupted_run(run: Run, read_verdict: Read) -> None:
    source = samples.PASS + samples.STOPPED + samples.OTHER_ENVIRONMENT
    assert run(source, subprocess=True).ret == 2
    verdict = read_verdict()
    assert (verdict["verdict"], verdict["exit_code"], verdict["interrupted"]) == (
        "unknown",
        2,
        True,
    )
    assert [check["outcome"] for check in verdict["checks"]] == ["PASS"]
    assert read_verdict("staging")["checks"] == []


def test_a_run_that_is_interrupted_twice_is_unknown(
    run: Run, pytester: pytest.Pytester, read_verdict: Read
) -> None:
    impatient = "def pytest_keyboard_interrupt(): raise KeyboardInterrupt"
    Path(pytester.path, "impatient.py").write_text(impatient)
    result = run(samples.PASS + samples.STOPPED, "-p", "impatient", subprocess=True)
    assert result.ret != 0
    assert (read_verdict()["verdict"], read_verdict()["interrupted"]) == ("unknown", True)


def test_a_lost_check_counts_against_every_environment(run: Run, read_verdict: Read) -> None:
    source = samples.PASS + samples.WORKER_LOST + samples.OTHER_ENVIRONMENT
    assert run(source, "-n1").ret == 6
    for environment in ("lab", "staging"):
        assert read_verdict(environment)["counts"]["UNKNOWN"] == 1


_NOTES = """
import pytest

def settling(ended):
    return {
        "ended": ended, "seconds": 1.5, "limit_s": 60, "looks": 2, "blind": "",
        "waited_for": {"api: starting": 1.5}, "pending": {"api": chr(27) + "[31mstarting"},
    }

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    if report.when == "call":
        vars(report)["environment_notes"] = {
            "warnings": ["the waiver, token: abcdef, matches nothing"],
            "settling": [settling("late"), settling("settled")],
        }
"""


@pytest.mark.parametrize("arguments", ["", "-n1"])
def test_notes_on_an_environment(
    run: Run, pytester: pytest.Pytester, read_verdict: Read, arguments: str
) -> None:
    Path(pytester.path, "notes.py").write_text(_NOTES)
    run(samples.PASS, "-p", "notes", *arguments.split(), subprocess=bool(arguments))
    verdict = read_verdict()
    VALIDATOR.validate(verdict)
    assert verdict["warnings"] == ["the waiver, token: [redacted], matches nothing"]
    assert verdict["waited"] == {
        "ended": "settled",
        "seconds": 1.5,
        "limit_s": 60,
        "looks": 2,
        "waited_for": {"api: starting": 1.5},
        "pending": {"api": "starting"},
        "blind": "",
    }
