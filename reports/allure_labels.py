"""pytest plugin: what Allure's report shows of a check. Idle where `--alluredir` is not given."""

from collections.abc import Generator
from contextlib import suppress
from hashlib import md5
from pathlib import Path
from typing import Any

import allure
import allure_commons
import pytest
from allure_commons.model2 import Parameter, StatusDetails, TestResult, TestResultContainer

from reports.classification import check_result
from reports.outcome import Outcome
from reports.verdict import CheckResult
from stackproof import run_state
from stackproof.printable import lines
from stackproof.secrets import redact

_dynamic: Any = allure.dynamic
_OUTCOME = "outcome"
"""Label of a check that is flaky. Its attempts are results of their own, of one history."""


# Before Allure's own plugin, which ends a run that cannot make the folder.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start where results are asked for, and can be written."""
    if directory := config.getoption("allure_report_dir", None):
        try:
            Path(directory).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            run_state.of(config).cannot_write(directory, error)
            config.option.allure_report_dir = None
            return
        config.pluginmanager.register(_Labels(), "stackproof-allure-labels")
        written = _Written(config, Path(directory))
        allure_commons.plugin_manager.register(written)
        config.add_cleanup(lambda: allure_commons.plugin_manager.unregister(written))


class _Labels:
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "setup":
            # After the setup, because that is when Allure's own plugin writes its title.
            _label(dict(item.user_properties))
            if replay := _replay(item):
                _dynamic.description("\n\n".join([replay, _promise(item)]))
        result = check_result(report)
        if result is not None and result.headline:
            _describe(item, result)
        return report


def _label(properties: dict[str, object]) -> None:
    if "check" not in properties:
        return
    named = {name: str(value) for name, value in properties.items()}
    _dynamic.title(f"{named['suite']}.{named['check']}[{named['subject']}]")
    _dynamic.parent_suite(named["environment"])
    _dynamic.suite(named["suite"])
    _dynamic.severity(named["severity"])
    _dynamic.label("environment", named["environment"])
    for origin in ("engine", "replay_of"):
        if origin in named:
            _dynamic.label(origin, redact(named[origin]))
    if named["service"]:
        _dynamic.sub_suite(named["service"])
        _dynamic.label("service", named["service"])


def _promise(item: pytest.Item) -> str:
    """Return what the check is for, as its docstring says."""
    return (getattr(getattr(item, "function", None), "__doc__", None) or "").strip()


def _replay(item: pytest.Item) -> str:
    """Return that the check judges old facts, and when these were gathered; empty otherwise."""
    at = dict(item.user_properties).get("replay_of")
    return f"**REPLAY** of facts gathered at {at}" if at else ""


def _describe(item: pytest.Item, result: CheckResult) -> None:
    told = {"Expected": result.expected, "Observed": result.observed, "Hint": result.hint}
    # As code, because it is Markdown, which would take `<none>` for a tag.
    coded = {title: text.replace("`", "'") for title, text in told.items() if text}
    said = (f"**{title}:** `{text}`" for title, text in coded.items())
    _dynamic.description("\n\n".join(filter(None, [_replay(item), _promise(item), *said])))
    if result.outcome is Outcome.FLAKY:
        _dynamic.label(_OUTCOME, result.outcome.value)
    for title, text in result.evidence.items():
        allure.attach(text, name=title, attachment_type=allure.attachment_type.TEXT)


class _Written:
    """Sees what Allure writes, which holds exceptions that no report was made of."""

    def __init__(self, config: pytest.Config, directory: Path) -> None:
        self._config = config
        self._directory = directory

    @allure_commons.hookimpl(wrapper=True)
    def report_attached_data(self) -> Generator[None, object, object]:
        return (yield from self._tried())

    def _tried(self) -> Generator[None, object, object]:
        """Note what cannot be written, and leave no part of it behind."""
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
            result.statusDetails = _in_our_words(result.statusDetails)
        if any((la.name, la.value) == (_OUTCOME, Outcome.FLAKY) for la in result.labels):
            result.statusDetails = StatusDetails(flaky=True)
        environment = next((la.value for la in result.labels if la.name == "environment"), None)
        if environment:
            # In place of pytest's parameters, whose values are whole models: a check keeps its
            # history as long as it keeps its name.
            result.parameters = [Parameter(name="environment", value=environment)]
            result.testCaseId = _digest(result.name)
            result.historyId = _digest(f"{environment} {result.name}")
        return (yield from self._tried())

    @allure_commons.hookimpl(wrapper=True)
    def report_container(self, container: TestResultContainer) -> Generator[None, object, object]:
        for step in (*container.befores, *container.afters):
            if step.statusDetails:
                step.statusDetails = _in_our_words(step.statusDetails)
        return (yield from self._tried())


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _in_our_words(details: StatusDetails) -> StatusDetails:
    message, trace = lines(redact(details.message or "")), lines(redact(details.trace or ""))
    says = message if message.startswith(("XFAIL", "XPASS")) else trace or message
    return StatusDetails(message=says.partition("\n")[0], trace=trace)
