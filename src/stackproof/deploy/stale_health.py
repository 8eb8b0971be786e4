"""Whether the engine still runs the health check of a container."""

from datetime import datetime, timedelta

from stackproof.deploy.startup import health_check_seconds
from stackproof.facts.container import Container

_INTERVALS = 3
_GRACE_SECONDS = 120
"""A busy engine is late, and one that was suspended or a container that was paused starts over."""


def why_stale(container: Container, at: datetime, ahead_s: float = 0) -> str:
    """Return why `healthy` says nothing about a container any more; empty if it does.

    Args:
        container: the container.
        at: when it was observed, by the clock here.
        ahead_s: seconds by which the engine's clock is ahead of it.
    """
    settings, health = container.creation.settings, container.health
    if health is None or (container.status, health.status) != ("running", "healthy"):
        return ""
    if settings is None or settings.options is None or not health.log:
        return ""  # an old snapshot does not hold the interval
    interval, timeout = (
        health_check_seconds(name, settings.options) for name in ("interval", "timeout")
    )
    age = (at - max(run.at for run in health.log)).total_seconds() + ahead_s
    if age < _INTERVALS * (interval + timeout) + _GRACE_SECONDS:
        return ""
    ago = timedelta(seconds=int(age))
    return (
        f"its health check last ran {ago} ago, and its interval is {interval:g} s: "
        "the engine no longer runs it (or the container was paused until now)"
    )
