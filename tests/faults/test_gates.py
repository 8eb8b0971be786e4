"""Every check of a gate bites somewhere, and none is both a gate's and any run's."""

import pytest

from tests.faults import gates
from tests.faults.replay import Replays

CHECKS = {check.name: check for check in gates.checks()}


def test_there_are_checks_of_every_gate() -> None:
    assert {gate for check in CHECKS.values() for gate in check.gates} == {
        "pre", "post", "rollback",
    }  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_of_a_gate_bites_in_a_test(name: str) -> None:
    assert CHECKS[name].proofs, f"no test of a deploy has a case of {name}"


def test_no_run_without_a_gate_collects_them(replays: Replays) -> None:
    assert not CHECKS.keys() & {check.name for check in replays.checks}
