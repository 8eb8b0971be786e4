"""The report of a watch as text."""

from datetime import UTC, datetime, timedelta

import pytest

from stackproof.cli.availability import WatchWindow, measure
from stackproof.deploy.prober import Sample
from stackproof.environment.routes import Route
from stackproof.reports.availability.model import RouteAvailability, Watch, objective
from stackproof.reports.availability.text import format_percent, headline, lines

EPOCH = datetime(2026, 1, 1, 12, tzinfo=UTC)
WINDOW = WatchWindow(began=0, command_began=1, ended=4, interval=0.1, epoch=EPOCH)


def _route(name: str, *down: int, unobserved: bool = False) -> RouteAvailability:
    """A route that is requested 40 times; the numbers in `down` fail."""
    samples = [
        Sample(
            name, number / 10, number / 10 + 0.01,
            "5xx" if number in down else None, "status 502" if number in down else "no way",
            unobserved, "new" if number > 25 else "old",
        )
        for number in range(40)
    ]  # fmt: skip
    return measure(Route(name=name, url="http://shop.example/", service=name), samples, 0, WINDOW)


def _watch(*routes: RouteAvailability) -> Watch:
    gaps = {route.route: route.longest_gap for route in routes if route.longest_gap}
    longest = max(gaps, key=lambda name: gaps[name].seconds)
    return Watch(
        environment="shop",
        command="./deploy.sh",
        command_exit_code=0,
        interrupted=False,
        rate=10,
        slo=100,
        objective=objective(routes, 100),
        exit_code=0,
        began=EPOCH,
        command_began=EPOCH + timedelta(seconds=1),
        command_ended=EPOCH + timedelta(seconds=2),
        ended=EPOCH + timedelta(seconds=4),
        duration_s=4,
        longest_lag_s=0.3,
        requests=sum(route.requests for route in routes),
        right=sum(route.right for route in routes),
        availability=100,
        failures={},
        longest_gap=gaps[longest],
        longest_gap_of=longest,
        routes=routes,
    )


def test_the_report() -> None:
    report = list(lines(_watch(_route("api", 20, 21, 22), _route("web"))))
    assert report == [
        "api availability: expected at least 100 %, observed 90 %",
        "  route  available  requests  longest gap     p50 (before)        p99 (before)",
        "  api         90 %        30       0.40 s       10 ms (10 ms)       10 ms (10 ms)",
        "  web        100 %        30       0.10 s       10 ms (10 ms)       10 ms (10 ms)",
        "longest gap between successes: 0.40 s, of api, from 12:00:01.910",
        "api was down for 0.30 s from 12:00:01.955 (0.20 to 0.41 s)",
        "  3 5xx: status 502",
        "api was answered by old (old, 12:00:00.010 to 12:00:02.510), "
        "then new (new, 12:00:02.610 to 12:00:03.910)",
        "web was answered by old (old, 12:00:00.010 to 12:00:02.510), "
        "then new (new, 12:00:02.610 to 12:00:03.910)",
        "this machine was busy: a probe was 0.30 s late",
    ]


def test_the_headline_names_the_worst_route() -> None:
    assert headline(_watch(_route("api", 20), _route("web", 20, 21, 22), _route("n8n"))) == (
        "web availability: expected at least 100 %, observed 90 % (and 1 more)"
    )


def test_the_headline_of_an_unknown_result() -> None:
    assert headline(_watch(_route("api", unobserved=True))) == (
        "shop availability: expected at least 100 %, unknown: no way"
    )


@pytest.mark.parametrize(
    ("availability", "shown"),
    [
        (None, "unknown"),
        (0, "0 %"),
        (100, "100 %"),
        (97.142857, "97.14 %"),
        (99.95, "99.95 %"),
        (99.9996, "99.999 %"),
        (100 * 99_999_999 / 100_000_000, "99.999 %"),
    ],
)
def test_only_a_complete_success_reads_as_100_percent(availability: float, shown: str) -> None:
    assert format_percent(availability) == shown
