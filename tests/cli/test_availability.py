"""Gaps, outages and latencies of a route that is requested every 100 ms."""

from datetime import UTC, datetime, timedelta

import pytest

from stackproof.cli.availability import WatchWindow, excuse_timeouts, measure
from stackproof.deploy.prober import Sample, SampleFailure
from stackproof.environment.routes import Route
from stackproof.reports.availability.model import RouteAvailability

ROUTE = Route(name="api", url="http://shop.example/", service="api")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = WatchWindow(began=0, command_began=1, ended=4, interval=0.1, epoch=EPOCH)


def succeeded(*sent: float, took: float = 0.01, instance: str = "") -> list[Sample]:
    return [Sample("api", each, each + took, None, "", instance=instance) for each in sent]


def failed(*sent: float, kind: SampleFailure = "refused", took: float = 0.01) -> list[Sample]:
    return [Sample("api", each, each + took, kind, f"it was {kind}") for each in sent]


def unobserved(*sent: float) -> list[Sample]:
    return [Sample("api", each, each + 5, None, "no way", unobserved=True) for each in sent]


def every(begin: float, end: float, step: float = 0.1) -> list[float]:
    """Moments from one to the other, the other not included."""
    return [begin + step * number for number in range(round((end - begin) / step))]


def measured(*samples: list[Sample], not_sent: int = 0) -> RouteAvailability:
    return measure(ROUTE, [sample for each in samples for sample in each], not_sent, WINDOW)


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def near(moment: datetime, seconds: float) -> bool:
    return abs((moment - at(seconds)).total_seconds()) < 0.001


def test_every_request_succeeds() -> None:
    result = measured(succeeded(*every(0, 4)))
    assert (result.requests, result.right, result.availability) == (30, 30, 100)
    assert (result.outages, result.failures, result.said) == ((), {}, {})
    assert result.longest_gap
    assert result.longest_gap.seconds == 0.1


def test_an_outage_lies_between_successes_and_failures() -> None:
    # The last right answer came at 2.01, the first sample that failed was sent at 2.1.
    result = measured(
        succeeded(*every(0, 2.1)), failed(*every(2.1, 3.0)), succeeded(*every(3.0, 4))
    )
    [outage] = result.outages
    assert near(outage.began, (2.01 + 2.1) / 2)
    assert outage.ended
    assert near(outage.ended, 2.96)  # half an interval before the first success
    assert outage.seconds == pytest.approx(0.905, abs=0.001)
    assert (outage.at_least, outage.at_most) == (0.8, 1.01)
    assert outage.failures == {"refused": 9}
    assert result.longest_gap
    assert result.longest_gap.seconds == 1.0
    assert near(result.longest_gap.began, 2.01)
    assert result.availability == pytest.approx(100 * 21 / 30)
    assert result.said == {"refused": "it was refused"}


def test_one_failure_is_an_outage_of_one_interval() -> None:
    result = measured(succeeded(*every(0, 2)), failed(2.0), succeeded(*every(2.1, 4)))
    [outage] = result.outages
    assert (outage.at_least, outage.at_most) == (0, 0.21)
    assert outage.seconds == pytest.approx(0.1, abs=0.01)


def test_each_gap_with_a_failure_is_an_outage() -> None:
    result = measured(
        succeeded(1.0), failed(1.1), succeeded(1.2), failed(1.3, kind="5xx"), succeeded(1.4)
    )
    assert [outage.failures for outage in result.outages] == [{"refused": 1}, {"5xx": 1}]
    assert result.failures == {"refused": 1, "5xx": 1}


def test_a_request_that_waits_through_an_outage_does_not_shorten_it() -> None:
    # Sent at 2.3 and answered at 3.01, when all others are: it had been served at no time before.
    result = measured(
        succeeded(*every(0, 2.1)), failed(*every(2.1, 2.3)), succeeded(2.3, took=0.71),
        failed(*every(2.4, 3.0)), succeeded(*every(3.0, 4)),
    )  # fmt: skip
    [outage] = result.outages
    assert outage.seconds == pytest.approx(0.905, abs=0.001)


def test_an_outage_in_which_only_the_first_probes_run_out_of_time() -> None:
    # Frozen from 2.05 to 3.05: what was sent later than 2.2 is answered when it thaws.
    waiting = [sample for sent in every(2.3, 3.0) for sample in succeeded(sent, took=3.05 - sent)]
    result = measured(
        succeeded(*every(0, 2.1)), failed(2.1, 2.2, kind="time-out", took=0.5), waiting,
        succeeded(*every(3.0, 4), took=0.06),
    )  # fmt: skip
    [outage] = result.outages
    assert outage.seconds == pytest.approx(1.0, abs=0.1)


def test_an_outage_ends_at_the_first_success() -> None:
    result = measured(
        succeeded(*every(0, 2.1)), failed(*every(2.1, 3.0)), succeeded(3.0, took=0.4),
        succeeded(*every(3.1, 4), took=0.4),
    )  # fmt: skip
    [outage] = result.outages
    assert outage.ended
    assert near(outage.ended, 3.35)


def test_a_gap_without_a_failure_is_no_outage() -> None:
    waiting = [sample for sent in every(2.1, 3.0) for sample in succeeded(sent, took=3.05 - sent)]
    result = measured(succeeded(*every(0, 2.1)), waiting, succeeded(*every(3.1, 4)))
    assert result.outages == ()
    assert result.longest_gap
    assert result.longest_gap.seconds == pytest.approx(1.04)
    assert result.after
    assert result.after.p99_ms == pytest.approx(950)


