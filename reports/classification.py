"""pytest plugin: gives each check its outcome and its result as it ends.

Every output is made from these results. Their texts are redacted and safe to print.
"""

import sys
from collections.abc import Callable, Generator
from functools import lru_cache
from textwrap import indent
from typing import Any

import pytest

from stackproof.finding import Finding
from stackproof.printable import lines, one_line, text_of
from stackproof.report_properties import WAIVED, WARNING, is_reserved, properties_of
from stackproof.reports.check_results import (
    ATTRIBUTE,
    attach,
    combine,
    failed,
    passed,
    result_properties,
    unknown,
)
from stackproof.reports.verdict import CheckResult
from stackproof.secrets import redact
from stackproof.unobserved import UnobservedError

_WORST = pytest.StashKey[CheckResult]()
_EARLIER = pytest.StashKey[tuple[CheckResult, ...]]()
"""The results of earlier attempts, if the check is retried."""


@pytest.fixture
def warn(request: pytest.FixtureRequest) -> Callable[[Finding], None]:
    """Return a function that adds a warning to the check, which every report shows."""

    def add(finding: Finding) -> None:
        if not isinstance(finding, Finding):
            raise TypeError(f"warn: expected finding(...), not {type(finding).__name__}")
        properties_of(request.node).append((WARNING, redact(finding.headline)))

    return add


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the result of the check to its report, and print it instead of pytest's own text."""
    if call.when == "setup" and _WORST in item.stash:
        _start_retry(item)
    _remove_reserved(item)
    if call.excinfo is not None and _is_self_explanatory(call.excinfo.value):
        # The traceback is not printed, and formatting it takes ten milliseconds.
        call.excinfo.traceback = call.excinfo.traceback[:0]
    report = yield
    ours = [(name, _printable(text)) for name, text in properties_of(item)]
    report.user_properties = [*ours, *report.user_properties]
    # Indented like evidence, because captured output can look like a line of ours.
    report.sections = [
        (title, indent(lines(redact(text)), "  ")) for title, text in report.sections
    ]
    # Unused, but xdist would send the keywords with each report.
    report.keywords = {}
    try:
        result = _classify(item, call, report)
    except Exception as error:  # noqa: BLE001 - what a check raises can raise again
        result = unknown(report, f"what it raised cannot be reported: {text_of(error)}")
    if result:
        earlier: tuple[CheckResult, ...] = item.stash.get(_EARLIER, ())
        result = combine(earlier, result)
        attach(report, result)
        previous = item.stash.get(_WORST, result)
        item.stash[_WORST] = max(previous, result, key=lambda each: each.outcome.weight)
    # JUnit writes the properties of the last report of a check, which is that of its teardown.
    if worst := item.stash.get(_WORST, None):
        report.user_properties += result_properties(worst)
    return report


# All phases of a check, and most checks, have the same properties.
_printable = lru_cache(maxsize=1024)(one_line)


def _remove_reserved(item: pytest.Item) -> None:
    """Remove the properties that only we record; make the others printable, as JUnit writes them.

    A check must not report its result as that of another one.
    """
    kept = []
    for given, value in item.user_properties:
        name = _printable(text_of(given))
        if is_reserved(name):
            warning = f"{item.name} records the property {name!r}, which is reserved: ignored"
            properties_of(item).append((WARNING, warning))
        else:
            kept.append((name, _printable(text_of(value))))
    item.user_properties[:] = kept


def _start_retry(item: pytest.Item) -> None:
    item.stash[_EARLIER] = (*item.stash.get(_EARLIER, ()), item.stash[_WORST])
    del item.stash[_WORST]
    properties = properties_of(item)
    properties[:] = [each for each in properties if each[0] != WARNING]


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any], dict[str, Any]]:
    """Convert the result to plain values: xdist sends reports from its workers."""
    data = yield
    if data and (result := data.get(ATTRIBUTE)):
        data[ATTRIBUTE] = result.model_dump(mode="json", exclude_defaults=True)
    return data


def pytest_report_from_serializable(data: dict[str, Any]) -> None:
    """Convert the plain values back to a result."""
    if plain := data.get(ATTRIBUTE):
        data[ATTRIBUTE] = CheckResult.model_validate(plain)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> None:
    """Report a check as UNKNOWN if the xdist worker that ran it crashed."""
    attach(report, unknown(report, str(report.longrepr)))


def _classify(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> CheckResult | None:
    if call.excinfo is None:
        if report.failed:  # a strict xfail that passed
            return unknown(report, str(report.longrepr))
        return passed(report) if report.when == "call" else None
    exception = call.excinfo.value
    if report.when == "call" and (
        isinstance(exception, AssertionError) or _is_failed_by_check(item, call.excinfo)
    ):
        return failed(report, exception, is_waived=_is_waived(item))
    if isinstance(exception, UnobservedError):
        return unknown(report, text_of(exception))
    if isinstance(exception, pytest.skip.Exception):
        # A skipped check verified nothing, and a gate must not count it as passed.
        return unknown(report, f"skipped: {exception.msg}")
    reason = f"{type(exception).__name__}: {text_of(exception)}"
    return unknown(report, reason, traceback=report.longreprtext)


def _is_failed_by_check(item: pytest.Item, raised: pytest.ExceptionInfo[BaseException]) -> bool:
    """Tell whether a check called `pytest.fail`. Plugins call it too, for example at a timeout."""
    if not isinstance(raised.value, pytest.fail.Exception):
        return False
    modules = [entry.frame.f_globals.get("__name__", "") for entry in raised.traceback]
    caller = next((name for name in reversed(modules) if name != "_pytest.outcomes"), "")
    return not item.config.pluginmanager.is_registered(sys.modules.get(caller))


def _is_waived(item: pytest.Item) -> bool:
    """Tell whether a failure is waived. A mark such as `xfail` does not waive it."""
    return item.stash.get(WAIVED, False) and not item.config.option.runxfail


def _is_self_explanatory(exception: BaseException) -> bool:
    """Tell whether the message of an exception is all that is reported of it."""
    if isinstance(exception, UnobservedError):
        return True
    try:
        return isinstance(exception.args[0], Finding)
    except Exception:  # noqa: BLE001 - it may have no argument, or `args` of its own
        return False
