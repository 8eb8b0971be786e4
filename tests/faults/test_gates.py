"""Every check of a gate has a test with a case of it, and none is both a gate's and any run's."""

from tests.faults.replay import Replays


def test_there_are_checks_of_every_gate(replays: Replays) -> None:
    gates = {gate for check in replays.of_gates for gate in check.gates}
    assert gates == {"pre", "post", "rollback"}


def test_every_check_of_a_gate_has_a_case(replays: Replays) -> None:
    assert not [check.name for check in replays.of_gates if not check.proofs]


def test_no_run_without_a_gate_collects_them(replays: Replays) -> None:
    assert not {each.name for each in replays.of_gates} & {each.name for each in replays.checks}
