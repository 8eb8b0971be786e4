"""pytest plugin: what GitHub shows of a run: annotations, and the summary of the job.

Idle unless `GITHUB_ACTIONS` is `true`, as it is on GitHub's runners.
"""

import os
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from reports.outcome import Outcome
from reports.summary import told, warnings
from reports.verdict import Verdict
from reports.verdict_file import WRITTEN
from stackproof.printable import one_line

MOST = 10
"""Annotations of one level that GitHub shows of a step."""

_PAGE = 1_000_000
"""Bytes of a step's summary, a little less than what makes GitHub refuse all of it."""

_LONGEST_TITLE = 250
_LONGEST_TEXT = 2000

_Annotation = tuple[str, str]  # title, and what is said


def pytest_configure(config: pytest.Config) -> None:
    """Start where GitHub runs it, in the process that hears of every check."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_GitHub(config), "stackproof-github")


class _GitHub:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._token = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        # A container's log is printed as evidence, and nothing in it may command the runner.
        self._token = uuid4().hex
        self._print(f"::stop-commands::{self._token}")
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        try:
            yield
        finally:
            if self._token:
                self._print(f"::{self._token}::")
        verdicts = [written.verdict for written in self._config.stash.get(WRITTEN, [])]
        for line in annotations(verdicts):
            self._print(line)
        if path := os.environ.get("GITHUB_STEP_SUMMARY"):
            self._summarize(verdicts, Path(path))

    def _summarize(self, verdicts: Sequence[Verdict], path: Path) -> None:
        # Imported here: only GitHub's runners need it.
        from reports.markdown import LARGEST, markdown

        try:
            with path.open("ab") as page:
                for verdict in verdicts:
                    room = min(LARGEST, _PAGE - page.tell())
                    page.write(f"{markdown(verdict, room)}\n".encode())
        except OSError as error:
            reason = error.strerror or str(error)
            self._print(_command("warning", "summary", f"cannot write {path}: {reason}"))

    def _print(self, line: str) -> None:
        self._config.get_terminal_writer().line(line)


def annotations(verdicts: Sequence[Verdict]) -> Iterable[str]:
    """Workflow commands: an error for each failure, a warning for all else that is to be known.

    None for a replay: they would be read as what is wrong now.
    """
    verdicts = [verdict for verdict in verdicts if verdict.replay_of is None]
    yield from _shown("error", [each for verdict in verdicts for each in _errors(verdict)])
    yield from _shown("warning", [each for verdict in verdicts for each in _warnings(verdict)])


def _errors(verdict: Verdict) -> Iterable[_Annotation]:
    failed = [check for check in verdict.checks if check.outcome is Outcome.FAIL]
    for check in sorted(failed, key=lambda check: check.severity != "critical"):
        yield f"{verdict.environment} {check.id}", check.first_line


def _warnings(verdict: Verdict) -> Iterable[_Annotation]:
    for outcome, text in told(verdict.checks):
        if outcome is Outcome.UNKNOWN:
            yield f"{verdict.environment} unknown", text
    for text in warnings(verdict):
        yield f"{verdict.environment} warning", text


def _shown(level: str, found: Sequence[_Annotation]) -> Iterable[str]:
    shown = found if len(found) <= MOST else found[: MOST - 1]
    for title, text in shown:
        yield _command(level, title, text)
    if rest := len(found) - len(shown):
        yield _command(level, f"{rest} more", f"{rest} more are in the summary of the job")


def _command(level: str, title: str, text: str) -> str:
    escaped = _escaped(title, _LONGEST_TITLE).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={escaped}::{_escaped(text, _LONGEST_TEXT)}"


def _escaped(text: str, longest: int) -> str:
    return one_line(text, longest).replace("%", "%25")
