"""Every fault turns red exactly what it should, each time that it is verified, and heals.

Anything that a fault leaves behind fails in the next one; healing is not verified separately.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import faults, shapes
from lab.faults.fault import Fault
from lab.shapes import Shape, ShapeName
from stackproof.outcome import Outcome
from tests.command_line import run
from tests.live.warm_session import Observation, WarmSession

pytestmark = pytest.mark.live

# One shape after the other: to change takes longer than a fault does.
IN_ORDER = sorted(faults.ALL.values(), key=lambda fault: list(shapes.ALL).index(fault.shape))

BringUp = Callable[[ShapeName], Shape]


@pytest.mark.parametrize("fault", IN_ORDER, ids=lambda fault: fault.name)
def test_fault_turns_red_exactly_its_checks(
    fault: Fault, bring_up: BringUp, warm_session: WarmSession, keep: Callable[..., None]
) -> None:
    environment = bring_up(fault.shape).environment
    try:
        faults.inject(fault.name)
        for _ in range(2):
            observation = warm_session.observe(environment)
            _is_as_specified(fault, observation)
        keep(observation, fault.name)
    finally:
        faults.heal(fault.name)


@pytest.mark.parametrize("shape", ["kinds", "proxies", "dev", "prod"])
def test_what_is_healed_is_green(
    shape: ShapeName, bring_up: BringUp, warm_session: WarmSession, keep: Callable[..., None]
) -> None:
    healed = warm_session.observe(bring_up(shape).environment)
    assert not healed.replay.not_passed, _results(healed)
    keep(healed)


def _is_as_specified(fault: Fault, observation: Observation) -> None:
    red, unknown = observation.replay.of(Outcome.FAIL), observation.replay.of(Outcome.UNKNOWN)
    differs = fault.differs(red.keys(), unknown.keys())
    assert not differs, f"{_results(observation)}\n(or the fault before this one did not heal)"
    assert len(red) + len(unknown) == len(observation.replay.not_passed)
    assert any(fault.says in each.headline for each in red.values()), _results(observation)


def _results(observation: Observation) -> str:
    return "\n".join(f"{each.id}: {each.headline}" for each in observation.replay.not_passed)


@pytest.mark.parametrize("name", ["memory-limit-changed", "nginx-stopped"])
def test_a_run_agrees_with_the_warm_session(
    name: str, bring_up: BringUp, warm_session: WarmSession, tmp_path: Path
) -> None:
    bring_up("prod")
    try:
        faults.inject(name)
        observation = warm_session.observe("lab")
        broken = run(tmp_path, "-m", "lab")
    finally:
        faults.heal(name)
    assert broken.exit_code == 1
    results = {each.id: (each.outcome, each.headline) for each in observation.replay.not_passed}
    assert broken.results("lab") == results
    assert broken.verdict("lab")["counts"]["PASS"] == observation.replay.passed
    healed = run(tmp_path, "-m", "lab")
    assert healed.exit_code == 0, healed.output
