"""pytest plugin: gives every check its outcome, and what is to be told of it, as it ends.

Whatever the other outputs print or write was taken from a report that went through here, and
nothing leaves here that was not redacted and made safe to print.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from textwrap import indent
from typing import Any

import pytest

from reports.finding import Finding
from reports.outcome import Outcome
from reports.verdict import WAITED, Attempt, CheckResult, Since, Waited
from stackproof.printable import lines, one_line
from stackproof.secrets import redact

TRACEBACK = "traceback"
"""Title of the evidence where a check or a fixture of ours broke."""

_WARNING = "warning"
_BEFORE = "before"
_ATTRIBUTE = "check_result"
_LONGEST_REASON = 300
_WORST = pytest.StashKey[CheckResult]()
_EARLIER = pytest.StashKey[tuple[CheckResult, ...]]()
"""What earlier looks at the check came to, where it is looked at again."""


@pytest.fixture
def warn(request: pytest.FixtureRequest) -> Callable[[Finding], None]:
    """Tell of what is not wrong yet, and will be: the check passes, and every report shows it."""

    def tell(finding: Finding) -> None:
        request.node.user_properties.append((_WARNING, redact(finding.headline)))

    return tell


def check_result(report: pytest.TestReport) -> CheckResult | None:
    """What this phase of a check came to; None where the phase decides nothing."""
    result: CheckResult | None = vars(report).get(_ATTRIBUTE)
    return result


def missing(told: Mapping[str, str], why: str) -> CheckResult:
    """What a check comes to that did not run.

    Args:
        told: its properties, or nothing but `id`, pytest's id of it.
        why: why that matters, in some words.
    """
    return CheckResult(
        **_identity_of(told),
        outcome=Outcome.UNKNOWN,
        headline=f"could not look: {why}",
        attempts=[],
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach to the report what the check came to, and say it in place of pytest's own words."""
    if call.when == "setup" and _WORST in item.stash:
        item.stash[_EARLIER] = (*item.stash.get(_EARLIER, ()), item.stash[_WORST])
        del item.stash[_WORST]
        item.user_properties[:] = [told for told in item.user_properties if told[0] != _WARNING]
    # JUnit and Allure write them as they are.
    item.user_properties[:] = [
        (name, _property(name, str(told))) for name, told in item.user_properties
    ]
    if call.excinfo is not None and _tells_all(call.excinfo.value):
        # Where it was raised is told nowhere; for pytest to spell that out takes ten milliseconds.
        call.excinfo.traceback = call.excinfo.traceback[:0]
    report = yield
    # Indented, as evidence is: what was printed may look like a line of ours.
    report.sections = [
        (title, indent(lines(redact(text)), "  ")) for title, text in report.sections
    ]
    # Nobody reads them, xdist sends them three times a check, and pytest keeps them to the end.
    report.keywords = {}
    result = _classify(call, report)
    if result is not None:
        earlier: tuple[CheckResult, ...] = item.stash.get(_EARLIER, ())
        result = _after(earlier, result)
        _attach(report, result)
        before = item.stash.get(_WORST, result)
        item.stash[_WORST] = max(before, result, key=lambda each: each.outcome.weight)
    # JUnit takes a case's properties from its last report, so the teardown's needs them as well.
    told = item.stash.get(_WORST, None)
    if told is not None:
        report.user_properties += [
            ("outcome", told.outcome.value),
            ("attempts", str(len(told.attempts))),
        ]
        if len(told.attempts) > 1:
            report.user_properties += [
                (f"attempt {number}", str(attempt))
                for number, attempt in enumerate(told.attempts, start=1)
            ]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any], dict[str, Any]]:
    """Send plain values: xdist sends reports from its workers to the controller."""
    data = yield
    if data and (result := data.get(_ATTRIBUTE)):
        data[_ATTRIBUTE] = result.model_dump(mode="json", exclude_defaults=True)
    return data


