"""pytest plugin: one symbol a check while it runs, and at the end one summary an environment."""

import sys
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from reports.classification import TRACEBACK, check_result
from reports.outcome import Outcome
from reports.summary import ASCII, UNICODE, Style, summarize
from reports.verdict_file import WRITTEN
from stackproof import run_state
from stackproof.exit_codes import EXIT_NOTHING_SELECTED, EXIT_UNKNOWN
from stackproof.printable import one_line

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
    """Say the outcome of a check, and keep what could not look out of pytest's ERRORS section."""
    result = check_result(report) if isinstance(report, pytest.TestReport) else None
    if result is None:
        return None
    category, letter, word = _STATUSES[result.outcome]
    if result.outcome is Outcome.UNKNOWN and (TRACEBACK in result.evidence or not result.suite):
        # Only what broke has more to show than its reason, and the summary gives the reason.
        category = "error"
    return category, letter, word


def pytest_configure(config: pytest.Config) -> None:
    """Print the summary where pytest prints: not in an xdist worker."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Summary(config), "stackproof-summary")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main() -> Generator[None, object, object]:
    """Keep what is said of wrong usage on its line: it quotes the command line, and files."""
    try:
        return (yield)
    except pytest.UsageError as error:
        raise pytest.UsageError(*(one_line(str(said)) for said in error.args)) from error


class _Summary:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        # Around pytest's own terminal output, so that the verdict comes after all of it.
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
            writer.line("could not look: workers were lost before they told what they would run")
        glyphs = UNICODE if _can_print(UNICODE.values()) else ASCII
        style = Style(writer.fullwidth, glyphs, writer.markup)
        for each in written:
            where = _shown(each.path, self._config.invocation_params.dir)
            for line in ("", *summarize(each.verdict, where, each.error, style)):
                writer.line(line)
            state.verdicts[each.verdict.environment].printed = True
        for line in state.unwritten.values():
            writer.line(line, red=True)
        writer.flush()


def _can_print(glyphs: object) -> bool:
    stream = sys.__stdout__
    try:
        str(glyphs).encode((stream and stream.encoding) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def _shown(path: Path, start: Path) -> str:
    return str(path.relative_to(start) if path.is_relative_to(start) else path)
