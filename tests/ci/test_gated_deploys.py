"""A few of the deploys of `tests.gated_deploys`, in which something impairs the gates."""

from pathlib import Path

from tests.gated_deploys import run_all

FIRST, DEPLOYS = 1, 6


def test_no_impairment_leads_to_a_wrong_decision(tmp_path: Path) -> None:
    done = run_all(FIRST, DEPLOYS, at_once=2, folder=tmp_path)
    assert [(each.number, list(each.violations)) for each in done] == [
        (number, []) for number in range(FIRST, FIRST + DEPLOYS)
    ]
