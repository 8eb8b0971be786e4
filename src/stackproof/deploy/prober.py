"""Requests to every route at a steady rate, however slow the responses are."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock
from typing import Literal

from stackproof.deadlines import ROUTE_SECONDS
from stackproof.engine.threads import start_thread
from stackproof.environment.routes import Route
from stackproof.facts.response import Failure, Response
from stackproof.probes.http.content import instance_of, mismatch
from stackproof.unobserved import UnobservedError

SampleFailure = Failure | Literal["5xx", "status", "wrong service"]
"""The kind of a failure. `status`: an unexpected status below 500."""

# Each request needs a thread and a connection, and a process may often open a thousand files.
_MAX_IN_PROGRESS = 600
# A request that takes this long may well meet an outage.
SLOW_SECONDS = 1
_MAX_INSTANCE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """One request to a route, as a new visitor makes it. Times are monotonic."""

    route: str
    sent: float
    done: float
    failure: SampleFailure | None
    """None if the response was as declared, or if nothing could be observed."""
    message: str
    """The failure, or why nothing could be observed; empty if the request succeeded."""
    unobserved: bool = False
    """Whether the request failed for a local reason, which says nothing about the route."""
    instance: str = ""
    """The container that answered, according to its response; empty if unknown."""

    @property
    def succeeded(self) -> bool:
        """Whether the response was as declared."""
        return self.failure is None and not self.unobserved


class Prober:
    """Sends requests to each route at a fixed rate, in an open loop.

    Open loop: a slow response does not delay the next request, so that an outage meets as many
    requests as it would meet visitors. Each request opens a connection, as a new visitor does. A
    kept-alive connection would hide that new ones fail, and an nginx worker from before a reload
    would go on serving it.
    """

    def __init__(
        self, routes: Mapping[str, Route], request: Callable[[Route], Response], rate: float
    ) -> None:
        """Prepare to send requests.

        Args:
            routes: the routes to request.
            request: requests one route.
            rate: requests to each route per second.
        """
        self.samples: list[Sample] = []
        """The finished requests, in the order in which they ended."""
        self.not_sent: Counter[str] = Counter()
        """By route: requests that were due while too many were in progress, or too late."""
        self.longest_lag = 0.0
        """The longest delay of a request after it was due, in seconds."""
        self._last_failures: dict[str, float | None] = {}
        self._routes = list(routes.values())
        self._request = request
        self._rate = rate
        # As many as can be in progress before the first one runs out of time.
        self._limit = min(
            math.ceil(rate * ROUTE_SECONDS) + 1, max(1, _MAX_IN_PROGRESS // len(routes))
        )
        self._in_progress: dict[int, tuple[str, float]] = {}
        self._lock = Lock()
        self._stopped = Event()
        self._ended = Event()

    def start(self) -> None:
        """Begin to send requests.

        Raises:
            UnobservedError: this machine cannot start another thread.
        """
        start_thread(self._run)

    @property
    def last_trouble_at(self) -> float:
        """When the last request that failed or is slow was sent; minus infinity if none was.

        Routes without a single success do not count: nothing has changed for them.
        """
        slow = time.monotonic() - SLOW_SECONDS
        with self._lock:
            sent = [moment for moment in self._last_failures.values() if moment is not None]
            sent += [moment for _, moment in self._in_progress.values() if moment < slow]
        return max(sent, default=-math.inf)

    def stop(self, seconds: float = ROUTE_SECONDS + 1) -> None:
        """Send no more requests, and wait at most this long for those in progress.

        A request has its own deadline. If it has still not ended, something local, such as the
        resolver, held it up.
        """
        self._stopped.set()
        self._ended.wait(seconds)
        ends = time.monotonic() + seconds
        while self._in_progress and time.monotonic() < ends:
            time.sleep(0.01)
        with self._lock:
            for route, sent in self._in_progress.values():
                message = f"no answer within {seconds:g} s"
                now = time.monotonic()
                self.samples.append(Sample(route, sent, now, None, message, unobserved=True))
            self._in_progress.clear()

    def _run(self) -> None:
        began = time.monotonic()
        spacing = 1 / (self._rate * len(self._routes))
        number = 0
        while True:
            due = began + number * spacing
            if self._stopped.wait(max(0, due - time.monotonic())):
                self._ended.set()
                return
            self._send(number, self._routes[number % len(self._routes)], due)
            number += 1

    def _send(self, number: int, route: Route, due: float) -> None:
        now = time.monotonic()
        self.longest_lag = max(self.longest_lag, now - due)
        with self._lock:
            in_progress = sum(name == route.name for name, _ in self._in_progress.values())
            # A request that is late by a whole interval would coincide with the next one.
            if in_progress >= self._limit or now - due > 1 / self._rate:
                self.not_sent[route.name] += 1
                return
            self._in_progress[number] = (route.name, now)
        try:
            start_thread(partial(self._sample, number, route))
        except UnobservedError:  # this machine cannot start another thread
            with self._lock:
                del self._in_progress[number]
                self.not_sent[route.name] += 1

    def _sample(self, number: int, route: Route) -> None:
        sent = time.monotonic()
        failure, message, instance, unobserved = None, "", "", False
        try:
            response = self._request(route)
            failure, message = judge(route, response)
            if route.instance and failure is None:
                with suppress(UnobservedError):  # a success, whichever instance answered
                    instance = instance_of(route.instance, response)[:_MAX_INSTANCE_LENGTH]
        except UnobservedError as reason:
            message, unobserved = str(reason), True
        except Exception as error:  # noqa: BLE001 - a defect of ours is no failure of the route
            message, unobserved = f"{type(error).__name__}: {error}", True
        done = time.monotonic()
        with self._lock:
            if self._in_progress.pop(number, None) is None:
                return  # `stop` has already recorded it
            sample = Sample(route.name, sent, done, failure, message, unobserved, instance)
            self.samples.append(sample)
            if sample.succeeded:
                self._last_failures.setdefault(route.name, None)
            elif failure and route.name in self._last_failures:
                self._last_failures[route.name] = sent


def judge(route: Route, response: Response) -> tuple[SampleFailure | None, str]:
    """Return the kind of failure and a message; None and an empty text if there is none.

    Raises:
        UnobservedError: too little of the response was read to decide.
    """
    if response.error is not None:
        return response.failure or "malformed", response.error
    status = response.hops[-1].status
    if status not in route.expected_statuses:
        return ("5xx" if status >= 500 else "status"), f"status {status}"
    expected, found = mismatch(route.identity, response) if route.identity else ("", "")
    return ("wrong service", f"{found} instead of {expected}") if expected else (None, "")
