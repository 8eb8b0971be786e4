"""Titles, labels, descriptions and attachments of the Allure report (`--alluredir`)."""

import re
from collections.abc import Generator
from contextlib import suppress
from hashlib import md5
from pathlib import Path
from typing import Any

import allure
import allure_commons
import pytest
from allure_commons.model2 import Parameter, StatusDetails, TestResult, TestResultContainer

from stackproof.check_id import check_id
from stackproof.outcome import Outcome
from stackproof.printable import lines
from stackproof.process import run_state
from stackproof.report_properties import (
    CHECK,
    ENGINE,
    ENVIRONMENT,
    REPLAY_OF,
    SERVICE,
    SEVERITY,
    SUITE,
    properties_of,
)
from stackproof.reports.check_results import check_result
from stackproof.reports.verdict import CheckResult
from stackproof.secrets import redact

_dynamic: Any = allure.dynamic
_OUTCOME = "outcome"
"""The label of a flaky check. Its attempts are results of their own, with one history."""


def start(config: pytest.Config) -> None:
    """Register the output if its directory is writable; report the error otherwise."""
    directory = Path(config.getoption("allure_report_dir"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        run_state.of(config).cannot_write(directory, error)
        config.option.allure_report_dir = None
        return
    config.pluginmanager.register(_Labels(), "stackproof-allure-labels")
    results = _Results(config, directory)
    allure_commons.plugin_manager.register(results)
    config.add_cleanup(lambda: allure_commons.plugin_manager.unregister(results))


class _Labels:
    """Describes each check through Allure's API, as pytest reports it."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "setup":
            # After the setup, in which Allure's own plugin sets its title.
            _label(dict(properties_of(item)))
            if replay := _replay(item):
                _dynamic.description("\n\n".join([replay, _purpose(item)]))
        result = check_result(report)
        if result is not None and result.headline:
            _describe(item, result)
        return report


def _label(properties: dict[str, str]) -> None:
    if CHECK not in properties:
        return
    texts = properties
    _dynamic.title(check_id(properties))
    _dynamic.parent_suite(texts[ENVIRONMENT])
    _dynamic.suite(texts[SUITE])
    _dynamic.severity(texts[SEVERITY])
    _dynamic.label("environment", texts[ENVIRONMENT])
    for name in (ENGINE, REPLAY_OF):
        if name in texts:
            _dynamic.label(name, redact(texts[name]))
    if texts[SERVICE]:
        _dynamic.sub_suite(texts[SERVICE])
        _dynamic.label("service", texts[SERVICE])


def _purpose(item: pytest.Item) -> str:
    """Return the purpose of a check, which is its docstring."""
    return (getattr(getattr(item, "function", None), "__doc__", None) or "").strip()


def _replay(item: pytest.Item) -> str:
    """Return when the facts of a replay were gathered; empty otherwise."""
    at = dict(properties_of(item)).get(REPLAY_OF)
    return f"**REPLAY** of facts gathered at {at}" if at else ""


def _describe(item: pytest.Item, result: CheckResult) -> None:
    fields = [("Expected", result.expected), ("Observed", result.observed)]
    fields += [(f"Run {each.place}" if each.place else "Hint", each.text) for each in result.hints]
    paragraphs = (f"**{title}:** {as_code(text)}" for title, text in fields if text)
    _dynamic.description("\n\n".join(filter(None, [_replay(item), _purpose(item), *paragraphs])))
    if result.outcome is Outcome.FLAKY:
        _dynamic.label(_OUTCOME, result.outcome.value)
    for title, text in result.evidence.items():
        allure.attach(text, name=title, attachment_type=allure.attachment_type.TEXT)


def as_code(text: str) -> str:
    """Return a text as code in Markdown, which would read `<none>` as a tag."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " * bool(longest)
    return f"{fence}{space}{text}{space}{fence}"


class _Results:
    """Edits the results that Allure writes: its texts of exceptions are not redacted."""

    def __init__(self, config: pytest.Config, directory: Path) -> None:
        self._config = config
        self._directory = directory

    @allure_commons.hookimpl(wrapper=True)
    def report_attached_data(self) -> Generator[None, object, object]:
        return (yield from self._guard())

    def _guard(self) -> Generator[None, object, object]:
        """Note a file that cannot be written, and remove its parts."""
        try:
            return (yield)
        except OSError as error:
            run_state.of(self._config).cannot_write(self._directory, error)
            for part in self._directory.glob("*.tmp"):
                with suppress(OSError):
                    part.unlink()
            return None

    @allure_commons.hookimpl(wrapper=True)
    def report_result(self, result: TestResult) -> Generator[None, object, object]:
        if result.statusDetails:
            result.statusDetails = _redact(result.statusDetails)
        if any((la.name, la.value) == (_OUTCOME, Outcome.FLAKY) for la in result.labels):
            result.statusDetails = StatusDetails(flaky=True)
        environment = next((la.value for la in result.labels if la.name == "environment"), None)
        if environment:
            # Instead of pytest's parameters, whose values are whole models: a check keeps its
            # history as long as it keeps its name.
            result.parameters = [Parameter(name="environment", value=environment)]
            result.testCaseId = _digest(result.name)
            result.historyId = _digest(f"{environment} {result.name}")
        return (yield from self._guard())

    @allure_commons.hookimpl(wrapper=True)
    def report_container(self, container: TestResultContainer) -> Generator[None, object, object]:
        for step in (*container.befores, *container.afters):
            if step.statusDetails:
                step.statusDetails = _redact(step.statusDetails)
        return (yield from self._guard())


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _redact(details: StatusDetails) -> StatusDetails:
    message, trace = lines(redact(details.message or "")), lines(redact(details.trace or ""))
    text = message if message.startswith(("XFAIL", "XPASS")) else trace or message
    return StatusDetails(message=text.partition("\n")[0], trace=trace)
