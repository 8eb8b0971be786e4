"""The result of a check, made from a report."""

from typing import Literal

import pytest

from stackproof.finding import Finding
from stackproof.hint import Hint
from stackproof.outcome import Outcome
from stackproof.report_properties import BEFORE, VANTAGE_POINT
from stackproof.reports import check_results
from stackproof.reports.verdict import Attempt, CheckResult


def _report(when: Literal["setup", "call", "teardown"] = "call") -> pytest.TestReport:
    return pytest.TestReport(
        "checks.py::test_it", ("checks.py", 0, "test_it"), {}, "passed", None, when
    )


@pytest.mark.parametrize(
    ("reason", "shown"),
    [("x" * 300, "x" * 300), ("x" * 301, "x" * 299 + "…"), (" first\nsecond", "first")],
)
def test_a_reason_is_one_line_of_limited_length(reason: str, shown: str) -> None:
    assert check_results.unknown(_report(), reason).headline == f"could not be evaluated: {shown}"


@pytest.mark.parametrize(
    ("before", "since"),
    [
        ("PASS", "new"), ("FLAKY", "new"), ("FAIL", "before"), ("WAIVED", "before"),
        ("UNKNOWN", "unknown"), (None, None),
    ],
)  # fmt: skip
def test_since_when_a_check_fails(before: str | None, since: str | None) -> None:
    report = _report()
    report.user_properties = [] if before is None else [(BEFORE, before)]
    failure = AssertionError(Finding("api restarts", "0", "9", {}))
    assert check_results.failed(report, failure, is_waived=False).since == since


def test_a_failure_says_where_it_was_observed_from() -> None:
    report = _report()
    report.user_properties = [(VANTAGE_POINT, "db.example.com")]
    failure = AssertionError(Finding("api status: expected 200, observed 502", "200", "502", {}))
    result = check_results.failed(report, failure, is_waived=False)
    assert result.headline == "api status: expected 200, observed 502 (from db.example.com)"
    assert check_results.passed(report).headline == ""


def _attempts(*observed: str) -> list[Attempt]:
    return [Attempt(outcome=Outcome.FAIL, observed=each) for each in observed]


def test_attempts_are_numbered_from_one() -> None:
    result = check_results.missing_result("why")
    several = result.model_copy(update={"attempts": _attempts("a", "b")})
    assert check_results.result_properties(several) == [
        ("outcome", "UNKNOWN"), ("attempts", "2"), ("attempt 1", "FAIL: a"),
        ("attempt 2", "FAIL: b"),
    ]  # fmt: skip
    once = result.model_copy(update={"attempts": _attempts("a")})
    assert check_results.result_properties(once) == [("outcome", "UNKNOWN"), ("attempts", "1")]
    assert check_results.result_properties(result) == [("outcome", "UNKNOWN"), ("attempts", "0")]


def test_attempts_that_are_combined() -> None:
    def result(outcome: Outcome, text: str) -> CheckResult:
        attempt = Attempt(outcome=outcome, observed=text)
        return check_results.missing_result(text).model_copy(
            update={"outcome": outcome, "attempts": [attempt], "duration_s": len(text)}
        )

    first = result(Outcome.UNKNOWN, "one")
    failed = check_results.combine([first], result(Outcome.FAIL, "two"))
    assert [each.observed for each in failed.attempts] == ["one", "two"]
    assert failed.headline == "could not be evaluated: two"
    flaky = check_results.combine([first, failed], result(Outcome.PASS, "three"))
    assert (flaky.outcome, flaky.duration_s) == (Outcome.FLAKY, 5)
    assert [each.observed for each in flaky.attempts] == ["one", "two", "three"]
    # What failed, not what was unknown before it.
    assert flaky.headline == "could not be evaluated: two"
    unknown = check_results.combine([failed], result(Outcome.UNKNOWN, "why"))
    assert unknown.headline == (
        "could not be evaluated: why (an earlier attempt failed: could not be evaluated: two)"
    )
    still = check_results.combine([first], result(Outcome.UNKNOWN, "why"))
    assert still.headline == "could not be evaluated: why"


@pytest.mark.parametrize(
    ("hints", "first"),
    [
        ((), ""),
        ((Hint("one"), Hint("two")), "one"),
        ((Hint("one"), Hint("docker info", "here"), Hint("ls", "here")), "docker info"),
    ],
)
def test_hint_that_stands_for_all(hints: tuple[Hint, ...], first: str) -> None:
    """It is the first command, or else the first advice."""
    failure = AssertionError(Finding("api restarts", "0", "9", {}, hints))
    result = check_results.failed(_report(), failure, is_waived=False)
    assert result.hint == first
    assert [each.text for each in result.hints] == [each.text for each in hints]
