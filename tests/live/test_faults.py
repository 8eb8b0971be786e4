"""Every fault turns red exactly what it should, each time that it is looked at, and heals."""

from collections.abc import Callable, Iterator

import pytest

from lab import faults
from lab.faults.fault import Fault
from tests.live.verification import Run

pytestmark = pytest.mark.live


@pytest.fixture(params=list(faults.ALL.values()), ids=list(faults.ALL))
def fault(request: pytest.FixtureRequest, lab: None) -> Iterator[Fault]:
    wanted: Fault = request.param
    try:
        faults.inject(wanted.name)
        yield wanted
    finally:
        faults.heal(wanted.name)


def test_fault_turns_red_exactly_its_checks(
    fault: Fault, verify: Callable[..., Run], keep: Callable[..., None]
) -> None:
    for _ in range(2):
        run = verify()
        assert not fault.differs(run.ids("FAIL"), run.ids("UNKNOWN")), run.output
        assert run.exit_code == 1
        said = [run.first_lines[check] for check in fault.red]
        assert any(fault.says in line for line in said), said
    keep(fault.name)
    faults.heal(fault.name)
    healed = verify()
    assert healed.exit_code == 0, healed.output
    keep()
