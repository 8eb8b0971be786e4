"""The availability of a route, computed from the requests to it: successes, gaps and outages."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from stackproof.deploy.prober import Sample
from stackproof.environment.routes import Route
from stackproof.reports.availability.model import (
    Answering,
    Gap,
    Latency,
    Outage,
    RouteAvailability,
    Slice,
)
from stackproof.secrets import redact

# As many as fit into the timeline.
_SLICES = 240
_NO_CONTACT = ("time-out", "name")


@dataclass(frozen=True)
class WatchWindow:
    """The begin and end of the watch and of its command, in seconds on the monotonic clock."""

    began: float
    command_began: float
    """The end of the watch if the command never began."""
    ended: float
    interval: float
    """Seconds between two requests to a route."""
    epoch: datetime
    """`began` on the wall clock."""

    def at(self, moment: float) -> datetime:
        """Return a moment on the wall clock."""
        return self.epoch + timedelta(seconds=moment - self.began)


def measure(
    route: Route, samples: Sequence[Sample], not_sent: int, window: WatchWindow
) -> RouteAvailability:
    """Return the availability of one route from the requests to it.

    Pass the requests of all routes through `excuse_timeouts` first.
    """
    before = [sample for sample in samples if sample.sent < window.command_began]
    since = [sample for sample in samples if sample.sent >= window.command_began]
    failed = [sample for sample in since if sample.failure]
    succeeded = sum(sample.succeeded for sample in since)
    unobserved = [sample for sample in since if sample.unobserved]
    requests = succeeded + len(failed)
    gaps, outages = _gaps_and_outages(samples, window)
    return RouteAvailability(
        route=route.name,
        service=route.service,
        requests=requests,
        right=succeeded,
        failures=_kinds(failed),
        said={str(sample.failure): redact(sample.message) for sample in reversed(failed)},
        unseen=len(unobserved),
        unseen_said=redact(unobserved[0].message) if unobserved else "",
        not_sent=not_sent,
        failed_before=sum(sample.failure is not None for sample in before),
        availability=100 * succeeded / requests if requests else None,
        longest_gap=max(gaps, key=lambda gap: gap.seconds, default=None),
        outages=tuple(outages),
        before=_latency(before),
        after=_latency(since),
        instances=_instances(samples, window),
        slices=_slices(samples, window),
    )


def excuse_timeouts(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples; time-outs that may be the network's fault are marked as unobserved.

    A time-out is a failure of the stack, unless no request got a response meanwhile and others
    could not even be sent. Then the network is as likely a cause.
    """
    answered = sorted(
        sample.done
        for sample in samples
        if not sample.unobserved and sample.failure not in _NO_CONTACT
    )
    unsent = sorted(sample.sent for sample in samples if sample.unobserved)

    def may_be_network(sample: Sample) -> bool:
        return (
            sample.failure == "time-out"
            and _none_between(answered, sample.sent, sample.done)
            and not _none_between(unsent, sample.sent, sample.done)
        )

    return [
        replace(each, failure=None, unobserved=True) if may_be_network(each) else each
        for each in samples
    ]


def _none_between(moments: Sequence[float], begin: float, end: float) -> bool:
    return bisect_right(moments, begin) == bisect_right(moments, end)


def _gaps_and_outages(
    samples: Sequence[Sample], window: WatchWindow
) -> tuple[list[Gap], list[Outage]]:
    """Return the gaps between successes that ended after the command began, and their outages.

    A success counts from its response. Any other sample counts from when it was sent: a visitor
    who came then was not served.
    """
    answers = [window.began, *sorted(each.done for each in samples if each.succeeded)]
    # Requests in progress at the end of the watch may have been answered since.
    ends = max(answers[-1], window.ended)
    by_sent = sorted(samples, key=lambda sample: sample.sent)
    moments = [sample.sent for sample in by_sent]
    gaps, outages = [], []
    for began, ended in pairwise([*answers, ends]):
        if ended <= window.command_began:
            continue
        within = by_sent[bisect_left(moments, began) : bisect_left(moments, ended)]
        gap = Gap(
            seconds=round(ended - began, 3),
            began=window.at(began),
            ended=window.at(ended) if began != answers[-1] else None,
        )
        gaps.append(gap)
        if any(sample.failure for sample in within):
            outages.append(
                _outage(
                    gap, began, ended, _took(samples, began), _took(samples, ended), within, window
                )
            )
    return gaps, outages


def _took(samples: Sequence[Sample], done: float) -> float:
    """Return the duration of the request that ended at this moment; 0 if there is none."""
    return max((each.done - each.sent for each in samples if each.done == done), default=0)


def _outage(
    gap: Gap,
    began: float,
    ended: float,
    last_took: float,
    next_took: float,
    within: Sequence[Sample],
    window: WatchWindow,
) -> Outage:
    unserved = [each.sent for each in within if not (each.succeeded and each.done == ended)]
    first, last = unserved[0], unserved[-1]
    # The route was up at the successes on both sides, and down at the failures between them. The
    # outage begins and ends less than an interval from a failure: half of one is the best estimate.
    begins = first - min(window.interval, first - began) / 2 if began > window.began else first
    # If our own requests were late, the delay is not part of the outage.
    answered = min(ended, last + window.interval + next_took)
    ends = answered - min(window.interval, answered - last) / 2 if gap.ended else ended
    return Outage(
        seconds=round(ends - begins, 3),
        at_least=round(last - first, 3),
        # A success shows that the route was up at some time between request and response.
        at_most=round(ended - began + last_took, 3),
        began=window.at(begins),
        ended=window.at(ends) if gap.ended else None,
        failures=_kinds(within),
    )


def _kinds(samples: Sequence[Sample]) -> dict[str, int]:
    return dict(Counter(str(sample.failure) for sample in samples if sample.failure))


def _latency(samples: Sequence[Sample]) -> Latency | None:
    took = sorted(1000 * (sample.done - sample.sent) for sample in samples if sample.succeeded)
    if not took:
        return None
    middle, high = took[(len(took) - 1) // 2], took[-(-99 * len(took) // 100) - 1]
    return Latency(samples=len(took), p50_ms=round(middle, 1), p99_ms=round(high, 1))


def _instances(samples: Sequence[Sample], window: WatchWindow) -> tuple[Answering, ...]:
    answers: dict[str, list[float]] = {}
    for sample in sorted(samples, key=lambda sample: sample.done):
        if sample.instance:
            answers.setdefault(sample.instance, []).append(sample.done)
    return tuple(
        Answering(
            instance=redact(name),
            before=moments[0] < window.command_began,
            answers=len(moments),
            first=window.at(moments[0]),
            last=window.at(moments[-1]),
        )
        for name, moments in answers.items()
    )


def _slices(samples: Sequence[Sample], window: WatchWindow) -> tuple[Slice, ...]:
    length = max(window.ended - window.began, window.interval)
    # At least two intervals each: with one, a request that is a little late would leave a hole.
    number = max(1, min(_SLICES, int(length / window.interval / 2)))
    parts: list[list[Sample]] = [[] for _ in range(number)]
    for sample in samples:
        parts[min(number - 1, int((sample.sent - window.began) / length * number))].append(sample)
    return tuple(
        Slice(
            right=sum(sample.succeeded for sample in part),
            failed=sum(sample.failure is not None for sample in part),
            unseen=sum(sample.unobserved for sample in part),
            slowest_ms=round(
                max((1000 * (each.done - each.sent) for each in part if each.succeeded), default=0),
                1,
            ),
        )
        for part in parts
    )
