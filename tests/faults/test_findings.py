"""Every check reports the headline, the evidence and the hint that `findings.yaml` expects."""

import pytest

from stackproof.outcome import Outcome
from tests.faults.findings import FINDINGS, suite_of
from tests.faults.replay import Replay, Replays
from tests.hints import recorded

_SHOWN = 100
"""Characters of a piece of evidence that are compared: logs are long."""


@pytest.mark.parametrize("check", FINDINGS)
def test_finding(check: str, replays: Replays, suite: str) -> None:
    if suite not in ("", suite_of(check)):
        pytest.skip(f"--suite={suite}")
    expected = FINDINGS[check]
    replay = replays.seen[expected.fault]
    assert isinstance(replay, Replay), replay
    failed = replay.of(Outcome.FAIL)
    assert check in failed
    result = failed[check]
    assert result.headline == expected.headline
    assert {title: text[:_SHOWN] for title, text in result.evidence.items()} == expected.evidence
    assert tuple(recorded(result.model_dump()["hints"])) == expected.hints


def test_every_check_has_a_finding(replays: Replays, suite: str) -> None:
    names = {check.partition("[")[0] for check in FINDINGS if suite in ("", suite_of(check))}
    assert {each.name for each in replays.checks if suite in ("", each.suite)} == names
