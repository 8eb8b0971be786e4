"""Every fault turns red exactly what it should, each time that it is looked at, and heals."""

from collections.abc import Callable, Iterator

import pytest

from lab import faults, shapes
from lab.faults.fault import Fault
from lab.shapes import Shape, ShapeName
from tests.live.verification import Run

pytestmark = pytest.mark.live

# One shape after the other: to change takes longer than a fault does.
IN_ORDER = sorted(faults.ALL.values(), key=lambda fault: fault.shape != "prod")


@pytest.fixture(params=IN_ORDER, ids=lambda fault: fault.name)
def fault(
    request: pytest.FixtureRequest, bring_up: Callable[[ShapeName], Shape]
) -> Iterator[Fault]:
    wanted: Fault = request.param
    bring_up(wanted.shape)
    try:
        faults.inject(wanted.name)
        yield wanted
    finally:
        faults.heal(wanted.name)


def test_fault_turns_red_exactly_its_checks(
    fault: Fault, verify: Callable[..., Run], keep: Callable[..., None]
) -> None:
    shape = shapes.ALL[fault.shape]
    for _ in range(2):
        run = verify(shape)
        assert not fault.differs(run.ids("FAIL"), run.ids("UNKNOWN")), run.output
        assert run.exit_code == 1
        said = [run.first_lines[check] for check in fault.red]
        assert any(fault.says in line for line in said), said
    keep(fault.name)
    faults.heal(fault.name)
    healed = verify(shape)
    assert healed.exit_code == 0, healed.output
