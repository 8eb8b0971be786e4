"""Whether a container still has time to become healthy."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

from stackproof.facts.container import Container
from stackproof.facts.options import OptionValue, option
from stackproof.unobserved import UnobservedError

STARTING = "still starting"
_SHOWN = 40
_LONGEST = timedelta(minutes=10)


def why_starting(container: Container, at: datetime, *, is_specified: bool) -> str:
    """Return why a container cannot be expected to be healthy yet; empty if it can.

    Its health check runs for the first time one interval after the start, and has its retries after
    the start period. Until then, the engine reports `starting` for a service that is well.

    Args:
        container: the container.
        at: when it was observed.
        is_specified: whether Compose files specify its health check, however long that takes.
            Otherwise an interval of an hour is a mistake.
    """
    settings, health = container.creation.settings, container.health
    if health is None or (container.status, health.status) != ("running", "starting"):
        return ""
    if settings is None or settings.options is None:
        return ""  # an old snapshot does not hold the interval
    interval, timeout, retries, start_period = (
        health_check_seconds(name, settings.options)
        for name in ("interval", "timeout", "retries", "start_period")
    )
    age = max((at - container.started_at).total_seconds(), 0)
    deadline = start_period + retries * (interval + timeout)
    if age >= deadline or (deadline > _LONGEST.total_seconds() and not is_specified):
        return ""
    if health.log:
        failures = f"its health check failed {len(health.log)} times"
        return f"{STARTING}: {failures}, and has {ceil(deadline - age)} s left to succeed"
    if age < interval:
        return f"{STARTING}: first health check due in {ceil(interval - age)} s"
    return f"{STARTING}: its first health check has not ended"


def health_check_seconds(key: str, options: Mapping[str, OptionValue]) -> float:
    """Return a setting of a health check, or Docker's default: `interval`, `timeout`, ….

    Raises:
        UnobservedError: it is not a number of seconds.
    """
    name = f"healthcheck.{key}"
    found, known = options.get(name), option(name)
    shown = found.shown if found else known.default if known else "0"
    try:
        return float(shown.removesuffix("s"))
    except ValueError:
        raise UnobservedError(f"unexpected {key} of the health check: {shown[:_SHOWN]}") from None
