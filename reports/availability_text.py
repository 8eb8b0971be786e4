"""What a watch came to, in words: one line that stands alone, then what there is to know."""

from collections.abc import Iterator
from datetime import datetime

from reports.availability import Answering, Outage, RouteAvailability, Watch

_MOST_OUTAGES = 3
_HEADINGS = "      right  requests  longest gap     p50 (before)        p99 (before)"


def headline(watch: Watch) -> str:
    """The worst in one line."""
    due = f"expected at least {watch.slo:g} %"
    missed = sorted(watch.missed, key=lambda route: route.availability or 0)
    if missed:
        others = f" (and {len(missed) - 1} more)" if len(missed) > 1 else ""
        return (
            f"{missed[0].route} availability: {due}, "
            f"observed {in_percent(missed[0].availability)}{others}"
        )
    whole = f"{watch.environment} availability"
    if watch.objective == "unknown":
        unseen = next((route.unseen_said for route in watch.routes if route.unseen_said), "")
        return f"{whole}: {due}, unknown: {unseen or 'no probe was sent'}"
    return f"{whole}: {in_percent(watch.availability)} of {watch.requests} requests"


def lines(watch: Watch) -> Iterator[str]:
    """Everything that an operator wants to know without opening a file."""
    yield headline(watch)
    if watch.interrupted:
        yield f"interrupted after {watch.duration_s:.0f} s"
    if watch.command_exit_code:
        yield f"the command ended with exit code {watch.command_exit_code}"
    names = max(len(name) for name in ("route", *(route.route for route in watch.routes)))
    yield f"  {'route':<{names}}{_HEADINGS}"
    for route in watch.routes:
        pause = f"{route.longest_gap.seconds:.2f} s" if route.longest_gap else "none"
        yield (
            f"  {route.route:<{names}}{in_percent(route.availability):>11}{route.requests:>10}"
            f"{pause:>13}{_against(route, 'p50_ms'):>20}{_against(route, 'p99_ms'):>20}"
        )
    if gap := watch.longest_gap:
        yield (
            f"longest gap between right answers: {gap.seconds:.2f} s, of {watch.longest_gap_of}, "
            f"from {clock(gap.began)}"
        )
    for route in watch.routes:
        yield from _of_route(route)
    if watch.longest_lag_s > 1 / watch.rate:
        yield f"this machine was busy: a probe was {watch.longest_lag_s:.2f} s late"


def in_percent(availability: float | None) -> str:
    """A share that reads as 100 % only where nothing failed."""
    if availability is None:
        return "nothing"
    shown = f"{availability:.3f}" if availability > 99.9 else f"{availability:.2f}"
    if float(shown) == 100 and availability < 100:
        shown = "99.999"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown} %"


def in_seconds(outage: Outage) -> str:
    """How long an outage took, as exactly as it is known."""
    return f"{outage.seconds:.2f} s" + ("" if outage.ended else " and still on")


def _against(route: RouteAvailability, quantile: str) -> str:
    before, after = (
        f"{getattr(latency, quantile):.0f} ms" if latency else "none"
        for latency in (route.before, route.after)
    )
    return f"{after} ({before})"


def _of_route(route: RouteAvailability) -> Iterator[str]:
    longest = sorted(route.outages, key=lambda outage: -outage.seconds)[:_MOST_OUTAGES]
    for outage in sorted(longest, key=lambda outage: outage.began):
        yield (
            f"{route.route} was down for {in_seconds(outage)} from {clock(outage.began)} "
            f"({outage.at_least:.2f} to {outage.at_most:.2f} s)"
        )
    if len(route.outages) > len(longest):
        yield f"  and {len(route.outages) - len(longest)} times for less"
    for kind, number in route.failures.items():
        yield f"  {number} {kind}: {route.said[kind]}"
    if route.failed_before:
        yield f"{route.route}: {route.failed_before} failed before the command began"
    if route.unseen:
        yield f"{route.route}: {route.unseen} could not look: {route.unseen_said}"
    if route.not_sent:
        yield f"{route.route}: {route.not_sent} not sent"
    if len(route.instances) > 1:
        told = ", then ".join(_instance(each) for each in route.instances)
        yield f"{route.route} was answered by {told}"


def _instance(seen: Answering) -> str:
    age = "old" if seen.before else "new"
    return f"{seen.instance} ({age}, {clock(seen.first)} to {clock(seen.last)})"


def clock(moment: datetime) -> str:
    """The time of day, to the millisecond."""
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
