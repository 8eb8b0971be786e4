"""A service that is starting is UNKNOWN until its health check has had its time."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.deploy.startup import why_starting
from stackproof.facts.container import Container, HealthState
from tests import shop
from tests.shop import AT, answered, health
from tests.suites.specified import changed

# Due after 90 s; unhealthy at the latest after 40 s + 2 * (90 s + 10 s) = 240 s.
TIMES = {"Interval": 90 * 10**9, "Timeout": 10 * 10**9, "Retries": 2, "StartPeriod": 40 * 10**9}
DUE = "could not be evaluated: still starting: first health check due in 25 s"
URL = "http://shop.example/"


def _started(ago: float, state: HealthState, **times: Any) -> Container:
    found = changed(Config={"Healthcheck": {"Test": ["CMD", "true"], **(times or TIMES)}})
    started = AT - timedelta(seconds=ago)
    return found.model_copy(update={"name": "api", "started_at": started, "health": state})


@pytest.mark.parametrize(
    ("ago", "state", "reason"),
    [
        (65, health("starting"), "still starting: first health check due in 25 s"),
        (-3, health("starting"), "still starting: first health check due in 90 s"),
        (99, health("starting"), "still starting: its first health check has not ended"),
        (239.5, health("starting"), "still starting: its first health check has not ended"),
        (240, health("starting"), ""),
        (
            200,
            health("starting", "refused", "refused"),
            "still starting: its health check failed 2 times, and has 40 s left to succeed",
        ),
        (240, health("starting", "refused"), ""),
        (65, health("unhealthy", "refused"), ""),
        (65, health("healthy"), ""),
    ],
)
def test_until_when(ago: float, state: HealthState, reason: str) -> None:
    assert why_starting(_started(ago, state), AT, is_specified=True) == reason


def test_the_defaults_of_the_engine() -> None:
    found = _started(29, health("starting"), StartPeriod=0)
    assert why_starting(found, AT, is_specified=True).endswith("due in 1 s")
    found = _started(180, health("starting"), StartPeriod=0)
    assert why_starting(found, AT, is_specified=True) == ""


def test_an_hour_must_be_specified() -> None:
    found = _started(5, health("starting"), Interval=3600 * 10**9)
    assert why_starting(found, AT, is_specified=True).endswith("due in 3595 s")
    assert why_starting(found, AT, is_specified=False) == ""


def test_an_old_snapshot_does_not_hold_the_interval() -> None:
    found = _started(5, health("starting"))
    old = found.creation.model_copy(update={"settings": None})
    assert why_starting(found.model_copy(update={"creation": old}), AT, is_specified=True) == ""


def _run(folder: Path, ago: float, status: int) -> dict[str, tuple[str, str]]:
    environment = {
        "services": {"api": {"healthcheck": "required", "health": {"path": "/h", "port": 80}}},
        "routes": {"home": {"url": URL, "service": "api"}},
    }
    facts = shop.facts(
        containers={"api": _started(ago, health("starting"))},
        responses={"home": answered((URL, status))},
        answers={"health api": answered(("http://10.0.0.9/h", status))},
    )
    only = "test_healthy or (test_health_check and containers) or test_status or test_answers"
    results: dict[str, tuple[str, str]] = shop.replay(
        folder, environment, facts, "-k", only
    ).results("shop")
    return results


def test_a_healthy_stack_is_not_red_before_its_first_health_check(tmp_path: Path) -> None:
    assert _run(tmp_path, 65, 502) == {
        "containers.healthy[api]": ("UNKNOWN", DUE),
        "containers.health_check[api]": ("UNKNOWN", DUE),
        "health.answers[api]": ("UNKNOWN", DUE),
        "routes.status[home]": ("UNKNOWN", DUE.replace("still", "api is still", 1)),
    }


def test_what_it_serves_already_passes(tmp_path: Path) -> None:
    assert _run(tmp_path, 65, 200) == {
        "containers.healthy[api]": ("UNKNOWN", DUE),
        "containers.health_check[api]": ("UNKNOWN", DUE),
    }


def test_after_that_time_it_is_red(tmp_path: Path) -> None:
    assert _run(tmp_path, 240, 502) == {
        "containers.healthy[api]": ("FAIL", "api health: expected healthy, observed starting"),
        "containers.health_check[api]": (
            "FAIL", "api health check: expected one that runs, observed one that never ran",
        ),
        "health.answers[api]": ("FAIL", "api /h status: expected 200, observed 502"),
        "routes.status[home]": ("FAIL", "home status: expected 200, observed 502"),
    }  # fmt: skip
