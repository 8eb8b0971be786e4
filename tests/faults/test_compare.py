"""Two verdicts differ where a script would notice; other words are no difference."""

from typing import Any

import pytest

from tests.faults.compare import differences

CHECK = {"outcome": "FAIL", "headline": "api: expected 1", "hint": "", "evidence": {"log": "a"}}
VERDICT: dict[str, Any] = {
    "run": "1", "started": "07:30", "exit_code": 1, "warnings": ["w"], "checks": {"a": CHECK},
}  # fmt: skip


def _checks(**changes: object) -> dict[str, Any]:
    return {"checks": {"a": {**CHECK, **changes}}}


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"run": "2", "started": "08:00"}, []),
        ({"exit_code": 6}, [("v/exit_code: 1 is now 6", False)]),
        ({"warnings": []}, [("v/warnings: ['w'] is now []", False)]),
        ({"warnings": ["x"]}, [("v/warnings: ['w'] is now ['x']", True)]),
        ({"new": 1}, [("v/new: missing before", False)]),
        ({"checks": {}}, [("v/checks/a: missing now", False)]),
        (_checks(outcome="PASS"), [("v/checks/a/outcome: 'FAIL' is now 'PASS'", False)]),
        (
            _checks(headline="api: 1 expected"),
            [("v/checks/a/headline: 'api: expected 1' is now 'api: 1 expected'", True)],
        ),
        (_checks(hint="docker ps"), [("v/checks/a/hint: '' is now 'docker ps'", False)]),
        (
            _checks(evidence={"output": "a"}),
            [("v/checks/a/evidence: {'log': 'a'} is now {'output': 'a'}", True)],
        ),
        (_checks(evidence={}), [("v/checks/a/evidence/log: missing now", False)]),
    ],
)  # fmt: skip
def test_differences(changed: dict[str, Any], lines: list[tuple[str, bool]]) -> None:
    assert list(differences(VERDICT, {**VERDICT, **changed}, "v")) == lines


def test_order_of_checks() -> None:
    before, after = {"checks": {"a": 1, "b": 2}}, {"checks": {"b": 2, "a": 1}}
    assert list(differences(before, after, "v")) == [("v/checks: another order", False)]
