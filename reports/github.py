"""pytest plugin: annotations and the job summary on GitHub.

Inactive unless `GITHUB_ACTIONS` is `true`, as on the runners of GitHub Actions.
"""

import os
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from stackproof.outcome import Outcome
from stackproof.printable import error_line, one_line
from stackproof.reports.order import causes_first
from stackproof.reports.summary import problems, warnings
from stackproof.reports.verdict import Verdict
from stackproof.reports.verdict_file import WRITTEN

MAX_ANNOTATIONS = 10
"""The number of annotations of one level that GitHub shows for a step."""

_MAX_SUMMARY_BYTES = 1_000_000
"""A little less than the limit above which GitHub rejects the summary of a step."""

_LONGEST_TITLE = 250
_LONGEST_TEXT = 2000

_Annotation = tuple[str, str]  # title and text


def pytest_configure(config: pytest.Config) -> None:
    """Start on GitHub, in the process that receives all reports."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_GitHub(config), "stackproof-github")


class _GitHub:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._token = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        # Evidence can contain the log of a container, which must not control the runner.
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
        verdicts = [each.verdict for each in self._config.stash.get(WRITTEN, [])]
        for line in annotations(verdicts):
            self._print(line)
        if path := os.environ.get("GITHUB_STEP_SUMMARY"):
            self._summarize(verdicts, Path(path))

    def _summarize(self, verdicts: Sequence[Verdict], path: Path) -> None:
        # Imported late: only GitHub needs it.
        from stackproof.reports.markdown import MAX_BYTES, markdown

        try:
            with path.open("ab") as page:
                for verdict in verdicts:
                    free = min(MAX_BYTES, _MAX_SUMMARY_BYTES - page.tell())
                    page.write(f"{markdown(verdict, free)}\n".encode())
        except OSError as error:
            message = f"cannot write {path}: {error_line(error)}"
            self._print(_command("warning", "summary", message))

    def _print(self, line: str) -> None:
        self._config.get_terminal_writer().line(line)


def annotations(verdicts: Sequence[Verdict]) -> Iterable[str]:
    """Yield workflow commands: an error for each failure, a warning for each other problem.

    A replay has no annotations, because they would be read as current problems.
    """
    verdicts = [verdict for verdict in verdicts if verdict.replay_of is None]
    yield from _commands("error", [each for verdict in verdicts for each in _errors(verdict)])
    yield from _commands("warning", [each for verdict in verdicts for each in _warnings(verdict)])


def _errors(verdict: Verdict) -> Iterable[_Annotation]:
    failed = causes_first(each for each in verdict.checks if each.outcome is Outcome.FAIL)
    for check in sorted(failed, key=lambda check: check.severity != "critical"):
        yield f"{verdict.environment} {check.id}", check.first_line


def _warnings(verdict: Verdict) -> Iterable[_Annotation]:
    for outcome, text in problems(verdict.checks):
        if outcome is Outcome.UNKNOWN:
            yield f"{verdict.environment} unknown", text
    for text in warnings(verdict):
        yield f"{verdict.environment} warning", text


def _commands(level: str, annotations: Sequence[_Annotation]) -> Iterable[str]:
    fit = len(annotations) <= MAX_ANNOTATIONS
    shown = annotations if fit else annotations[: MAX_ANNOTATIONS - 1]
    for title, text in shown:
        yield _command(level, title, text)
    if rest := len(annotations) - len(shown):
        yield _command(level, f"{rest} more", f"{rest} more are in the summary of the job")


def _command(level: str, title: str, text: str) -> str:
    title = _escape(title, _LONGEST_TITLE).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_escape(text, _LONGEST_TEXT)}"


def _escape(text: str, longest: int) -> str:
    return one_line(text, longest).replace("%", "%25")
