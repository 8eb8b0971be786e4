"""Whether a container flaps: it is healthy now, and was not a moment ago."""

from collections.abc import Sequence
from itertools import dropwhile, takewhile

from stackproof.facts.container import Container, HealthCheckRun

_RECOVERED = 2
"""Successes in a row, however long the interval of the health check is."""


def recent_failures(container: Container) -> list[HealthCheckRun]:
    """Return the failures among the latest health check runs that the engine keeps.

    Empty unless the container is healthy now: another check reports one that is not. Failures
    before the first success do not count, because the service may have been starting.
    """
    return [run for run in _runs(container) if _failed(run)]


def is_flapping(container: Container) -> bool:
    """Return whether a container failed at least twice and has not recovered yet."""
    successes = list(takewhile(lambda run: not _failed(run), reversed(_runs(container))))
    return len(recent_failures(container)) > 1 and len(successes) < _RECOVERED


def _runs(container: Container) -> Sequence[HealthCheckRun]:
    """Return the runs from the first success since the container's last start."""
    health = container.health
    if health is None or (container.status, health.status) != ("running", "healthy"):
        return ()
    runs = [run for run in health.log if run.at >= container.started_at]
    return tuple(dropwhile(_failed, runs))


def _failed(run: HealthCheckRun) -> bool:
    return run.exit_code != 0
