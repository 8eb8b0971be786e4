"""The result of a check, made from the report that pytest has of it.

Its texts are redacted and safe to print.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from stackproof.check_id import check_id
from stackproof.finding import Finding
from stackproof.hint import Hint
from stackproof.outcome import Outcome
from stackproof.printable import one_line, text_of
from stackproof.report_properties import (
    ATTEMPT,
    ATTEMPTS,
    BEFORE,
    CHECK,
    OUTCOME,
    SERVICE,
    SEVERITY,
    SUBJECT,
    SUITE,
    VANTAGE_POINT,
    WAIVER,
    WARNING,
)
from stackproof.reports.verdict import Attempt, CheckResult, HintLine, Since
from stackproof.secrets import redact

TRACEBACK = "traceback"
"""Title of the evidence if a check or a fixture is broken."""

ATTRIBUTE = "check_result"
"""The attribute of a report that holds its result."""

_LONGEST_REASON = 300


def check_result(report: pytest.TestReport) -> CheckResult | None:
    """Return the result of this phase of a check; None if the phase decides nothing."""
    fields = vars(report)
    # pytest-rerunfailures marks every attempt but the last one as "rerun".
    result: CheckResult | None = None if fields["outcome"] == "rerun" else fields.get(ATTRIBUTE)
    return result


def missing_result(
    reason: str, properties: Mapping[str, str] | None = None, nodeid: str = ""
) -> CheckResult:
    """Return the result of a check that did not run.

    Args:
        reason: why there is no other result.
        properties: the properties of the check, if they are known.
        nodeid: pytest's id of the check, or another name of what is missing.
    """
    return CheckResult(
        **_identity(properties or {}, nodeid),
        outcome=Outcome.UNKNOWN,
        headline=f"could not be evaluated: {reason}",
        attempts=[],
    )


def attach(report: pytest.TestReport, result: CheckResult) -> None:
    """Keep a result in the report that it belongs to."""
    vars(report)[ATTRIBUTE] = result


def result_properties(result: CheckResult) -> list[tuple[str, str]]:
    """Return the outcome and the attempts of a result, as properties of a report."""
    attempts = result.attempts if len(result.attempts) > 1 else []
    return [
        (OUTCOME, result.outcome.value),
        (ATTEMPTS, str(len(result.attempts))),
        *(
            (f"{ATTEMPT} {number}", str(attempt))
            for number, attempt in enumerate(attempts, start=1)
        ),
    ]


def passed(report: pytest.TestReport) -> CheckResult:
    """Return the result of a check that passed."""
    result = _result(report, Outcome.PASS)
    if waiver := _waiver(report):
        unused = f"{result.id} passed: its waiver, {waiver}, is no longer needed"
        return result.model_copy(update={"warnings": (*result.warnings, unused)})
    return result


def failed(report: pytest.TestReport, exception: BaseException, *, is_waived: bool) -> CheckResult:
    """Return the result of a check that failed; the report prints its finding."""
    finding = exception.args[0] if exception.args else None
    if not isinstance(finding, Finding):
        message = _first_line(text_of(exception)) or "assertion failed"
        properties = dict(report.user_properties)
        name = check_id(properties) if CHECK in properties else report.nodeid
        evidence = {TRACEBACK: report.longreprtext}
        finding = Finding(f"{name}: {message}", "", "", evidence)
    waiver = _waiver(report)
    evidence = {**finding.evidence, **({"waiver": waiver} if waiver and not is_waived else {})}
    hints = tuple(
        HintLine(text=redact(each.text), place=redact(each.place)) for each in finding.hints
    )
    result = _result(
        report,
        Outcome.WAIVED if is_waived else Outcome.FAIL,
        observed=redact(finding.observed),
        headline=redact(finding.headline),
        expected=redact(finding.expected),
        evidence={redact(title): redact(text) for title, text in evidence.items()},
        hint=next((each.text for each in hints if each.place), hints[0].text if hints else ""),
        hints=hints,
        since=_since(report),
        waiver=waiver,
    )
    report.outcome = "skipped" if is_waived else "failed"
    vars(report).pop("wasxfail", None)
    if is_waived:
        report.wasxfail = result.waiver  # pytest reports it as an expected failure
    report.longrepr = _format(result)
    return result


def unknown(report: pytest.TestReport, reason: str, traceback: str = "") -> CheckResult:
    """Return the result of a check that could not be evaluated; the report prints the reason."""
    reason = _first_line(reason)
    headline = f"could not be evaluated: {reason}"
    evidence = {TRACEBACK: redact(traceback)} if traceback else {}
    report.outcome = "failed"
    vars(report).pop("wasxfail", None)
    result = _result(report, Outcome.UNKNOWN, observed=reason, headline=headline, evidence=evidence)
    report.longrepr = _format(result)
    if report.when != "teardown":
        # pytest reports an exception outside the call phase as an error, not as a failure. With
        # the phase changed, the terminal, JUnit and Allure agree that no check failed.
        report.when = "setup"
    return result


def combine(earlier: Sequence[CheckResult], result: CheckResult) -> CheckResult:
    """Return the result after earlier attempts, none of which passed: the last one decides."""
    if not earlier:
        return result
    attempts = [*earlier[-1].attempts, *result.attempts]
    wrong = next((each for each in earlier if each.outcome is Outcome.FAIL), earlier[0])
    if result.outcome is Outcome.PASS:
        kept = {"duration_s": result.duration_s, "warnings": result.warnings, "since": None}
        return wrong.model_copy(update={"outcome": Outcome.FLAKY, "attempts": attempts, **kept})
    changes: dict[str, Any] = {"attempts": attempts}
    if result.outcome is Outcome.UNKNOWN and wrong.outcome is Outcome.FAIL:
        changes["headline"] = f"{result.headline} (an earlier attempt failed: {wrong.headline})"
    return result.model_copy(update=changes)


def _since(report: pytest.TestReport) -> Since | None:
    """Return whether a failure is new, compared with the outcome before the deploy."""
    before = dict(report.user_properties).get(BEFORE)
    if before is None:
        return None
    if before in (Outcome.FAIL, Outcome.WAIVED):
        return "before"
    return "new" if before in (Outcome.PASS, Outcome.FLAKY) else "unknown"


def _waiver(report: pytest.TestReport) -> str:
    waiver = dict(report.user_properties).get(WAIVER)
    return one_line(redact(str(waiver))) if waiver else ""


def _first_line(text: str) -> str:
    return one_line(redact(text).strip().partition("\n")[0], _LONGEST_REASON)


def _format(result: CheckResult) -> str:
    """Return the result as a finding is printed."""
    texts = (result.first_line, result.expected, result.observed, result.evidence)
    return str(Finding(*texts, tuple(Hint(each.text, each.place) for each in result.hints)))


def _result(
    report: pytest.TestReport, outcome: Outcome, *, observed: str = "", **texts: Any
) -> CheckResult:
    properties = {name: str(value) for name, value in report.user_properties}
    place = properties.get(VANTAGE_POINT)
    if place and "headline" in texts:
        texts["headline"] += f" (from {place})"
    return CheckResult(
        **_identity(properties, report.nodeid),
        warnings=tuple(str(text) for name, text in report.user_properties if name == WARNING),
        outcome=outcome,
        observed="" if outcome is Outcome.UNKNOWN else observed,
        attempts=[Attempt(outcome=outcome, observed=observed)],
        duration_s=report.duration,
        **texts,
    )


def _identity(properties: Mapping[str, str], nodeid: str) -> dict[str, Any]:
    if CHECK not in properties:
        return {"id": nodeid, "suite": "", "check": "", "subject": "", "service": ""}
    fields = {name: properties[name] for name in (SUITE, CHECK, SUBJECT, SERVICE, SEVERITY)}
    return {"id": check_id(properties), **fields}
