"""Restarts that are over are a warning: old ones, and those of a service that waited for others."""

from datetime import timedelta
from pathlib import Path

import pytest

from stackproof.facts.container import Container
from tests import shop
from tests.shop import AT, container

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def _seen(restarts: int, up: timedelta, crashing: timedelta | None, **more: str) -> Container:
    """Return a container that has been `up` since its last restart, after `crashing`."""
    started = AT - up
    created = started - crashing if crashing is not None else None
    return container(restart_count=restarts, started_at=started, created_at=created, **more)


@pytest.mark.parametrize(
    ("observed", "outcome"),
    [
        # Crashed until its database was up.
        (_seen(3, DAY, MINUTE), "WARN"),
        (_seen(2, 2 * MINUTE, MINUTE), "WARN"),
        (_seen(1, 30 * SECOND, SECOND), "WARN"),
        # Might crash again: it has not been up for longer than before.
        (_seen(2, MINUTE, MINUTE), "FAIL"),
        (_seen(1, 29 * SECOND, SECOND), "FAIL"),
        (_seen(4, 70 * SECOND, 5 * MINUTE), "FAIL"),
        # Crashes under load, not at its start.
        (_seen(1, 59 * MINUTE, 30 * DAY), "FAIL"),
        (_seen(9, 59 * MINUTE, 6 * MINUTE), "FAIL"),
        (_seen(9, HOUR, 30 * DAY), "WARN"),
        (_seen(1, HOUR, None), "WARN"),
        (_seen(1, 59 * MINUTE, None), "FAIL"),
        (_seen(0, SECOND, SECOND), "PASS"),
        # Down now, whenever that began.
        (_seen(9, DAY, MINUTE, status="restarting"), "FAIL"),
        (_seen(9, DAY, MINUTE, status="exited"), "FAIL"),
    ],
)
def test_restarts(observed: Container, outcome: str, tmp_path: Path) -> None:
    facts = shop.facts(containers={"api": observed})
    ran = shop.replay(tmp_path, {"services": {"api": {}}}, facts, "-k", "test_restarts")
    (check,) = ran.verdict("shop")["checks"]
    line = f"api restarts: expected at most 0, observed {observed.restart_count}"
    seen = "WARN" if check["warnings"] else check["outcome"]
    assert seen == outcome
    assert check["warnings"] == ([line] if outcome == "WARN" else [])
    assert outcome != "FAIL" or check["headline"] == line