@pytest.hookimpl(tryfirst=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> None:
    """Take what came to be what was sent."""
    if plain := data.get(_ATTRIBUTE):
        data[_ATTRIBUTE] = CheckResult.model_validate(plain)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> None:
    """Make UNKNOWN of a check that was lost together with the xdist worker that ran it."""
    _attach(report, _could_not_look(report, str(report.longrepr)))


def _classify(call: pytest.CallInfo[None], report: pytest.TestReport) -> CheckResult | None:
    if call.excinfo is None:
        if report.failed:  # a strict xfail that passed
            return _could_not_look(report, str(report.longrepr))
        return _passed(report) if report.when == "call" else None
    exception = call.excinfo.value
    if report.when == "call" and isinstance(exception, AssertionError):
        return _failed(report, exception)
    if _is_cannot_look(exception):
        return _could_not_look(report, str(exception))
    if isinstance(exception, pytest.skip.Exception):
        # A check that was skipped did not look, and a gate must not take it for a pass.
        return _could_not_look(report, f"skipped: {exception.msg}")
    reason = f"{type(exception).__name__}: {exception}"
    return _could_not_look(report, reason, traceback=report.longreprtext)


def _passed(report: pytest.TestReport) -> CheckResult:
    result = _result(report, Outcome.PASS)
    if waiver := _waiver(report):
        useless = f"{result.id} passed: its waiver, {waiver}, can go"
        return result.model_copy(update={"warnings": (*result.warnings, useless)})
    return result


def _waiver(report: pytest.TestReport) -> str:
    return one_line(redact(str(dict(report.user_properties).get("waiver", ""))))


def _after(earlier: Sequence[CheckResult], result: CheckResult) -> CheckResult:
    """What a check came to after earlier looks, none of which it passed: the last one decides."""
    if not earlier:
        return result
    attempts = [*earlier[-1].attempts, *result.attempts]
    wrong = next((look for look in earlier if look.outcome is Outcome.FAIL), earlier[0])
    if result.outcome is Outcome.PASS:
        kept = {"duration_s": result.duration_s, "warnings": result.warnings, "since": None}
        return wrong.model_copy(update={"outcome": Outcome.FLAKY, "attempts": attempts, **kept})
    changes: dict[str, Any] = {"attempts": attempts}
    if result.outcome is Outcome.UNKNOWN and wrong.outcome is Outcome.FAIL:
        # It failed, and that could not be confirmed.
        changes["headline"] = f"{result.headline} (when it was looked at first: {wrong.headline})"
    return result.model_copy(update=changes)


def _tells_all(exception: BaseException) -> bool:
    """Whether what is told of an exception is its message alone."""
    told = exception.args[0] if exception.args else None
    return isinstance(told, Finding) or _is_cannot_look(exception)


def _is_cannot_look(exception: BaseException) -> bool:
    # By name: the exception belongs to a room that this one may not import.
    return any(kind.__name__ == "CannotLook" for kind in type(exception).__mro__)


def _failed(report: pytest.TestReport, exception: AssertionError) -> CheckResult:
    finding = exception.args[0] if exception.args else None
    if not isinstance(finding, Finding):
        says = _first_line(str(exception)) or "assertion failed"
        name = _identity(report)["id"]
        evidence = {TRACEBACK: report.longreprtext}
        finding = Finding(f"{name}: {says}", expected="", observed="", evidence=evidence, hint="")
    waived = report.skipped and hasattr(report, "wasxfail")
    waiver = redact(report.wasxfail) if waived else _waiver(report)
    evidence = {**finding.evidence, **({"waiver": waiver} if waiver and not waived else {})}
    result = _result(
        report,
        Outcome.WAIVED if waived else Outcome.FAIL,
        observed=redact(finding.observed),
        headline=redact(finding.headline),
        expected=redact(finding.expected),
        evidence={redact(title): redact(text) for title, text in evidence.items()},
        hint=redact(finding.hint),
        since=_since(report),
        waiver=waiver,
    )
    if waived:
        report.wasxfail = result.waiver
    report.longrepr = _whole(result)
    return result


def _whole(result: CheckResult) -> str:
    """The finding as it is printed, of texts that are safe to print."""
    return str(
        Finding(
            result.first_line, result.expected, result.observed, result.evidence, result.hint
        )
    )  # fmt: skip


def _since(report: pytest.TestReport) -> Since | None:
    """Whether a failure is new, by what its check came to before the deploy."""
    before = dict(report.user_properties).get(_BEFORE)
    if before is None:
        return None
    if before in (Outcome.FAIL, Outcome.WAIVED):
        return "before"
    return "new" if before in (Outcome.PASS, Outcome.FLAKY) else "unknown"


def _could_not_look(report: pytest.TestReport, reason: str, traceback: str = "") -> CheckResult:
    reason = _first_line(reason)
    headline = f"could not look: {reason}"
    evidence = {TRACEBACK: redact(traceback)} if traceback else {}
    report.outcome = "failed"
    vars(report).pop("wasxfail", None)
    result = _result(report, Outcome.UNKNOWN, observed=reason, headline=headline, evidence=evidence)
    report.longrepr = _whole(result)
    if report.when != "teardown":
        # pytest calls it an error, and not a failure, where anything but the call went wrong.
        # This makes the terminal, JUnit and Allure agree that no check failed here.
        report.when = "setup"
    return result


def _property(name: str, told: str) -> str:
    if name == WAITED:  # a model, whose fields are made safe one by one
        return Waited.model_validate_json(told).model_dump_json()
    return one_line(told)


def _first_line(text: str) -> str:
    return one_line(redact(text).strip().partition("\n")[0], _LONGEST_REASON)


def _result(
    report: pytest.TestReport, outcome: Outcome, *, observed: str = "", **told: Any
) -> CheckResult:
    place = dict(report.user_properties).get("vantage_point")
    if place and "headline" in told:
        told["headline"] += f" (from {place})"
    return CheckResult(
        **_identity(report),
        warnings=tuple(str(text) for name, text in report.user_properties if name == _WARNING),
        outcome=outcome,
        observed="" if outcome is Outcome.UNKNOWN else observed,
        attempts=[Attempt(outcome=outcome, observed=observed)],
        duration_s=report.duration,
        **told,
    )


def _identity(report: pytest.TestReport) -> dict[str, Any]:
    named = {name: str(value) for name, value in report.user_properties}
    return _identity_of({"id": report.nodeid, **named})


def _identity_of(named: Mapping[str, str]) -> dict[str, Any]:
    if "check" not in named:
        return {"id": named["id"], "suite": "", "check": "", "subject": "", "service": ""}
    suite, check, subject = named["suite"], named["check"], named["subject"]
    return {
        "id": f"{suite}.{check}[{subject}]",
        "suite": suite,
        "check": check,
        "subject": subject,
        "service": named["service"],
        "severity": named["severity"],
    }


def _attach(report: pytest.TestReport, result: CheckResult) -> None:
    vars(report)[_ATTRIBUTE] = result
