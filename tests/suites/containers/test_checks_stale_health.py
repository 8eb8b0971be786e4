"""A container whose health check has not run for long is not known to be healthy."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.deploy.stale_health import why_stale
from stackproof.facts.container import Container, HealthCheckRun, HealthState
from tests import shop
from tests.shop import AT
from tests.suites.specified import changed

# Three times an interval and a timeout, and two minutes.
DUE = 3 * (30 + 5) + 120
OLD = (
    "its health check last ran 0:03:45 ago, and its interval is 30 s: the engine no longer runs it "
    "(or the container was paused until now)"
)


def last_ran(ago: float, status: str = "healthy", **more: Any) -> Container:
    settings = {"Test": ["CMD", "curl", "-f", "x"], "Interval": 30 * 10**9, "Timeout": 5 * 10**9}
    runs = [
        HealthCheckRun(at=AT - timedelta(seconds=ago + each), exit_code=0, output="well")
        for each in (60, 0)
    ]
    return changed(Config={"Healthcheck": settings}).model_copy(
        update={
            "name": "api",
            "started_at": AT - timedelta(days=1),
            "health": HealthState(status=status, failing_streak=0, log=tuple(runs)),
            **more,
        }
    )


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (last_ran(0), ""),
        (last_ran(-5), ""),
        (last_ran(DUE - 1), ""),
        (last_ran(DUE), OLD),
        # Other checks report these.
        (last_ran(DUE, "unhealthy"), ""),
        (last_ran(DUE, status="healthy").model_copy(update={"status": "paused"}), ""),
        (last_ran(DUE, health=None), ""),
        (last_ran(DUE, health=HealthState(status="healthy", failing_streak=0, log=())), ""),
    ],
)
def test_when(found: Container, reason: str) -> None:
    assert why_stale(found, AT) == reason


def test_an_old_snapshot_does_not_hold_the_interval() -> None:
    found = last_ran(DUE)
    old = found.creation.model_copy(update={"settings": None})
    assert why_stale(found.model_copy(update={"creation": old}), AT) == ""


@pytest.mark.parametrize(
    ("ago", "ahead", "results"),
    [
        (DUE, 0.0, {"containers.healthy[api]": ("UNKNOWN", f"could not be evaluated: {OLD}")}),
        (DUE - 1, 0.0, {}),
        # The moments are those of the engine's clock, which is behind.
        (2 * DUE, -float(DUE + 1), {}),
    ],
)
def test_in_a_run(
    ago: float, ahead: float, results: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    observed = shop.facts(
        containers={"api": last_ran(ago)},
        machine=shop.MACHINE.model_copy(update={"clock_ahead_s": ahead}),
    )
    environment = {"services": {"api": {"healthcheck": "required"}}}
    ran = shop.replay(tmp_path, environment, observed, "-k", "test_healthy")
    assert ran.results("shop") == results


def test_without_the_engines_clock(tmp_path: Path) -> None:
    observed = shop.facts(containers={"api": last_ran(DUE)}, machine=shop.STUCK)
    environment = {"services": {"api": {"healthcheck": "required"}}}
    assert shop.replay(tmp_path, environment, observed, "-k", "test_healthy").results("shop") == {}
