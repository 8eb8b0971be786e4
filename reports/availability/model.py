"""The result of a watch, as `watch.json` contains it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from stackproof.frozen import Frozen
from stackproof.outcome import EXIT_GO, EXIT_OBJECTIVE_MISSED, EXIT_UNKNOWN
from stackproof.printable.text_fields import Line

Objective = Literal["met", "missed", "unknown"]
Percent = Annotated[float, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(ge=0)]

EXIT_OF: Mapping[Objective, int] = {
    "met": EXIT_GO,
    "missed": EXIT_OBJECTIVE_MISSED,
    "unknown": EXIT_UNKNOWN,
}


class Gap(Frozen):
    """The time between two successive successful responses of a route."""

    seconds: Seconds
    began: AwareDatetime
    """When the last successful response arrived, or the watch began."""
    ended: AwareDatetime | None
    """When the next one arrived; None if the watch ended first."""


class Outage(Frozen):
    """A gap between successful responses in which at least one probe failed."""

    seconds: Seconds
    """The estimate: both ends are halfway between a success and a failure."""
    at_least: Seconds
    """From the first failed probe to the last one."""
    at_most: Seconds
    """From the request of the last success before it to the response of the first one after it."""
    began: AwareDatetime
    ended: AwareDatetime | None
    """None if the outage was still on when the watch ended."""
    failures: Mapping[Line, int]
    """Failed probes by kind of failure."""


class Latency(Frozen):
    """The latency of successful responses."""

    samples: int
    p50_ms: float
    p99_ms: float


class Answering(Frozen):
    """A container that answered, identified by its responses."""

    instance: Line
    before: bool
    """Whether it answered before the command began, which makes it an old one."""
    answers: int
    first: AwareDatetime
    last: AwareDatetime


class Slice(Frozen):
    """The probes that were sent in one part of the watch, by result."""

    right: int
    failed: int
    unseen: int
    slowest_ms: float
    """Of the successful responses; 0 if there was none."""


class RouteAvailability(Frozen):
    """The availability of one route, from the start of the command to the end of the watch."""

    route: Line
    service: Line
    requests: int
    """Probes that count: the successes and the failures of the stack."""
    right: int
    failures: Mapping[Line, int]
    """Failed probes by kind of failure: `refused`, `reset`, `time-out`, `TLS`, `name`,
    `malformed`, `5xx`, `status`, `wrong service`."""
    said: Mapping[Line, Line]
    """The message of the first failure of each kind."""
    unseen: int
    """Probes that failed for a local reason and say nothing about the route."""
    unseen_said: Line
    """The reason of the first of them."""
    not_sent: int
    """Probes that were due while too many were in progress, or this machine was busy."""
    failed_before: int
    """Probes that failed before the command began."""
    availability: Percent | None
    """Percentage of successful requests; None if there was no request."""
    longest_gap: Gap | None
    outages: tuple[Outage, ...]
    """Oldest first."""
    before: Latency | None
    """Before the command began."""
    after: Latency | None
    """Since the command began."""
    instances: tuple[Answering, ...]
    """The containers that could be identified, in the order of their first response."""
    slices: tuple[Slice, ...]
    """The watch in parts of equal length, oldest first."""

    def objective(self, percent: float) -> Objective:
        """Return whether the route met an objective, however the unobserved requests ended."""
        probes = self.requests + self.unseen
        if not self.requests:
            return "unknown"
        if 100 * (self.right + self.unseen) / probes < percent:
            return "missed"
        return "met" if 100 * self.right / probes >= percent else "unknown"


class Watch(Frozen):
    """The availability of all routes while a command ran."""

    version: Literal[1] = 1
    """The version of the file format."""
    environment: Line
    command: Line
    """Quoted for a shell, and redacted."""
    command_exit_code: int | None
    """None if the command did not end; 128 plus the number of the signal that ended it."""
    interrupted: bool
    rate: float
    """Probes of each route per second."""
    slo: Percent
    """The objective for the availability of each route, in percent."""
    objective: Objective
    exit_code: int
    began: AwareDatetime
    command_began: AwareDatetime | None
    command_ended: AwareDatetime | None
    ended: AwareDatetime
    duration_s: Seconds
    longest_lag_s: Seconds
    """The longest delay of a probe, because this machine was busy."""
    requests: int
    right: int
    availability: Percent | None
    """Of all requests."""
    failures: Mapping[Line, int]
    """Of all routes, by kind of failure."""
    longest_gap: Gap | None
    """The longest gap of all routes."""
    longest_gap_of: Line
    """The route of that gap; empty if there was none."""
    routes: tuple[RouteAvailability, ...]

    @property
    def missed(self) -> Iterator[RouteAvailability]:
        """The routes that missed the objective."""
        return (route for route in self.routes if route.objective(self.slo) == "missed")


def objective(routes: tuple[RouteAvailability, ...], slo: float) -> Objective:
    """Return whether every route met the objective: each one is judged by itself."""
    results = {route.objective(slo) for route in routes}
    if "missed" in results:
        return "missed"
    return "met" if results == {"met"} else "unknown"
