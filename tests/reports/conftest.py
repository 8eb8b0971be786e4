"""A pytest project with checks in it, run for real with the plugins of `reports` alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

import reports

pytest_plugins = ["pytester"]

ROOT = Path(reports.__file__).parents[1]

_INI = """\
[pytest]
addopts = --assert=plain --strict-markers --strict-config -p no:cacheprovider -rN -q
filterwarnings = error
"""

_CONFTEST = '''
import pytest

pytest_plugins = [
    "reports.classification",
    "reports.verdict_file",
    "reports.allure_labels",
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
    raise CannotLook("engine unix:///var/run/docker.sock: no such socket")


@pytest.fixture
def broken():
    raise KeyError("State")


@pytest.fixture
def breaks_after():
    yield
    raise ValueError("left behind")
'''

_HEADER = """\
import os
import pytest
from reports.finding import Finding, finding

class Named:
    def __init__(self, name):
        self.name = name

api = Named("api")

def check(suite, name, subject, service=None, environment="lab", **more):
    service = subject if service is None else service
    return pytest.mark.check(environment, suite, name, subject, service, **more)

"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run these checks with these arguments, in a process of its own where `apart` is given."""
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    pytester.makeini(_INI)
    pytester.makeconftest(_CONFTEST)

    def run(checks: str, *arguments: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_checks=_HEADER + checks)
        if apart:
            return pytester.runpytest_subprocess(*arguments)
        return pytester.runpytest_inprocess(*arguments)

    return run
