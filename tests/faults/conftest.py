"""Snapshots, replayed once."""

import pytest

from tests.faults import snapshots
from tests.faults.findings import FINDINGS, suite_of
from tests.faults.replay import Replays, replay


@pytest.fixture(scope="session")
def suite(pytestconfig: pytest.Config) -> str:
    """The suite that `--suite` names; empty without it."""
    return str(pytestconfig.getoption("suite"))


@pytest.fixture(scope="session")
def replays(suite: str) -> Replays:
    if suite:
        names = {each.fault for check, each in FINDINGS.items() if suite_of(check) == suite}
        return replay(sorted(names), suite)
    return replay(sorted(snapshots.names()))
