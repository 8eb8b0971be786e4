"""An own check can break itself and no other, and what a verdict cannot rely on is refused."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

import pytest
import yaml

from stackproof.probes.declaration import PROBES
from tests import shop
from tests.command_line import Ran, clean_environment
from tests.in_process import check

HEADER = """
import warnings
import pytest
from stackproof.environment.services import Service
from stackproof.facts.container import Container
from stackproof.finding import Finding, finding
from stackproof.unobserved import UnobservedError

class Broken:
    def __str__(self):
        raise ValueError("in __str__")

class Exits:
    def __str__(self):
        raise SystemExit

class BrokenError(Exception):
    __str__ = Broken.__str__

def test_well(service: Service, container: Container) -> None:
    assert container.status == "running"

"""
ENVIRONMENT: Mapping[str, object] = {"services": {"api": {}}}
OBSERVED = shop.facts(containers={"api": shop.container()})
WELL = {"own.well[api]": ("PASS", "")}


def _project(
    folder: Path, source: str, environment: Mapping[str, object], conftest: str
) -> tuple[Path, str]:
    for name in ("environments", "suites"):
        (folder / name).mkdir(parents=True)
    other = yaml.safe_dump({"services": {"api": {}}})
    (folder / "environments" / "prod.yaml").write_text(other, encoding="utf-8")
    _, facts = shop.save(folder, environment, OBSERVED)
    text = HEADER + dedent(source)
    (folder / "suites" / "test_own.py").write_text(text, encoding="utf-8")
    if conftest:
        (folder / "suites" / "conftest.py").write_text(dedent(conftest), encoding="utf-8")
    return folder, facts


def _run(
    folder: Path,
    source: str,
    *arguments: str,
    environment: Mapping[str, object] = ENVIRONMENT,
    conftest: str = "",
) -> Ran:
    project, facts = _project(folder, source, environment, conftest)
    return check(project, "shop", facts, "-m", "own", *arguments)


def _results(ran: Ran) -> dict[str, tuple[str, str]]:
    assert ran.errors == ""
    return {
        each["id"]: (each["outcome"], each["headline"]) for each in ran.verdict("shop")["checks"]
    }


IDENTITY = ("environment", "suite", "check", "subject", "service", "severity", "outcome", "before")


@pytest.mark.parametrize("phase", ["fixture", "check"])
def test_a_check_cannot_report_its_result_as_that_of_another(tmp_path: Path, phase: str) -> None:
    record = "".join(f"record_property({name!r}, 'prod'); " for name in (*IDENTITY, "waiver"))
    source = f"""
        @pytest.fixture
        def recorded(record_property):
            {record if phase == "fixture" else "pass"}

        def test_it(service: Service, recorded, record_property) -> None:
            record_property("ticket", 17)
            {record if phase == "check" else "pass"}
            assert False, "wrong"
    """
    ran = _run(tmp_path, source, "--junitxml=junit.xml")
    assert ran.exit_code == 1
    assert _results(ran) == {**WELL, "own.it[api]": ("FAIL", "own.it[api]: wrong")}
    assert not (ran.written / "prod").exists()
    (it,) = (each for each in ran.verdict("shop")["checks"] if each["check"] == "it")
    assert (it["service"], it["severity"], it["waiver"], it["since"]) == ("api", "normal", "", None)
    expected = "test_it[shop-api] records the property 'environment', which is reserved: ignored"
    assert expected in it["warnings"]
    report = (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert '<property name="ticket" value="17"' in report
    assert 'value="prod"' not in report


BROKEN = {
    "assert False, finding(service, 'x', expected=1, observed=2, hint=3)": (
        "UNKNOWN", "could not be evaluated: TypeError: hint: expected a text or hints, not int",
    ),
    "assert False, finding(service, 'x', expected=1, observed=2, hint=['a'])": (
        "UNKNOWN", "could not be evaluated: TypeError: hint: expected a text or hints, not str",
    ),
    "assert False, finding(service, 'x', expected=1, observed=2, evidence={3: 'x'})": (
        "UNKNOWN",
        "could not be evaluated: TypeError: a title of the evidence: expected a text, not int",
    ),
    "assert False, finding(service, 'x', expected=1, observed=2, evidence=['a'])": (
        "UNKNOWN", "could not be evaluated: TypeError: evidence: expected texts by title, not list",
    ),
    "assert False, finding(service, 'x', expected=Broken(), observed=2)": (
        "UNKNOWN", "could not be evaluated: ValueError: in __str__",
    ),
    "assert False, Finding('x', 'y', 3, {})": (
        "UNKNOWN", "could not be evaluated: TypeError: observed: expected a text, not int",
    ),
    "assert False, Broken()": (
        "FAIL", "own.it[api]: <AssertionError: its __str__ raised ValueError>",
    ),
    "assert False, Exits()": (
        "FAIL", "own.it[api]: <AssertionError: its __str__ raised SystemExit>",
    ),
    "return service.name == 'web'": ("UNKNOWN", None),
    "raise BrokenError": (
        "UNKNOWN",
        "could not be evaluated: BrokenError: <BrokenError: its __str__ raised ValueError>",
    ),
    "raise UnobservedError(Broken())": (
        "UNKNOWN", "could not be evaluated: <UnobservedError: its __str__ raised ValueError>",
    ),
    "pytest.skip(Broken())": ("UNKNOWN", None),
    "record_property(Broken(), Broken()); assert False, 'no'": ("FAIL", "own.it[api]: no"),
    "warn('text')": (
        "UNKNOWN", "could not be evaluated: TypeError: warn: expected finding(...), not str",
    ),
    "raise SystemExit(0)": ("UNKNOWN", "could not be evaluated: SystemExit: 0"),
    "pytest.fail('nope')": ("FAIL", "own.it[api]: nope"),
    "pytest.fail('nope', pytrace=False)": ("FAIL", "own.it[api]: nope"),
    "pytest.xfail('later')": ("FAIL", "own.it[api]: later"),
    "with pytest.raises(OSError): pass": ("FAIL", "own.it[api]: DID NOT RAISE OSError"),
    "request.node.add_marker(pytest.mark.xfail(reason='x')); assert False, 'no'": (
        "FAIL", "own.it[api]: no",
    ),
    "time_out()": ("UNKNOWN", "could not be evaluated: Failed: Timeout"),
    "warnings.warn('old')": ("PASS", ""),
    "record_property('ticket', '17')": ("PASS", ""),
}  # fmt: skip
"""By what a check does: its outcome and its headline."""


def test_a_broken_check_breaks_no_other(tmp_path: Path) -> None:
    source = "".join(
        f"def test_it{number:02}(service: Service, request, warn, record_property, time_out):\n"
        f"    {body}\n\n"
        for number, body in enumerate(BROKEN)
    )
    conftest = """
        import pytest

        @pytest.fixture
        def time_out():
            return lambda: pytest.fail("Timeout")
    """
    ran = _run(tmp_path, source, "--junitxml=junit.xml", conftest=conftest)
    assert ran.exit_code == 1
    results = _results(ran)
    assert results.pop("own.well[api]") == ("PASS", "")
    found = dict(zip(BROKEN, results.values(), strict=True))
    for number, (body, (outcome, headline)) in enumerate(BROKEN.items()):
        expected = headline and headline.replace("own.it[", f"own.it{number:02}[")
        assert found[body][0] == outcome, body
        assert expected is None or found[body][1] == expected
    assert "UserWarning: old" in ran.output


REFUSED = {
    'pytest.skip("not now", allow_module_level=True)': ("skipped: not now"),
    "@pytest.mark.parametrize('port', [1, 2])\ndef test_it(service: Service, port): pass": (
        "test_it: several checks of this name have the same id; parametrize and classes are not "
        "part of an id, so give each check a name of its own"
    ),
    "@pytest.fixture(params=[1, 2])\ndef port(request): pass\n"
    "def test_it(service: Service, port): pass": "test_it: several checks of this name have",
    "class TestA:\n    def test_it(self, service: Service): pass\n"
    "class TestB(TestA): pass": "test_it: several checks of this name have the same id",
    "@pytest.mark.xfail\ndef test_it(service: Service): pass": (
        "test_it: xfail waives nothing; declare a waiver in the environment file"
    ),
    "@pytest.mark.xfail(strict=True)\n"
    "class TestA:\n    def test_it(self, service: Service): pass": "test_it: xfail waives nothing",
    "def test_it(service: Service, contianer): pass": (
        "test_it: there is no argument 'contianer'; did you mean container?"
    ),
    "@pytest.fixture\ndef mine(contianer): pass\ndef test_it(service: Service, mine): pass": (
        "test_it: there is no argument 'contianer'; did you mean container?"
    ),
    "@pytest.fixture\ndef service(): return 1\ndef test_it(service): pass": (
        "'service' is a reserved name: there is a fixture of this name"
    ),
    "@pytest.fixture\ndef case(): return 1\ndef test_it(service: Service, case): pass": (
        "'case' is a reserved name: there is a fixture of this name"
    ),
    "@pytest.fixture\ndef container(container): return 1\n": (
        "'container' is a reserved name: there is a fixture of this name"
    ),
    "@pytest.mark.parametrize('service', ['api'])\ndef test_it(service): pass": (
        "'service' is a reserved name: there is a fixture of this name"
    ),
    "from stackproof.probes.declaration import ENVIRONMENT, probe\n"
    "@probe('own', of=ENVIRONMENT)\ndef own(target) -> int: return 1": (
        "it declares the probe 'own': the snapshot has no place for its facts"
    ),
    "class TestA:\n    def __init__(self): pass\n    def test_it(self, service): pass": (
        "PytestCollectionWarning: cannot collect test class 'TestA'"
    ),
}
"""By the source of a suite: why it is refused."""


@pytest.mark.parametrize("source", REFUSED)
def test_refused(tmp_path: Path, source: str) -> None:
    with patch.dict(PROBES):
        ran = _run(tmp_path, source)
    assert ran.exit_code == 4, ran.output
    (line,) = ran.errors.strip().splitlines()
    assert line.startswith(f"ERROR: suites/test_own.py cannot be collected: {REFUSED[source]}")
    assert not list(tmp_path.rglob("verdict.json"))


def test_refused_by_a_worker(tmp_path: Path) -> None:
    """A worker sends the reason to the process that refuses."""
    project, facts = _project(
        tmp_path, 'pytest.skip("not now", allow_module_level=True)', ENVIRONMENT, ""
    )
    done = subprocess.run(
        [sys.executable, "-m", "stackproof", "check", "shop", facts, "-m", "own", "-n1"],
        cwd=project, capture_output=True, text=True, check=False, timeout=60,
        env=clean_environment({}),
    )  # fmt: skip
    assert done.returncode == 4, done.stdout
    assert done.stderr.strip() == (
        "ERROR: suites/test_own.py cannot be collected: skipped: not now"
    )


REPEAT = """
    import pytest

    @pytest.fixture(autouse=True)
    def __step(request): return getattr(request, "param", None)

    def pytest_generate_tests(metafunc):
        metafunc.parametrize("__step", range(2), indirect=True)
