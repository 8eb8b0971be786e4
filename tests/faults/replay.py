"""Replay every snapshot: whole runs of the suites, with one collection.

A run for each snapshot would start, load and collect each time. Here one process collects once, and
then runs each check on one snapshot after the other. A check that passes is only a call of its
function; any other runs as in a run of pytest, which takes ten times as long and makes its result.
"""

import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

# No public hook runs a check again and again without reporting it.
from _pytest.runner import runtestprotocol

from lab import address
from stackproof.environment import loader
from stackproof.facts.snapshot import Facts
from stackproof.fixtures.session.collection import Case, case_of
from stackproof.fixtures.session.facts.store import STORE
from stackproof.fixtures.session.subjects import SUBJECTS
from stackproof.frozen import Frozen
from stackproof.outcome import Outcome
from stackproof.report_properties import WAIVED, properties_of
from stackproof.reports.check_results import check_result
from stackproof.reports.verdict import CheckResult
from tests.faults import gates, snapshots
from tests.faults.gates import GateCheck

ROOT = Path(__file__).parents[2]
_DEADLINE = 600
WITHOUT = [
    f"-pno:{plugin}" for plugin in ("logging", "threadexception", "unraisableexception", "subtests")
]
"""Plugins of pytest that take part in each check and change no result."""
UNSET = dict.fromkeys(address.Address(Path(), 0, 0).variables(), "")
"""Variables that keep the defaults of the environment files, even if a lab is up here."""


class Check(Frozen):
    """A check, as its source defines it."""

    suite: str
    about: str
    """The suite's docstring."""
    check: str
    why: str
    """The check's docstring."""
    subject: str
    """The name of the argument that is its subject."""
    declares: Mapping[str, str]
    """Each field that a subject must declare, and its meaning if the model computes it."""
    critical: bool
    proofs: tuple[str, ...] = ()
    """Files of tests with a case of it, if no committed environment declares what it needs."""

    @property
    def name(self) -> str:
        return f"{self.suite}.{self.check}"


class Replay(Frozen):
    """The results of one snapshot."""

    environment: str
    passed: int
    not_passed: tuple[CheckResult, ...]
    """Results of the checks that did not pass."""

    def of(self, outcome: Outcome) -> dict[str, CheckResult]:
        return {each.id: each for each in self.not_passed if each.outcome is outcome}


class Replays(Frozen):
    """The checks of every committed environment, and the results of each snapshot."""

    checks: tuple[Check, ...]
    undeclared: tuple[Check, ...]
    """Checks of fields that no committed environment declares."""
    of_gates: tuple[GateCheck, ...]
    """Checks that a run without a gate does not collect."""
    seen: Mapping[str, Replay | str]
    """By snapshot; a text if it could not be read."""


def replay(names: Sequence[str], suite: str = "") -> Replays:
    """Replay committed snapshots, in a process of its own with hardly any variables.

    Args:
        names: of the snapshots.
        suite: the only suite that judges them; empty for all.
    """
    with tempfile.NamedTemporaryFile() as file:
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.replay", file.name, suite, *names],
            cwd=ROOT, env={"PATH": os.defpath, "PYTHONUTF8": "1", **UNSET},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=_DEADLINE,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return Replays.model_validate_json(Path(file.name).read_bytes())


class _Plugin:
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.checks: dict[str, Check] = {}
        self.seen: dict[str, Replay | str] = {}

    def pytest_itemcollected(self, item: pytest.Function) -> None:
        if case := case_of(item):
            check = _check(item.function, partial(_meaning, case))
            self.checks.setdefault(check.name, check)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for name in self._names:
            try:
                facts = snapshots.read(name)
            except ValueError as error:
                self.seen[name] = str(error)
            else:
                self.seen[name] = judge(session, facts)
        return True


def judge(session: pytest.Session, facts: Facts) -> Replay:
    """Run the checks that a session collected for the environment of some facts."""
    session.config.stash[STORE].replay(facts)
    items = [
        item
        for item in session.items
        if isinstance(item, pytest.Function)
        and (case := case_of(item))
        and case.environment.name == facts.environment
    ]
    others = [item for item in items if not _passes(item)]
    # With the next item, pytest keeps the module of both set up.
    results = map(_run, others, [*others[1:], None])
    not_passed = tuple(each for each in results if each.outcome is not Outcome.PASS)
    return Replay(
        environment=facts.environment, passed=len(items) - len(not_passed), not_passed=not_passed
    )