def test_an_outage_that_does_not_end() -> None:
    result = measured(succeeded(*every(0, 3)), failed(*every(3, 4)))
    [outage] = result.outages
    assert outage.ended is None
    assert outage.seconds == pytest.approx(4 - (2.91 + 3.0) / 2, abs=0.001)
    assert result.longest_gap
    assert result.longest_gap.ended is None


def test_a_route_that_never_succeeds() -> None:
    result = measured(failed(*every(0, 4)))
    [outage] = result.outages
    assert (outage.began, outage.ended, outage.seconds) == (EPOCH, None, 4)
    assert (result.availability, result.failed_before) == (0, 10)
    assert (result.before, result.after) == (None, None)


def test_outages_before_the_command_are_not_reported() -> None:
    result = measured(succeeded(0), failed(*every(0.1, 0.5)), succeeded(*every(0.5, 4)))
    assert (result.outages, result.failures, result.failed_before) == ((), {}, 4)
    assert result.availability == 100


def test_requests_that_were_not_sent_are_no_outage() -> None:
    # Nothing was sent from 2 to 3: that is a gap between answers, and no outage.
    result = measured(succeeded(*every(0, 2)), succeeded(*every(3, 4)), not_sent=10)
    assert result.outages == ()
    assert (result.availability, result.not_sent) == (100, 10)
    assert result.longest_gap
    assert result.longest_gap.seconds == pytest.approx(1.1)


def test_a_gap_of_ours_before_a_failure_is_not_part_of_the_outage() -> None:
    result = measured(succeeded(*every(0, 2)), failed(3.0), succeeded(*every(3.1, 4)))
    [outage] = result.outages
    assert outage.seconds == pytest.approx(0.1, abs=0.01)
    assert outage.at_most == pytest.approx(1.21)


@pytest.mark.parametrize(
    ("failures", "lost", "slo", "objective"),
    [
        (0, 0, 100, "met"),
        (1, 0, 100, "missed"),
        (1, 0, 90, "met"),
        (0, 1, 100, "unknown"),
        (1, 1, 100, "missed"),
        (1, 1, 90, "met"),
        (4, 1, 90, "missed"),
        (3, 1, 90, "unknown"),
        (0, 40, 100, "unknown"),
    ],
)
def test_the_objective(failures: int, lost: int, slo: float, objective: str) -> None:
    rest = 0 if lost == 40 else 30 - failures - lost
    result = measured(
        failed(*every(1, 1 + failures / 10)),
        unobserved(*every(1, 1 + lost / 10)),
        succeeded(*every(1, 1 + rest / 10)),
    )
    assert result.objective(slo) == objective
    assert result.unseen_said == ("no way" if lost else "")


def test_latencies_before_and_after_the_command_began() -> None:
    result = measured(
        succeeded(*every(0, 1), took=0.02), succeeded(*every(1, 3.9), took=0.03),
        succeeded(3.9, took=0.5), failed(3.95, took=3),
    )  # fmt: skip
    assert result.before
    assert (result.before.samples, result.before.p50_ms, result.before.p99_ms) == (10, 20, 20)
    assert result.after
    assert (result.after.samples, result.after.p50_ms, result.after.p99_ms) == (30, 30, 500)


def test_instances() -> None:
    result = measured(
        succeeded(*every(0, 2), instance="old"), succeeded(*every(2, 4), took=0.01, instance="new"),
        succeeded(2.05, instance="old"),
    )  # fmt: skip
    instances = [(each.instance, each.before, each.answers) for each in result.instances]
    assert instances == [("old", True, 21), ("new", False, 20)]
    assert near(result.instances[0].last, 2.06)
    assert near(result.instances[1].first, 2.01)


def test_slices_contain_every_request() -> None:
    result = measured(succeeded(*every(0, 3)), failed(*every(3, 3.5)), unobserved(*every(3.5, 4)))
    assert sum(part.right for part in result.slices) == 30
    assert sum(part.failed for part in result.slices) == 5
    assert sum(part.unseen for part in result.slices) == 5
    assert max(part.slowest_ms for part in result.slices) == pytest.approx(10)


class TestExcusedTimeouts:
    """A time-out is unobserved if the network may have been down."""

    CUT = failed(2.0, 2.1, kind="time-out", took=5)

    def test_while_nothing_could_be_reached(self) -> None:
        samples = [*succeeded(1.9), *self.CUT, *unobserved(2.2, 2.3)]
        assert [sample.unobserved for sample in excuse_timeouts(samples)] == [
            False,
            True,
            True,
            True,
            True,
        ]

    def test_while_others_were_answered(self) -> None:
        samples = [*succeeded(1.9, 3.0), *self.CUT, *unobserved(2.2, 2.3)]
        assert [sample for sample in excuse_timeouts(samples) if sample.failure] == self.CUT

    def test_while_others_could_connect(self) -> None:
        samples = [*succeeded(1.9), *self.CUT]
        assert excuse_timeouts(samples) == samples

    def test_no_other_failure(self) -> None:
        samples = [*failed(2.0, kind="reset", took=5), *unobserved(2.2)]
        assert excuse_timeouts(samples) == samples
