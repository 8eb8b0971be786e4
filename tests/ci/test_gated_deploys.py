"""A few deploys of `tests.ci.gated_deploys`, in which something impairs the gates."""

from pathlib import Path

from tests.ci.gated_deploys.run import run_all

NUMBERS = (18, 19, 22)
"""Good releases with broken output and a killed process, and a deploy that fails halfway."""


def test_no_impairment_leads_to_a_wrong_decision(tmp_path: Path) -> None:
    done = run_all(NUMBERS, at_once=3, folder=tmp_path)
    assert [(each.number, list(each.violations)) for each in done] == [
        (number, []) for number in NUMBERS
    ]
    assert [each.impairment for each in done] == ["output", "none", "killed"]
    assert done[1].rolled_back
