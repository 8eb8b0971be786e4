"""Every fault turns red exactly what it should, each time that it is looked at, and heals.

What one leaves behind would be red beside the next one: no heal has a look of its own.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import faults
from lab.faults.fault import Fault
from lab.shapes import Shape, ShapeName
from reports.outcome import Outcome
from tests.live.looker import Look, Looker
from tests.suites.command_line import run

pytestmark = pytest.mark.live

# One shape after the other: to change takes longer than a fault does.
IN_ORDER = sorted(faults.ALL.values(), key=lambda fault: fault.shape != "prod")

BringUp = Callable[[ShapeName], Shape]


@pytest.mark.parametrize("fault", IN_ORDER, ids=lambda fault: fault.name)
def test_fault_turns_red_exactly_its_checks(
    fault: Fault, bring_up: BringUp, looker: Looker, keep: Callable[..., None]
) -> None:
    environment = bring_up(fault.shape).environment
    try:
        faults.inject(fault.name)
        for _ in range(2):
            look = looker.look(environment)
            _is_as_told(fault, look)
        keep(look, fault.name)
    finally:
        faults.heal(fault.name)


@pytest.mark.parametrize("shape", ["dev", "prod"])
def test_what_is_healed_is_green(
    shape: ShapeName, bring_up: BringUp, looker: Looker, keep: Callable[..., None]
) -> None:
    healed = looker.look(bring_up(shape).environment)
    assert not healed.came_to.told, _told(healed)
    keep(healed)


def _is_as_told(fault: Fault, look: Look) -> None:
    red, unknown = look.came_to.of(Outcome.FAIL), look.came_to.of(Outcome.UNKNOWN)
    differs = fault.differs(red.keys(), unknown.keys())
    assert not differs, f"{_told(look)}\n(or the fault before this one did not heal)"
    assert len(red) + len(unknown) == len(look.came_to.told)
    assert any(fault.says in each.headline for each in red.values()), _told(look)


def _told(look: Look) -> str:
    return "\n".join(f"{each.id}: {each.headline}" for each in look.came_to.told)


@pytest.mark.parametrize("name", ["memory-limit-changed", "nginx-stopped"])
def test_a_run_says_what_the_looks_say(
    name: str, bring_up: BringUp, looker: Looker, tmp_path: Path
) -> None:
    bring_up("prod")
    try:
        faults.inject(name)
        look = looker.look("lab")
        broken = run(tmp_path, "-m", "lab")
    finally:
        faults.heal(name)
    assert broken.exit_code == 1
    told = {each.id: (each.outcome, each.headline) for each in look.came_to.told}
    assert broken.told("lab") == told
    assert broken.verdict("lab")["counts"]["PASS"] == look.came_to.passed
    healed = run(tmp_path, "-m", "lab")
    assert healed.exit_code == 0, healed.output
