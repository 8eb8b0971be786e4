"""Every snapshot before every check: whole runs of the suites, but for what they share.

A run of its own for each snapshot would start, load and collect each time. Here one process
collects once, and then runs each check on one snapshot after the other, as a run does.
"""

import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from environments import loader
from environments.declared import Frozen
from fixtures import short_protocol
from fixtures.collection import SUBJECTS, case_of
from fixtures.facts import Facts
from fixtures.snapshot import STORE
from lab import address
from reports.classification import check_result
from reports.outcome import Outcome
from reports.verdict import CheckResult
from tests.faults import gates, snapshots
from tests.faults.gates import GateCheck

ROOT = Path(__file__).parents[2]
_DEADLINE = 120
UNSET = dict.fromkeys(address.Address(Path(), 0, 0).variables(), "")
"""Variables with which the environment files' defaults hold, wherever a lab may be up here."""


class Check(Frozen):
    """A check as it is written."""

    suite: str
    about: str
    """The suite's docstring."""
    check: str
    why: str
    """The check's docstring."""
    subject: str
    """The name of its argument that says what it is about."""
    declares: Mapping[str, str]
    """Each field that a subject must declare; and what it means, where no file spells it so."""
    critical: bool

    @property
    def name(self) -> str:
        return f"{self.suite}.{self.check}"


class Replay(Frozen):
    """What the checks of its environment make of one snapshot."""

    environment: str
    passed: int
    told: tuple[CheckResult, ...]
    """Of those that did not pass."""

    def of(self, outcome: Outcome) -> dict[str, CheckResult]:
        return {each.id: each for each in self.told if each.outcome is outcome}


class Replays(Frozen):
    """The checks, those of every committed environment, and what they make of each snapshot."""

    checks: tuple[Check, ...]
    of_gates: tuple[GateCheck, ...]
    """Those that such a run does not collect."""
    seen: Mapping[str, Replay | str]
    """By snapshot; a text where it could not be read."""


def replay(names: Sequence[str]) -> Replays:
    """Replay committed snapshots, in a process of its own, and in no variables but few."""
    with tempfile.NamedTemporaryFile() as file:
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.replay", file.name, *names],
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
        check = _check(item)
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
    """Put facts before the checks that a session has collected for their environment."""
    session.config.stash[STORE].replay(facts)
    items = [
        item
        for item in session.items
        if isinstance(item, pytest.Function)
        and (case := case_of(item))
        and case.environment.name == facts.environment
    ]
    results = map(_run, items)
    told = tuple(result for result in results if result.outcome is not Outcome.PASS)
    return Replay(environment=facts.environment, passed=len(items) - len(told), told=told)


def _run(item: pytest.Function) -> CheckResult:
    said = list(item.user_properties)
    item.stash = pytest.Stash()  # the first look at this snapshot, whatever was seen in others
    phases = [check_result(each) for each in short_protocol.run(item, None)]
    item.user_properties[:] = said
    results = [each for each in phases if each]
    worst = max(results, key=lambda each: each.outcome.weight)
    return worst.model_copy(update={"duration_s": 0.0})


def _check(item: pytest.Function) -> Check:
    (subject,) = SUBJECTS.keys() & set(item.fixturenames)
    return Check(
        suite=item.path.stem.removeprefix("test_"),
        about=inspect.getdoc(item.module) or "",
        check=item.originalname.removeprefix("test_"),
        why=inspect.getdoc(item.function) or "",
        subject=subject,
        declares={
            field: _meaning(item, field)
            for mark in item.iter_markers("declares")
            for field in mark.args
        },
        critical=item.get_closest_marker("critical") is not None,
    )


def _meaning(item: pytest.Item, field: str) -> str:
    """The docstring of a field that the model works out from others."""
    case = case_of(item)
    if case is None:
        return ""
    owner = case.environment if field.startswith("environment.") else case.subject
    *sections, last = field.removeprefix("environment.").split(".")
    for section in sections:
        owner = getattr(owner, section)
    worked_out = getattr(type(owner), last, None)
    return inspect.getdoc(worked_out) or "" if isinstance(worked_out, property) else ""


def _main(output: str, *names: str) -> int:
    plugin = _Plugin(names)
    environments = " or ".join(loader.names(ROOT / "environments"))
    # To collect only is to look at nothing: no engine has to be known.
    code = pytest.main(
        ["--collect-only", "-qq", "-m", environments, "--capture=no", "--tb=native"],
        plugins=[plugin],
    )
    seen = Replays(
        checks=tuple(plugin.checks.values()), of_gates=tuple(gates.checks()), seen=plugin.seen
    )
    Path(output).write_text(seen.model_dump_json(), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
