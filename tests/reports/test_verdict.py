"""The verdict file: its schema, one an environment, whole or not at all."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reports.outcome import Outcome
from reports.verdict import Attempt, CheckResult, json_schema, judge
from tests.reports import samples
from tests.reports.conftest import ROOT, Read, Run


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
    committed = (ROOT / "reports" / "verdict.schema.json").read_text(encoding="utf-8")
    assert json.loads(committed) == json_schema(), (
        "run `python -m reports.verdict > reports/verdict.schema.json`"
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
    jsonschema.validate(verdict, json_schema())


def test_times_are_seconds_and_have_a_zone() -> None:
    verdict = _judge(Outcome.PASS)
    assert (verdict["started"], verdict["duration_s"]) == ("2026-01-02T00:00:00Z", 1.235)


@pytest.mark.parametrize("arguments", ["", "-n2"])
def test_each_environment_has_its_own_verdict(run: Run, read_verdict: Read, arguments: str) -> None:
    source = samples.FAIL + samples.CANNOT_LOOK + samples.OTHER_ENVIRONMENT
    assert run(source, *arguments.split()).ret == 1
    for environment, verdict, code, checks in (("lab", "no-go", 1, 2), ("staging", "go", 0, 1)):
        written = read_verdict(environment)
        jsonschema.validate(written, json_schema())
        assert written["environment"] == environment
        assert (written["verdict"], written["exit_code"]) == (verdict, code)
        assert len(written["checks"]) == checks


def test_the_folder_can_be_chosen_and_holds_nothing_else(
    run: Run, pytester: pytest.Pytester, read_verdict: Read
) -> None:
    run(samples.PASS, "--output=elsewhere")
    assert read_verdict(directory="elsewhere")["verdict"] == "go"
    assert [path.name for path in Path(pytester.path, "elsewhere", "lab").iterdir()] == [
        "verdict.json"
    ]
    assert not Path(pytester.path, "reports").exists()


def test_a_verdict_that_cannot_be_written_stands(run: Run, pytester: pytest.Pytester) -> None:
    Path(pytester.path, "taken").write_text("a file where a folder is due")
    result = run(samples.PASS, "--output=taken")
    assert result.ret == 0
    assert result.outlines[-1] == "cannot write taken/lab/verdict.json: Not a directory"
    assert run(samples.FAIL, "--output=taken").ret == 1


def test_an_interrupted_run_says_so(run: Run, read_verdict: Read) -> None:
    source = samples.PASS + samples.STOPPED + samples.OTHER_ENVIRONMENT
    assert run(source).ret == 2
    verdict = read_verdict()
    assert (verdict["verdict"], verdict["exit_code"], verdict["interrupted"]) == (
        "unknown",
        2,
        True,
    )
    assert [check["outcome"] for check in verdict["checks"]] == ["PASS"]
    assert read_verdict("staging")["checks"] == []


def test_a_run_that_is_interrupted_twice_is_no_go_ahead(
    run: Run, pytester: pytest.Pytester, read_verdict: Read
) -> None:
    impatient = "def pytest_keyboard_interrupt(): raise KeyboardInterrupt"
    Path(pytester.path, "impatient.py").write_text(impatient)
    assert run(samples.PASS + samples.STOPPED, "-p", "impatient").ret != 0
    assert (read_verdict()["verdict"], read_verdict()["interrupted"]) == ("unknown", True)


def test_a_lost_check_counts_against_every_environment(run: Run, read_verdict: Read) -> None:
    source = samples.PASS + samples.WORKER_LOST + samples.OTHER_ENVIRONMENT
    assert run(source, "-n2").ret == 6
    for environment in ("lab", "staging"):
        assert read_verdict(environment)["counts"]["UNKNOWN"] == 1
