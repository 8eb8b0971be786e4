"""From probes to availability: what was right, what was not and when."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from environments.routes import Route
from fixtures.probing import Probe
from reports.availability import Answering, Gap, Latency, Outage, RouteAvailability, Slice
from stackproof.secrets import redact

# As many as a picture can show side by side.
_SLICES = 240
_NO_CONTACT = ("time-out", "name")


@dataclass(frozen=True)
class Course:
    """When the watch and its command began and ended, on the monotonic clock, in seconds."""

    began: float
    command_began: float
    """When the watch ended, where the command never began."""
    ended: float
    interval: float
    """Seconds between two probes of a route."""
    epoch: datetime
    """The moment `began` on the wall clock."""

    def at(self, moment: float) -> datetime:
        """The moment on the wall clock."""
        return self.epoch + timedelta(seconds=moment - self.began)


def measure(
    route: Route, probes: Sequence[Probe], not_sent: int, over: Course
) -> RouteAvailability:
    """What the probes of one route say, see `undecided` for all together."""
    before = [probe for probe in probes if probe.sent < over.command_began]
    since = [probe for probe in probes if probe.sent >= over.command_began]
    failed = [probe for probe in since if probe.wrong]
    right = sum(probe.right for probe in since)
    unseen = [probe for probe in since if probe.unseen]
    requests = right + len(failed)
    gaps, outages = _interruptions(probes, over)
    return RouteAvailability(
        route=route.name,
        service=route.service,
        requests=requests,
        right=right,
        failures=_kinds(failed),
        said={str(probe.wrong): redact(probe.said) for probe in reversed(failed)},
        unseen=len(unseen),
        unseen_said=redact(unseen[0].said) if unseen else "",
        not_sent=not_sent,
        failed_before=sum(probe.wrong is not None for probe in before),
        availability=100 * right / requests if requests else None,
        longest_gap=max(gaps, key=lambda gap: gap.seconds, default=None),
        outages=tuple(outages),
        before=_latency(before),
        after=_latency(since),
        instances=_instances(probes, over),
        slices=_slices(probes, over),
    )


def undecided(probes: Sequence[Probe]) -> list[Probe]:
    """The probes, where none is held against the stack that may have been lost on the way to it.

    A request that gets no answer in time is the stack's fault, unless meanwhile nothing at all was
    answered and other probes could not even connect: then the way to the host is as likely.
    """
    answered = sorted(
        probe.done for probe in probes if not probe.unseen and probe.wrong not in _NO_CONTACT
    )
    lost = sorted(probe.sent for probe in probes if probe.unseen)

    def may_be_the_way(probe: Probe) -> bool:
        return (
            probe.wrong == "time-out"
            and _none_between(answered, probe.sent, probe.done)
            and not _none_between(lost, probe.sent, probe.done)
        )

    return [
        replace(each, wrong=None, unseen=True) if may_be_the_way(each) else each for each in probes
    ]


def _none_between(moments: Sequence[float], begin: float, end: float) -> bool:
    return bisect_right(moments, begin) == bisect_right(moments, end)


def _interruptions(probes: Sequence[Probe], over: Course) -> tuple[list[Gap], list[Outage]]:
    """The gaps between right answers that ended after the command began, and the outages in them.

    A right answer counts from when it came, and any other probe from when it was sent: whoever
    came then was not served.
    """
    answers = [over.began, *sorted(each.done for each in probes if each.right)]
    # What was under way when the watch stopped probing may have been answered since.
    ends = max(answers[-1], over.ended)
    by_sent = sorted(probes, key=lambda probe: probe.sent)
    moments = [probe.sent for probe in by_sent]
    gaps, outages = [], []
    for began, ended in pairwise([*answers, ends]):
        if ended <= over.command_began:
            continue
        within = by_sent[bisect_left(moments, began) : bisect_left(moments, ended)]
        gap = Gap(
            seconds=round(ended - began, 3),
            began=over.at(began),
            ended=over.at(ended) if began != answers[-1] else None,
        )
        gaps.append(gap)
        if any(probe.wrong for probe in within):
            outages.append(
                _outage(gap, began, ended, _took(probes, began), _took(probes, ended), within, over)
            )
    return gaps, outages


def _took(probes: Sequence[Probe], done: float) -> float:
    """Seconds for the answer that came at that moment; 0 where none did."""
    return max((each.done - each.sent for each in probes if each.done == done), default=0)


def _outage(
    gap: Gap,
    began: float,
    ended: float,
    last_took: float,
    next_took: float,
    within: Sequence[Probe],
    over: Course,
) -> Outage:
    unserved = [each.sent for each in within if not (each.right and each.done == ended)]
    first, last = unserved[0], unserved[-1]
    # The right answers on either side tell when it was up, and one probe a turn when it was not:
    # the truth lies less than a turn away from them, and half a turn is the best guess.
    begins = first - min(over.interval, first - began) / 2 if began > over.began else first
    # Where we were late to ask, that is not held against the stack.
    answered = min(ended, last + over.interval + next_took)
    ends = answered - min(over.interval, answered - last) / 2 if gap.ended else ended
    return Outage(
        seconds=round(ends - begins, 3),
        at_least=round(last - first, 3),
        # An answer tells that it was up at some time between its request and its coming.
        at_most=round(ended - began + last_took, 3),
        began=over.at(begins),
        ended=over.at(ends) if gap.ended else None,
        failures=_kinds(within),
    )


def _kinds(probes: Sequence[Probe]) -> dict[str, int]:
    return dict(Counter(str(probe.wrong) for probe in probes if probe.wrong))


def _latency(probes: Sequence[Probe]) -> Latency | None:
    took = sorted(1000 * (probe.done - probe.sent) for probe in probes if probe.right)
    if not took:
        return None
    middle, high = took[(len(took) - 1) // 2], took[-(-99 * len(took) // 100) - 1]
    return Latency(samples=len(took), p50_ms=round(middle, 1), p99_ms=round(high, 1))


def _instances(probes: Sequence[Probe], over: Course) -> tuple[Answering, ...]:
    answers: dict[str, list[float]] = {}
    for probe in sorted(probes, key=lambda probe: probe.done):
        if probe.instance:
            answers.setdefault(probe.instance, []).append(probe.done)
    return tuple(
        Answering(
            instance=redact(name),
            before=moments[0] < over.command_began,
            answers=len(moments),
            first=over.at(moments[0]),
            last=over.at(moments[-1]),
        )
        for name, moments in answers.items()
    )


def _slices(probes: Sequence[Probe], over: Course) -> tuple[Slice, ...]:
    length = max(over.ended - over.began, over.interval)
    # Two turns at least: with one, a probe that is a little late would leave a hole.
    number = max(1, min(_SLICES, int(length / over.interval / 2)))
    parts: list[list[Probe]] = [[] for _ in range(number)]
    for probe in probes:
        parts[min(number - 1, int((probe.sent - over.began) / length * number))].append(probe)
    return tuple(
        Slice(
            right=sum(probe.right for probe in part),
            failed=sum(probe.wrong is not None for probe in part),
            unseen=sum(probe.unseen for probe in part),
            slowest_ms=round(
                max((1000 * (each.done - each.sent) for each in part if each.right), default=0), 1
            ),
        )
        for part in parts
    )
