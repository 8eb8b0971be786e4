"""From probes to gaps, outages and latencies: a route that is probed every 100 ms."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.measurement import Course, measure, undecided
from environments.routes import Route
from fixtures.probing import Probe, Wrong
from reports.availability import RouteAvailability

ROUTE = Route(name="api", url="http://shop.example/", service="api")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
COURSE = Course(began=0, command_began=1, ended=4, interval=0.1, epoch=EPOCH)


def right(*sent: float, took: float = 0.01, instance: str = "") -> list[Probe]:
    return [Probe("api", each, each + took, None, "", instance=instance) for each in sent]


def wrong(*sent: float, kind: Wrong = "refused", took: float = 0.01) -> list[Probe]:
    return [Probe("api", each, each + took, kind, f"it was {kind}") for each in sent]


def unseen(*sent: float) -> list[Probe]:
    return [Probe("api", each, each + 5, None, "no way", unseen=True) for each in sent]


def every(begin: float, end: float, step: float = 0.1) -> list[float]:
    """Moments from one to the other, the other not included."""
    return [begin + step * number for number in range(round((end - begin) / step))]


def measured(*probes: list[Probe], not_sent: int = 0) -> RouteAvailability:
    return measure(ROUTE, [probe for each in probes for probe in each], not_sent, COURSE)


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def near(moment: datetime, seconds: float) -> bool:
    return abs((moment - at(seconds)).total_seconds()) < 0.001


def test_all_is_right() -> None:
    seen = measured(right(*every(0, 4)))
    assert (seen.requests, seen.right, seen.availability) == (30, 30, 100)
    assert (seen.outages, seen.failures, seen.said) == ((), {}, {})
    assert seen.longest_gap
    assert seen.longest_gap.seconds == 0.1


def test_an_outage_lies_between_what_was_up_and_what_was_down() -> None:
    # The last right answer came at 2.01, the first probe that failed was sent at 2.1.
    seen = measured(right(*every(0, 2.1)), wrong(*every(2.1, 3.0)), right(*every(3.0, 4)))
    [outage] = seen.outages
    assert near(outage.began, (2.01 + 2.1) / 2)
    assert outage.ended
    assert near(outage.ended, 2.96)  # half a turn before the first right answer
    assert outage.seconds == pytest.approx(0.905, abs=0.001)
    assert (outage.at_least, outage.at_most) == (0.8, 1.01)
    assert outage.failures == {"refused": 9}
    assert seen.longest_gap
    assert seen.longest_gap.seconds == 1.0
    assert near(seen.longest_gap.began, 2.01)
    assert seen.availability == pytest.approx(100 * 21 / 30)
    assert seen.said == {"refused": "it was refused"}


def test_one_failure_is_an_outage_of_one_turn() -> None:
    seen = measured(right(*every(0, 2)), wrong(2.0), right(*every(2.1, 4)))
    [outage] = seen.outages
    assert (outage.at_least, outage.at_most) == (0, 0.21)
    assert outage.seconds == pytest.approx(0.1, abs=0.01)


def test_each_gap_with_a_failure_is_an_outage() -> None:
    seen = measured(right(1.0), wrong(1.1), right(1.2), wrong(1.3, kind="5xx"), right(1.4))
    assert [outage.failures for outage in seen.outages] == [{"refused": 1}, {"5xx": 1}]
    assert seen.failures == {"refused": 1, "5xx": 1}


def test_a_request_that_waits_for_the_end_of_an_outage_does_not_shorten_it() -> None:
    # Sent at 2.3 and answered at 3.01, when all others are: it had been served at no time before.
    seen = measured(
        right(*every(0, 2.1)), wrong(*every(2.1, 2.3)), right(2.3, took=0.71),
        wrong(*every(2.4, 3.0)), right(*every(3.0, 4)),
    )  # fmt: skip
    [outage] = seen.outages
    assert outage.seconds == pytest.approx(0.905, abs=0.001)


def test_an_outage_in_which_only_the_first_probes_run_out_of_time() -> None:
    # Frozen from 2.05 to 3.05: what was sent later than 2.2 is answered when it thaws.
    waiting = [probe for sent in every(2.3, 3.0) for probe in right(sent, took=3.05 - sent)]
    seen = measured(
        right(*every(0, 2.1)), wrong(2.1, 2.2, kind="time-out", took=0.5), waiting,
        right(*every(3.0, 4), took=0.06),
    )  # fmt: skip
    [outage] = seen.outages
    assert outage.seconds == pytest.approx(1.0, abs=0.1)


def test_what_comes_up_slowly_is_down_until_its_first_answer() -> None:
    seen = measured(
        right(*every(0, 2.1)), wrong(*every(2.1, 3.0)), right(3.0, took=0.4),
        right(*every(3.1, 4), took=0.4),
    )  # fmt: skip
    [outage] = seen.outages
    assert outage.ended
    assert near(outage.ended, 3.35)


def test_a_freeze_without_a_failure_is_a_gap_and_no_outage() -> None:
    waiting = [probe for sent in every(2.1, 3.0) for probe in right(sent, took=3.05 - sent)]
    seen = measured(right(*every(0, 2.1)), waiting, right(*every(3.1, 4)))
    assert seen.outages == ()
    assert seen.longest_gap
    assert seen.longest_gap.seconds == pytest.approx(1.04)
    assert seen.after
    assert seen.after.p99_ms == pytest.approx(950)


def test_an_outage_that_does_not_end() -> None:
    seen = measured(right(*every(0, 3)), wrong(*every(3, 4)))
    [outage] = seen.outages
    assert outage.ended is None
    assert outage.seconds == pytest.approx(4 - (2.91 + 3.0) / 2, abs=0.001)
    assert seen.longest_gap
    assert seen.longest_gap.ended is None


def test_a_route_that_is_never_right() -> None:
    seen = measured(wrong(*every(0, 4)))
    [outage] = seen.outages
    assert (outage.began, outage.ended, outage.seconds) == (EPOCH, None, 4)
    assert (seen.availability, seen.failed_before) == (0, 10)
    assert (seen.before, seen.after) == (None, None)


def test_what_ended_before_the_command_began_is_not_reported() -> None:
    seen = measured(right(0), wrong(*every(0.1, 0.5)), right(*every(0.5, 4)))
    assert (seen.outages, seen.failures, seen.failed_before) == ((), {}, 4)
    assert seen.availability == 100


def test_we_were_held_up() -> None:
    # Nothing was sent from 2 to 3: that is a gap between answers, and no outage.
    seen = measured(right(*every(0, 2)), right(*every(3, 4)), not_sent=10)
    assert seen.outages == ()
    assert (seen.availability, seen.not_sent) == (100, 10)
    assert seen.longest_gap
    assert seen.longest_gap.seconds == pytest.approx(1.1)


def test_a_failure_after_we_were_held_up_does_not_blame_the_whole_gap_on_the_stack() -> None:
    seen = measured(right(*every(0, 2)), wrong(3.0), right(*every(3.1, 4)))
    [outage] = seen.outages
    assert outage.seconds == pytest.approx(0.1, abs=0.01)
    assert outage.at_most == pytest.approx(1.21)


@pytest.mark.parametrize(
    ("failed", "lost", "slo", "objective"),
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
def test_the_objective(failed: int, lost: int, slo: float, objective: str) -> None:
    rest = 0 if lost == 40 else 30 - failed - lost
    seen = measured(
        wrong(*every(1, 1 + failed / 10)),
        unseen(*every(1, 1 + lost / 10)),
        right(*every(1, 1 + rest / 10)),
    )
    assert seen.objective(slo) == objective
    assert seen.unseen_said == ("no way" if lost else "")


def test_latencies_of_right_answers_before_and_since() -> None:
    seen = measured(
        right(*every(0, 1), took=0.02), right(*every(1, 3.9), took=0.03),
        right(3.9, took=0.5), wrong(3.95, took=3),
    )  # fmt: skip
    assert seen.before
    assert (seen.before.samples, seen.before.p50_ms, seen.before.p99_ms) == (10, 20, 20)
    assert seen.after
    assert (seen.after.samples, seen.after.p50_ms, seen.after.p99_ms) == (30, 30, 500)


def test_who_answered_when() -> None:
    seen = measured(
        right(*every(0, 2), instance="old"), right(*every(2, 4), took=0.01, instance="new"),
        right(2.05, instance="old"),
    )  # fmt: skip
    told = [(each.instance, each.before, each.answers) for each in seen.instances]
    assert told == [("old", True, 21), ("new", False, 20)]
    assert near(seen.instances[0].last, 2.06)
    assert near(seen.instances[1].first, 2.01)


def test_slices_hold_every_probe() -> None:
    seen = measured(right(*every(0, 3)), wrong(*every(3, 3.5)), unseen(*every(3.5, 4)))
    assert sum(part.right for part in seen.slices) == 30
    assert sum(part.failed for part in seen.slices) == 5
    assert sum(part.unseen for part in seen.slices) == 5
    assert max(part.slowest_ms for part in seen.slices) == pytest.approx(10)


class TestUndecided:
    """A time-out is not held against the stack where the way to it may have been cut."""

    CUT = wrong(2.0, 2.1, kind="time-out", took=5)

    def test_while_nothing_could_be_reached(self) -> None:
        probes = [*right(1.9), *self.CUT, *unseen(2.2, 2.3)]
        assert [probe.unseen for probe in undecided(probes)] == [False, True, True, True, True]

    def test_while_others_were_answered(self) -> None:
        probes = [*right(1.9, 3.0), *self.CUT, *unseen(2.2, 2.3)]
        assert [probe for probe in undecided(probes) if probe.wrong] == self.CUT

    def test_while_others_could_connect(self) -> None:
        probes = [*right(1.9), *self.CUT]
        assert undecided(probes) == probes

    def test_no_other_failure(self) -> None:
        probes = [*wrong(2.0, kind="reset", took=5), *unseen(2.2)]
        assert undecided(probes) == probes
