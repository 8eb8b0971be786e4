"""pytest plugin: one symbol per check while it runs, and one summary per environment at the end."""

import sys
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from stackproof.outcome import EXIT_NOTHING_SELECTED, EXIT_UNKNOWN, Outcome
from stackproof.printable import one_line
from stackproof.process import run_state
from stackproof.report_properties import CHECK, SUITE
from stackproof.reports.check_results import TRACEBACK, check_result
from stackproof.reports.order import rank
from stackproof.reports.summary import ASCII, UNICODE, Style, summarize
from stackproof.reports.verdict_file import WRITTEN

_Word = str | tuple[str, Mapping[str, bool]]

_YELLOW = {"yellow": True}
_STATUSES: dict[Outcome, tuple[str, str, _Word]] = {
    Outcome.PASS: ("passed", ".", ("PASSED", {"green": True})),
    Outcome.FLAKY: ("flaky", "~", ("FLAKY", _YELLOW)),
    Outcome.WAIVED: ("waived", "w", ("WAIVED", _YELLOW)),
    Outcome.UNKNOWN: ("unknown", "?", ("UNKNOWN", _YELLOW)),
    Outcome.FAIL: ("failed", "F", ("FAILED", {"red": True})),
}


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, _Word] | None:
    """Return the outcome as pytest's status; keep UNKNOWN checks out of its ERRORS section."""
    result = check_result(report) if isinstance(report, pytest.TestReport) else None
    if result is None:
        return None
    category, letter, word = _STATUSES[result.outcome]
    if result.outcome is Outcome.UNKNOWN and (TRACEBACK in result.evidence or not result.suite):
        # Only a broken check has more to show than its reason, which is in the summary.
        category = "error"
    return category, letter, word


def pytest_configure(config: pytest.Config) -> None:
    """Print the summary in the process that has the terminal: not in an xdist worker."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Summary(config), "stackproof-summary")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main() -> Generator[None, object, object]:
    """Keep usage errors on one line: they quote the command line and files."""
    try:
        return (yield)
    except pytest.UsageError as error:
        raise pytest.UsageError(*(one_line(str(text)) for text in error.args)) from error


class _Summary:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        # Around pytest's own output, so that the verdict comes last.
        _sort_failures(self._config)
        try:
            return (yield)
        finally:
            self._summarize(session)

    def _summarize(self, session: pytest.Session) -> None:
        writer, state = self._config.get_terminal_writer(), run_state.of(self._config)
        written = self._config.stash.get(WRITTEN, [])
        if session.exitstatus == EXIT_NOTHING_SELECTED:
            writer.line("no check was selected: nothing was verified")
        if session.exitstatus == EXIT_UNKNOWN and not written:
            writer.line("no check could be evaluated: the workers were lost before they started")
        symbols = UNICODE if _can_print(UNICODE.values()) else ASCII
        style = Style(writer.fullwidth, symbols, writer.markup)
        for each in written:
            file = _relative(each.path, self._config.invocation_params.dir)
            for line in ("", *summarize(each.verdict, file, each.error, style)):
                writer.line(line)
            state.verdicts[each.verdict.environment].printed = True
        for line in state.unwritten.values():
            writer.line(line, red=True)
        writer.flush()


def _sort_failures(config: pytest.Config) -> None:
    """Have pytest print the failures of checks in an order in which causes come first."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        reporter.stats.get("failed", []).sort(key=_rank)


def _rank(report: pytest.TestReport) -> int:
    properties = dict(report.user_properties)
    return rank(str(properties.get(SUITE, "")), str(properties.get(CHECK, "")))


def _can_print(symbols: object) -> bool:
    stream = sys.__stdout__
    try:
        str(symbols).encode((stream and stream.encoding) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def _relative(path: Path, start: Path) -> str:
    return str(path.relative_to(start) if path.is_relative_to(start) else path)
