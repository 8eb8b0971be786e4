"""What a watch came to, as `watch.json` holds it: how available each route was, and when not."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from environments.declared import Frozen
from reports.fields import Line
from stackproof.exit_codes import EXIT_GO, EXIT_OBJECTIVE_MISSED, EXIT_UNKNOWN

Objective = Literal["met", "missed", "unknown"]
Percent = Annotated[float, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(ge=0)]

EXIT_OF: Mapping[Objective, int] = {
    "met": EXIT_GO,
    "missed": EXIT_OBJECTIVE_MISSED,
    "unknown": EXIT_UNKNOWN,
}


class Gap(Frozen):
    """The time between two right answers of a route, one after the other."""

    seconds: Seconds
    began: AwareDatetime
    """When the last right answer came, or the watch began."""
    ended: AwareDatetime | None
    """When the next one came; None where the watch ended first."""


class Outage(Frozen):
    """A gap between right answers in which at least one probe failed."""

    seconds: Seconds
    """The best estimate: it began and ended halfway between what is known to be up and down."""
    at_least: Seconds
    """From the first probe that was not answered to the last one."""
    at_most: Seconds
    """From when the last right answer before it was asked for to when the first one after came."""
    began: AwareDatetime
    ended: AwareDatetime | None
    """None where it was still on when the watch ended."""
    failures: Mapping[Line, int]
    """Failed probes, by what was wrong."""


class Latency(Frozen):
    """How long right answers took."""

    samples: int
    p50_ms: float
    p99_ms: float


class Answering(Frozen):
    """A container that answered, as its answers tell."""

    instance: Line
    before: bool
    """Whether it answered before the command began: an old one."""
    answers: int
    first: AwareDatetime
    last: AwareDatetime


class Slice(Frozen):
    """What became of the probes that were sent in one part of the watch."""

    right: int
    failed: int
    unseen: int
    slowest_ms: float
    """Of the right answers; 0 where there was none."""


class RouteAvailability(Frozen):
    """One route, from the start of the command to the end of the watch."""

    route: Line
    service: Line
    requests: int
    """Probes that were sent, and that either the stack answered or is to blame for."""
    right: int
    failures: Mapping[Line, int]
    """Failed probes, by what was wrong: `refused`, `reset`, `time-out`, `TLS`, `name`,
    `malformed`, `5xx`, `status`, `wrong service`."""
    said: Mapping[Line, Line]
    """The words of the first failure of each kind."""
    unseen: int
    """Probes that failed for a reason on this side: nothing is known of the route."""
    unseen_said: Line
    """That reason, of the first."""
    not_sent: int
    """Probes that were due while too many were under way, or this machine was busy."""
    failed_before: int
    """Probes that failed before the command began."""
    availability: Percent | None
    """Share of the requests that were answered right; None where there was no request."""
    longest_gap: Gap | None
    outages: tuple[Outage, ...]
    """Oldest first."""
    before: Latency | None
    """Before the command began."""
    after: Latency | None
    """Since the command began."""
    instances: tuple[Answering, ...]
    """Containers in the order in which they first answered, where answers tell."""
    slices: tuple[Slice, ...]
    """The whole watch in parts of equal length, oldest first."""

    def objective(self, percent: float) -> Objective:
        """Whether so much of its requests was answered right, whatever the unseen ones were."""
        probes = self.requests + self.unseen
        if not self.requests:
            return "unknown"
        if 100 * (self.right + self.unseen) / probes < percent:
            return "missed"
        return "met" if 100 * self.right / probes >= percent else "unknown"


class Watch(Frozen):
    """What became of the routes while a command ran."""

    version: Literal[1] = 1
    """Of the file's form."""
    environment: Line
    command: Line
    """As a shell would take it, redacted."""
    command_exit_code: int | None
    """None where it did not run to its end; 128 and the signal's number where one ended it."""
    interrupted: bool
    rate: float
    """Probes of each route a second."""
    slo: Percent
    """The objective: what the availability of each route must be, in percent."""
    objective: Objective
    exit_code: int
    began: AwareDatetime
    command_began: AwareDatetime | None
    command_ended: AwareDatetime | None
    ended: AwareDatetime
    duration_s: Seconds
    longest_lag_s: Seconds
    """How late the latest of all probes was sent: this machine was busy."""
    requests: int
    right: int
    availability: Percent | None
    """Of all requests together."""
    failures: Mapping[Line, int]
    """Of all routes together, by what was wrong."""
    longest_gap: Gap | None
    """The longest of all routes'."""
    longest_gap_of: Line
    """The route that had it; empty where there was none."""
    routes: tuple[RouteAvailability, ...]

    @property
    def missed(self) -> Iterator[RouteAvailability]:
        """The routes that were less available than they must be."""
        return (route for route in self.routes if route.objective(self.slo) == "missed")


def objective(routes: tuple[RouteAvailability, ...], slo: float) -> Objective:
    """Whether every route met the objective: a route that is down hides behind no other."""
    each = {route.objective(slo) for route in routes}
    return "missed" if "missed" in each else "unknown" if "unknown" in each or not each else "met"
