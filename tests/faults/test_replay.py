"""Each fault fails exactly its checks in a replay of its snapshot, without an engine.

`tests/live/test_faults.py` does the same with a running stack.
"""

from pathlib import Path

import pytest

from lab import faults
from lab.faults.fault import Fault
from stackproof.outcome import Outcome
from tests.command_line import run
from tests.faults import snapshots
from tests.faults.replay import UNSET, Replay, Replays

HEALTHY = sorted({name for name in snapshots.names() if name.startswith(snapshots.healthy(""))})


def _seen(replays: Replays, name: str, command: str) -> Replay:
    seen = replays.seen.get(name, "there is none")
    if isinstance(seen, str):
        pytest.fail(f"snapshot {name}: {seen}\ntake it: {command}", pytrace=False)
    return seen


@pytest.mark.parametrize("fault", faults.ALL.values(), ids=faults.ALL.keys())
def test_fault_turns_red_exactly_its_checks(fault: Fault, replays: Replays) -> None:
    command = f"scripts/refresh-snapshots {fault.name}"
    seen = _seen(replays, fault.name, command)
    red, unknown = seen.of(Outcome.FAIL), seen.of(Outcome.UNKNOWN)
    results = "\n".join(f"{each.id}: {each.headline}" for each in seen.not_passed)
    differs = fault.differs(red.keys(), unknown.keys())
    assert not differs, f"{results}\nif this is correct, take a new snapshot: {command}"
    assert len(red) + len(unknown) == len(seen.not_passed)
    assert any(fault.says in each.headline for each in red.values()), results
    assert _seen(replays, snapshots.healthy(seen.environment), command)


@pytest.mark.parametrize("name", HEALTHY or [snapshots.healthy("lab")])
def test_healthy_stack_is_green(name: str, replays: Replays) -> None:
    seen = _seen(replays, name, "scripts/refresh-snapshots")
    assert not seen.not_passed
    assert seen.passed


def test_every_snapshot_has_its_fault() -> None:
    assert snapshots.names() - set(HEALTHY) <= faults.ALL.keys()


def test_every_check_has_a_fault(replays: Replays) -> None:
    proven = {check.partition("[")[0] for fault in faults.ALL.values() for check in fault.red}
    assert {check.name for check in replays.checks} == proven


def test_every_check_that_the_lab_does_not_declare_has_a_test(replays: Replays) -> None:
    assert not [check.name for check in replays.undeclared if not check.proofs]


def test_replay_comes_to_what_a_run_comes_to(replays: Replays, tmp_path: Path) -> None:
    seen = {name: each for name, each in replays.seen.items() if isinstance(each, Replay)}
    name = max(seen, key=lambda each: len(seen[each].not_passed))
    path = tmp_path / "facts.json"
    path.write_text(snapshots.read(name).model_dump_json(), encoding="utf-8")
    environment = seen[name].environment
    ran = run(tmp_path, "-m", environment, f"--facts={path}", variables=UNSET)
    assert ran.verdict(environment)["counts"]["PASS"] == seen[name].passed
    results = {each.id: (each.outcome, each.headline) for each in seen[name].not_passed}
    assert ran.results(environment) == results
