"""A pytest project with checks, run with the plugins of `reports` alone."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from stackproof.reports import plugins

# pytester forgets the modules that a run imports first, so that a later run has some of them twice.
for _plugin in plugins.PLUGINS:
    import_module(_plugin)

ROOT = Path(__file__).parents[2]

# Not `test_*.py`: the assertion rewriting of the outer pytest would change the messages of asserts.
_INI = """\
[pytest]
python_files = checks.py
addopts = --assert=plain --strict-markers --strict-config -p no:cacheprovider -rN -q
filterwarnings = error
"""

_CONFTEST = """
import pytest

from stackproof.report_properties import WAIVED, properties_of
from stackproof.unobserved import UnobservedError

pytest_plugins = ["stackproof.reports.plugins"]


def pytest_configure(config):
    config.addinivalue_line("markers", "check(environment, suite, check, subject, service)")


def pytest_collection_modifyitems(items):
    names = ("environment", "suite", "check", "subject", "service")
    for item in items:
        mark = item.get_closest_marker("check")
        if mark:
            properties_of(item).extend(zip(names, mark.args))
            properties_of(item).append(("severity", mark.kwargs.get("severity", "normal")))
            if waiver := mark.kwargs.get("waiver"):
                properties_of(item).append(("waiver", waiver))
                item.stash[WAIVED] = True


@pytest.fixture
def engine():
    raise UnobservedError("engine unix:///run/no.sock: no such socket")


@pytest.fixture
def broken():
    raise KeyError("State")


@pytest.fixture
def broken_teardown():
    yield
    raise ValueError("left behind")


@pytest.fixture
def time_out():
    return lambda: pytest.fail("Timeout >1.0s")
"""

_HEADER = """\
import os
import pytest
from stackproof.finding import Finding, finding
from stackproof.hint import server
from stackproof.unobserved import ConnectionLostError, UnobservedError

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
    """Return a function that runs checks with arguments, in this process by default."""
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
    monkeypatch.setattr("sys.dont_write_bytecode", True)  # two runs can have checks of equal size
    pytester.syspathinsert()
    pytester.makeini(_INI)
    pytester.makeconftest(_CONFTEST)

    def run(checks: str, *arguments: str, subprocess: bool = False) -> pytest.RunResult:
        pytester.makepyfile(checks=_HEADER + checks)
        if subprocess:
            return pytester.runpytest_subprocess(*arguments)
        return pytester.runpytest_inprocess(*arguments)

    return run


Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read_verdict(pytester: pytest.Pytester) -> Read:
    """Return a function that reads the verdict on an environment, `lab` by default."""

    def read(environment: str = "lab", directory: str = "reports/out") -> dict[str, Any]:
        path = pytester.path / directory / environment / "verdict.json"
        verdict: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return verdict

    return read