def _run(item: pytest.Function, following: pytest.Function | None) -> CheckResult:
    said, waived = list(properties_of(item)), item.stash.get(WAIVED, False)
    item.stash = pytest.Stash()  # the first look at this snapshot, whatever was seen in others
    properties_of(item)[:], item.stash[WAIVED] = said, waived
    phases = [check_result(each) for each in runtestprotocol(item, log=False, nextitem=following)]
    properties_of(item)[:] = said
    results = [each for each in phases if each]
    worst = max(results, key=lambda each: each.outcome.weight)
    return worst.model_copy(update={"duration_s": 0.0})


def _passes(item: pytest.Function) -> bool:
    """Return whether a check passes if its function is called and pytest takes no part in it."""
    if item.stash.get(WAIVED, False):
        return False
    said = list(properties_of(item))
    values: dict[str, Any] = {"case": case_of(item), "request": item._request}
    try:
        item.obj(**{name: _argument(item, name, values) for name in item._fixtureinfo.argnames})
    except (Exception, pytest.fail.Exception, pytest.skip.Exception):  # noqa: BLE001 - of any kind
        return False
    finally:
        properties_of(item)[:] = said
    return True


def _argument(item: pytest.Function, name: str, values: dict[str, Any]) -> Any:
    """Return the value of a fixture, and keep it for the fixtures that depend on it."""
    if name not in values:
        fixture = item._fixtureinfo.name2fixturedefs[name][-1]
        needed = {each: _argument(item, each, values) for each in fixture.argnames}
        values[name] = fixture.func(**needed)
    return values[name]


def _check(
    function: Callable[..., None], meaning: Callable[[str], str], proofs: tuple[str, ...] = ()
) -> Check:
    (subject,) = SUBJECTS.keys() & inspect.signature(function).parameters.keys()
    marks: list[pytest.Mark] = getattr(function, "pytestmark", [])
    return Check(
        suite=function.__module__.rpartition(".test_")[2],
        about=inspect.getdoc(sys.modules[function.__module__]) or "",
        check=function.__name__.removeprefix("test_"),
        why=inspect.getdoc(function) or "",
        subject=subject,
        declares={
            field: meaning(field)
            for mark in marks
            if mark.name == "declares"
            for field in mark.args
        },
        critical=any(mark.name == "critical" for mark in marks),
        proofs=proofs,
    )


def _meaning(case: Case, field: str) -> str:
    """Return the docstring of a field that the model computes from others."""
    owner = case.environment if field.startswith("environment.") else case.subject
    *sections, last = field.removeprefix("environment.").split(".")
    for section in sections:
        owner = getattr(owner, section)
    return _doc(type(owner), last)


def _doc(owner: type, field: str) -> str:
    worked_out = getattr(owner, field, None)
    return inspect.getdoc(worked_out) or "" if isinstance(worked_out, property) else ""


def _undeclared(collected: Collection[str]) -> Iterator[Check]:
    """Yield the checks that no committed environment has a case of, and no gate runs alone."""
    for function, proofs in gates.functions_with_proofs():
        marks = {mark.name for mark in getattr(function, "pytestmark", [])}
        if "gate" not in marks:
            parameters = inspect.signature(function).parameters
            subject = next(parameters[name].annotation for name in SUBJECTS if name in parameters)
            check = _check(function, partial(_doc, subject), proofs)
            if check.name not in collected:
                yield check


def _main(output: str, suite: str, *names: str) -> int:
    plugin = _Plugin(names)
    environments = " or ".join(loader.names(ROOT / "environments"))
    selected = f"({environments}) and {suite}" if suite else environments
    # To collect only is to look at nothing: no engine has to be known.
    code = pytest.main(
        ["--collect-only", "-qq", "-m", selected, "--capture=no", "--tb=native", *WITHOUT],
        plugins=[plugin],
    )
    seen = Replays(
        checks=tuple(plugin.checks.values()),
        undeclared=() if suite else tuple(_undeclared(plugin.checks)),
        of_gates=tuple(gates.checks()),
        seen=plugin.seen,
    )
    Path(output).write_text(seen.model_dump_json(), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
