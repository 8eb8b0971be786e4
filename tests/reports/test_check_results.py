"""The result of a check, made from a report."""

from typing import Literal

import pytest

from stackproof.finding import Finding
from stackproof.report_properties import BEFORE
from stackproof.reports import check_results


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
