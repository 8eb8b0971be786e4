"""A pytest project with checks in it, run for real with the plugins of `reports` alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reports

ROOT = Path(reports.__file__).parents[1]

_INI = """\
[pytest]
addopts = --assert=plain --strict-markers --strict-config -p no:cacheprovider -rN -q
filterwarnings = error
"""

_CONFTEST = """
import pytest

pytest_plugins = [
    "reports.classification",
    "reports.verdict_file",
    "reports.allure_labels",
    "reports.github",
    "reports.terminal",
]


def pytest_configure(config):
    config.addinivalue_line("markers", "check(environment, suite, check, subject, service)")


def pytest_collection_modifyitems(items):
    names = ("environment", "suite", "check", "subject", "service")
    for item in items:
        mark = item.get_closest_marker("check")
        if mark:
            item.user_properties += zip(names, mark.args)
            item.user_properties.append(("severity", mark.kwargs.get("severity", "normal")))


class CannotLook(Exception):
    pass


@pytest.fixture
def engine():
    raise CannotLook("engine unix:///run/no.sock: no such socket")


@pytest.fixture
def broken():
    raise KeyError("State")


@pytest.fixture
def breaks_after():
    yield
    raise ValueError("left behind")
"""

_HEADER = """\
import os
import pytest
from reports.finding import Finding, finding

class Named:
    def __init__(self, name):
        self.name = name

api = Named("api")
web = Named("web")

def check(suite, name, subject, service=None, environment="lab", **more):
    service = subject if service is None else service
    return pytest.mark.check(environment, suite, name, subject, service, **more)

"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run these checks with these arguments, in a process of its own.

    In this process they would get the assert rewriting of the test that runs them.
    """
    for name in (
        "NO_COLOR",
        "FORCE_COLOR",
        "PY_COLORS",
        "PYTEST_ADDOPTS",
        "COLUMNS",
        "GITHUB_ACTIONS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    pytester.makeini(_INI)
    pytester.makeconftest(_CONFTEST)

    def run(checks: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(test_checks=_HEADER + checks)
        return pytester.runpytest_subprocess(*arguments)

    return run


Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read_verdict(pytester: pytest.Pytester) -> Read:
    """The verdict that was written of an environment, `lab` where none is named."""

    def read(environment: str = "lab", directory: str = "reports/out") -> dict[str, Any]:
        path = pytester.path / directory / environment / "verdict.json"
        verdict: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return verdict

    return read
