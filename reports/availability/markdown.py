"""The result of a watch as Markdown, for the summary of a job."""

from collections.abc import Iterator

from stackproof.reports.availability.model import Objective, RouteAvailability, Watch
from stackproof.reports.availability.text import clock, format_duration, format_percent, headline
from stackproof.reports.markdown import prose

_SYMBOLS: dict[Objective, str] = {"met": "✅", "missed": "❌", "unknown": "❓"}
_MOST_ROUTES = 50
_MOST_OUTAGES = 3
_HEADINGS = ("route", "available", "requests", "longest gap", "outages")


def markdown(watch: Watch) -> str:
    """Return the headline, then the availability and the outages of each route."""
    return "".join(f"{line}\n" for line in _lines(watch))


def _lines(watch: Watch) -> Iterator[str]:
    yield f"## {prose(watch.environment)}, watch: {_SYMBOLS[watch.objective]}"
    yield ""
    yield prose(headline(watch))
    if watch.command_exit_code:
        yield f"<br>the command ended with exit code {watch.command_exit_code}"
    if watch.interrupted:
        yield f"<br>interrupted after {watch.duration_s:.0f} s"
    yield ""
    yield f"| {' | '.join(_HEADINGS)} |"
    yield "| --- | ---: | ---: | ---: | --- |"
    shown = sorted(watch.routes, key=_availability)[:_MOST_ROUTES]
    for route in shown:
        gap = f"{route.longest_gap.seconds:.2f} s" if route.longest_gap else ""
        cells = (
            prose(route.route), format_percent(route.availability), str(route.requests), gap,
            "<br>".join(_outages(route)),
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    yield ""
    if rest := len(watch.routes) - len(shown):
        yield f"{rest} more routes are in `watch.json`."
        yield ""


def _availability(route: RouteAvailability) -> float:
    """Return a sort key that puts routes without a request first."""
    return -1 if route.availability is None else route.availability


def _outages(route: RouteAvailability) -> Iterator[str]:
    for outage in route.outages[:_MOST_OUTAGES]:
        kinds = ", ".join(f"{number} {kind}" for kind, number in outage.failures.items())
        yield prose(f"{format_duration(outage)} from {clock(outage.began)} UTC ({kinds})")
    if len(route.outages) > _MOST_OUTAGES:
        yield f"and {len(route.outages) - _MOST_OUTAGES} more"
    if route.unseen:
        yield prose(f"{route.unseen} requests without a result: {route.unseen_said}")
