"""The result of a watch as text: a headline that stands alone, then the details."""

from collections.abc import Iterator
from datetime import datetime

from stackproof.reports.availability.model import Answering, Outage, RouteAvailability, Watch

_MOST_OUTAGES = 3
_HEADINGS = "  available  requests  longest gap     p50 (before)        p99 (before)"


def headline(watch: Watch) -> str:
    """Return the most important result in one line."""
    expected = f"expected at least {watch.slo:g} %"
    missed = sorted(watch.missed, key=lambda route: route.availability or 0)
    if missed:
        others = f" (and {len(missed) - 1} more)" if len(missed) > 1 else ""
        return (
            f"{missed[0].route} availability: {expected}, "
            f"observed {format_percent(missed[0].availability)}{others}"
        )
    name = f"{watch.environment} availability"
    if watch.objective == "unknown":
        reason = next((route.unseen_said for route in watch.routes if route.unseen_said), "")
        return f"{name}: {expected}, unknown: {reason or 'no probe was sent'}"
    return f"{name}: {format_percent(watch.availability)} of {watch.requests} requests"


def lines(watch: Watch) -> Iterator[str]:
    """Yield the lines of the report."""
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
            f"  {route.route:<{names}}{format_percent(route.availability):>11}{route.requests:>10}"
            f"{pause:>13}{_compare(route, 'p50_ms'):>20}{_compare(route, 'p99_ms'):>20}"
        )
    if gap := watch.longest_gap:
        yield (
            f"longest gap between successes: {gap.seconds:.2f} s, of {watch.longest_gap_of}, "
            f"from {clock(gap.began)}"
        )
    for route in watch.routes:
        yield from _of_route(route)
    if watch.longest_lag_s > 1 / watch.rate:
        yield f"this machine was busy: a probe was {watch.longest_lag_s:.2f} s late"


def format_percent(availability: float | None) -> str:
    """Return a percentage, which reads as 100 % only if nothing failed."""
    if availability is None:
        return "unknown"
    shown = f"{availability:.3f}" if availability > 99.9 else f"{availability:.2f}"
    if float(shown) == 100 and availability < 100:
        shown = "99.999"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown} %"


def format_duration(outage: Outage) -> str:
    """Return the duration of an outage."""
    return f"{outage.seconds:.2f} s" + ("" if outage.ended else "; still ongoing")


def _compare(route: RouteAvailability, quantile: str) -> str:
    before, after = (
        f"{getattr(latency, quantile):.0f} ms" if latency else "none"
        for latency in (route.before, route.after)
    )
    return f"{after} ({before})"


def _of_route(route: RouteAvailability) -> Iterator[str]:
    longest = sorted(route.outages, key=lambda outage: -outage.seconds)[:_MOST_OUTAGES]
    for outage in sorted(longest, key=lambda outage: outage.began):
        yield (
            f"{route.route} was down for {format_duration(outage)} from {clock(outage.began)} "
            f"({outage.at_least:.2f} to {outage.at_most:.2f} s)"
        )
    if len(route.outages) > len(longest):
        yield f"  and {len(route.outages) - len(longest)} more outages, all shorter"
    for kind, number in route.failures.items():
        yield f"  {number} {kind}: {route.said[kind]}"
    if route.failed_before:
        yield f"{route.route}: {route.failed_before} failed before the command began"
    if route.unseen:
        yield f"{route.route}: {route.unseen} without a result: {route.unseen_said}"
    if route.not_sent:
        yield f"{route.route}: {route.not_sent} not sent"
    if len(route.instances) > 1:
        instances = ", then ".join(_format_instance(each) for each in route.instances)
        yield f"{route.route} was answered by {instances}"


def _format_instance(container: Answering) -> str:
    age = "old" if container.before else "new"
    return f"{container.instance} ({age}, {clock(container.first)} to {clock(container.last)})"


def clock(moment: datetime) -> str:
    """Return the time of day, in milliseconds."""
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
