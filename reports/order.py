"""The order of failures: what may be the cause of others comes first."""

from collections.abc import Iterable

from stackproof.reports.verdict import CheckResult

_TIERS = (
    ("host", "predeploy", "compose_file"),
    ("containers.exists", "identity.instances"),
    ("identity", "specification", "options", "mounts", "networks", "configuration", "resources"),
    ("containers.running",),
    ("containers", "network", "deploy", "rollback"),
    ("datastores", "health", "nginx"),
    ("tls", "routes"),
)
"""Suites and checks, in the order in which they depend on each other: containers are there and as
specified, then they run and work, then what they serve is right."""
_RANKS = {name: rank for rank, names in enumerate(_TIERS) for name in names}


def causes_first(checks: Iterable[CheckResult]) -> list[CheckResult]:
    """Return failures in an order in which a cause is above its consequences.

    The order of equal ones is kept.
    """
    return sorted(checks, key=lambda each: rank(each.suite, each.check))


def rank(suite: str, check: str) -> int:
    """Return the place of a check in that order."""
    return _RANKS.get(f"{suite}.{check}", _RANKS.get(suite, len(_TIERS)))
