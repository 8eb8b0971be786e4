"""Wait until the stack has settled after a deploy, or until it is clear that it will not."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from stackproof.deadlines import SETTLE_POLL_SECONDS, UNREACHABLE_SECONDS
from stackproof.deploy.flapping import is_flapping
from stackproof.engine.client import NotFoundError
from stackproof.engine.connection import Connection, connect, inspect_container
from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.facts.container import Container
from stackproof.facts.settling import Ended, Settling
from stackproof.probes.containers import instances
from stackproof.probes.containers.inspect import parse_inspect
from stackproof.probes.containers.listing import list_containers
from stackproof.probes.probe_pool import ProbePool
from stackproof.unobserved import Unobserved, UnobservedError

if TYPE_CHECKING:
    from datetime import datetime

POLL_INTERVAL_SECONDS = 1.0
_FLAPPING = "flapping"

Containers = Mapping[str, tuple[Container, ...]]
"""The containers of each declared service; an empty tuple if it has none."""


class SettleTracker:
    """Decides from polls of the containers when the stack has settled: after two good polls.

    A poll is good if every container runs, is healthy if it has a health check, does not flap, and
    none was created, started or restarted since the previous poll. At the end of the time, a
    container that still flaps does not count: a check of its own reports it.
    """

    def __init__(self, services: Mapping[str, Service], limit_s: float) -> None:
        """Track these services for at most `limit_s` seconds."""
        self._services = services
        self._limit_s = limit_s
        self._polls = 0
        self._last_s = 0.0
        self._unreachable_since: float | None = None
        self._unreachable = ""
        self._pending: dict[str, str] = {}
        self._waited_for: defaultdict[str, float] = defaultdict(float)
        self._first_restarts: dict[str, int] = {}
        self._good: dict[str, tuple[datetime, int]] | None = None
        self._hopeless: dict[str, str] = {}

    @property
    def waits_for(self) -> str:
        """What is still pending; empty if only a second good poll is missing."""
        if self._unreachable:
            return self._unreachable
        return ", ".join(f"{service} ({reason})" for service, reason in self._pending.items())

    def record(self, poll: Containers | Unobserved, at_s: float) -> Settling | None:
        """Record one poll. Return the result once waiting has ended, otherwise None.

        Args:
            poll: the containers, or why they could not be observed.
            at_s: when the poll ended, in seconds since the wait began.
        """
        self._polls += 1
        for service, reason in self._pending.items():
            self._waited_for[f"{service}: {reason}"] += at_s - self._last_s
        if self._unreachable:
            self._waited_for[self._unreachable] += at_s - self._last_s
        self._last_s = at_s
        if isinstance(poll, Unobserved):
            ended = self._record_failure(poll, at_s)
        else:
            ended = self._record_containers(poll)
        # If the first good poll comes at the end of the time, a second one is worth waiting for.
        extra_s = 0 if self._good is None else 2 * POLL_INTERVAL_SECONDS
        if ended is None and at_s >= self._limit_s + extra_s:
            ended = "blind" if self._unreachable else "late"
            if self._pending and set(self._pending.values()) == {_FLAPPING}:
                ended, self._pending = "settled", {}  # a check of its own reports it
        if ended is None:
            return None
        return Settling(
            ended=ended,
            seconds=round(at_s, 1),
            limit_s=self._limit_s,
            looks=self._polls,
            waited_for={reason: round(seconds, 1) for reason, seconds in self._waited_for.items()},
            pending=self._hopeless if ended == "hopeless" else self._pending,
            blind=self._unreachable,
        )

    def _record_failure(self, poll: Unobserved, at_s: float) -> Ended | None:
        self._unreachable, self._good, self._hopeless = poll.reason, None, {}
        if self._unreachable_since is None:
            self._unreachable_since = at_s
        return "blind" if at_s - self._unreachable_since >= UNREACHABLE_SECONDS else None

    def _record_containers(self, poll: Containers) -> Ended | None:
        self._unreachable, self._unreachable_since = "", None
        self._pending, hopeless = {}, {}
        for name, service in self._services.items():
            found = poll.get(name, ()) if service.instances else ()
            if len(found) < service.instances and not service.may_be_removed:
                self._pending[name] = _missing(service, len(found))
            for container in found:
                if reason := pending(service, container):
                    self._pending[name] = reason
                if reason := self._why_hopeless(service, container):
                    hopeless[name] = reason
        state = {
            container.id: (container.started_at, container.restart_count)
            for found in poll.values()
            for container in found
        }
        previous, self._good = self._good, None if self._pending else state
        # Two polls in a row: a deploy in progress stops a container before it removes it.
        still_hopeless = hopeless.keys() & self._hopeless.keys()
        self._hopeless = hopeless
        if still_hopeless:
            return "hopeless"
        return "settled" if self._good is not None and previous == self._good else None

    def _why_hopeless(self, service: Service, container: Container) -> str | None:
        """Return why waiting for a container cannot help, or None if it may."""
        if is_done(service, container):
            return None
        policy, restarts = container.creation.restart, container.restart_count
        grew = restarts > self._first_restarts.setdefault(container.id, restarts)
        if restarts > service.max_restarts and (grew or container.status == "restarting"):
            return f"in a crash loop, at restart {restarts}"
        stays_down = policy == "no" or (policy == "on-failure" and container.exit_code == 0)
        if container.status == "exited" and stays_down:
            return f"exited with code {container.exit_code}, and nothing restarts it"
        return None


def _missing(service: Service, found: int) -> str:
    if service.instances == 1:
        return f"no container {service.container or service.name}"
    return f"{found} of {service.instances} containers"


def pending(service: Service, container: Container) -> str | None:
    """Return what keeps a container from having settled, or None if it has."""
    if is_done(service, container):
        return None
    if container.status == "exited":
        return f"exited with code {container.exit_code}"
    if container.status != "running":
        return container.status
    if service.one_shot:
        return "has not ended"
    health = container.health.status if container.health else "healthy"
    if health == "starting" or (health != "healthy" and service.healthcheck):
        return health
    return _FLAPPING if service.healthcheck and is_flapping(container) else None


def is_done(service: Service, container: Container) -> bool:
    """Return whether a container is, or may be, a one-shot that has ended successfully."""
    ended = (container.status, container.exit_code) == ("exited", 0)
    return ended and service.may_have_ended


def settle(
    environment: Environment,
    limit_s: float,
    report: Callable[[str, float, float], None],
    poll: Callable[[float], Containers | Unobserved] | None = None,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Settling:
    """Poll until the stack has settled, it is clear that it will not, or the time is up.

    Never raises: the result says if nothing could be observed.

    Args:
        environment: its declared containers are polled.
        limit_s: how long this may take, in seconds.
        report: called after each poll with what is pending, the elapsed seconds and the limit.
        poll: observes the containers within a number of seconds.
        pause: sleeps between two polls.
        clock: returns the time in seconds.
    """
    began = clock()
    tracker = SettleTracker(environment.services, limit_s)
    poller = _Poller(environment)
    try:
        while True:
            left = limit_s - (clock() - began)
            found = (poll or poller.poll)(max(1.0, min(SETTLE_POLL_SECONDS, left)))
            elapsed = clock() - began
            if result := tracker.record(found, elapsed):
                return result
            report(tracker.waits_for, elapsed, limit_s)
            pause(POLL_INTERVAL_SECONDS)
    finally:
        poller.close()


def why_unreachable(environment: Environment) -> str:
    """Return why the engine cannot be reached over a new connection; empty if it can."""
    poller = _Poller(environment)
    found = poller.poll(SETTLE_POLL_SECONDS)
    poller.close()
    return found.reason if isinstance(found, Unobserved) else ""


class _Poller:
    """Polls the containers over one connection as long as that works."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._connection: Connection | None = None

    def poll(self, seconds: float) -> Containers | Unobserved:
        pool = ProbePool(seconds)
        listed = pool.result(pool.start(self._list))
        if isinstance(listed, Unobserved):
            return self._disconnect(listed)
        connection, ids = listed
        started = {each: pool.start(partial(_inspect, connection, each)) for _, each in ids}
        inspected = pool.results(started)
        failed = [each for each in inspected.values() if isinstance(each, Unobserved)]
        if failed:
            return self._disconnect(failed[0])
        found: defaultdict[str, tuple[Container, ...]] = defaultdict(tuple)
        for service, each in ids:
            container = inspected[each]
            if isinstance(container, Container):
                found[service] += (container,)
        return dict(found)

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def _disconnect(self, failure: Unobserved) -> Unobserved:
        self.close()  # this ends the requests in progress
        self._connection = None
        engine = f"engine {self._environment.engine.label}: "
        return Unobserved(reason=engine + failure.reason.removeprefix(engine))

    def _list(self) -> tuple[Connection, list[tuple[str, str]]]:
        """Return the connection, and the service and id of each container."""
        connection = self._connection or connect(self._environment.engine)
        listed, unreadable = list_containers(connection)
        self._connection = connection
        found = instances.of_all(self._environment, listed)
        for name in instances.by_instance(self._environment, listed).values():
            if reason := instances.why_unreadable(unreadable, name, name in listed):
                raise UnobservedError(reason)
        return connection, [
            (service, listed[name].id) for service, names in found.items() for name in names
        ]


def _inspect(connection: Connection, container_id: str) -> Container | None:
    try:
        return parse_inspect(inspect_container(connection, container_id))
    except NotFoundError:
        return None