"""
"""As pytest-repeat does."""


def test_a_waiver_holds_for_each_repetition(tmp_path: Path) -> None:
    waiver = {
        "check": "own.it", "subject": "api", "reason": "known", "expires": shop.AT.date()
    }  # fmt: skip
    ran = _run(
        tmp_path,
        "def test_it(service: Service): assert False, 'no'",
        environment={**ENVIRONMENT, "waivers": [waiver]},
        conftest=REPEAT,
    )
    assert ran.exit_code == 0, ran.output
    outcomes = [(each["id"], each["outcome"]) for each in ran.verdict("shop")["checks"]]
    assert sorted(outcomes) == [("own.it[api]", "WAIVED")] * 2 + [("own.well[api]", "PASS")] * 2


def test_the_baseline_has_the_worst_outcome_of_all_repetitions(tmp_path: Path) -> None:
    source = "def test_it(service: Service, __step): assert __step, 'no'"
    ran = _run(tmp_path, source, "--gate=pre", "--services=api", conftest=REPEAT)
    assert ran.exit_code == 1
    path = tmp_path / "reports" / "out" / "shop" / "replay" / "baseline.json"
    outcomes = json.loads(path.read_text(encoding="utf-8"))["outcomes"]
    assert {name: outcomes[name] for name in ("own.it[api]", "own.well[api]")} == {
        "own.it[api]": "FAIL", "own.well[api]": "PASS"
    }  # fmt: skip


def test_warnings_of_a_module_are_shown(tmp_path: Path) -> None:
    ran = _run(tmp_path, 'warnings.warn("of the module")')
    assert ran.exit_code == 0
    assert _results(ran) == WELL
    assert "UserWarning: of the module" in ran.output
