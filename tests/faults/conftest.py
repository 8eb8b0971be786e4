"""All snapshots, replayed once."""

import pytest

from tests.faults import snapshots
from tests.faults.replay import Replays, replay


@pytest.fixture(scope="session")
def replays() -> Replays:
    return replay(sorted(snapshots.names()))
