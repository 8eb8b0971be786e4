"""Facts that could not be observed."""

from collections.abc import Mapping
from typing import TypeVar

from stackproof.frozen import Frozen

T = TypeVar("T")

_SHOWN = 300


class UnobservedError(Exception):
    """A check needs a fact that could not be observed. The check is UNKNOWN."""


class JobRemovedError(UnobservedError):
    """A check is about the container of a job that may have been removed. The check passes."""


class ConnectionLostError(UnobservedError):
    """The connection to the engine ended while it was in use."""


class Unobserved(Frozen):
    """The placeholder of a fact that could not be observed, with the reason."""

    reason: str


def observed(fact: T | Unobserved) -> T:
    """Return the fact.

    Raises:
        UnobservedError: it could not be observed.
    """
    if isinstance(fact, Unobserved):
        raise UnobservedError(fact.reason)
    return fact


def observed_of(facts: Mapping[str, T | Unobserved], key: str) -> T:
    """Return one fact of several.

    Raises:
        UnobservedError: it could not be observed, or the snapshot does not contain it.
    """
    if key not in facts:
        raise UnobservedError(f"the snapshot does not hold {key!r}; it was taken for other checks")
    return observed(facts[key])


def reason_of(error: BaseException) -> str:
    """Return in one line why a fact could not be observed."""
    if isinstance(error, UnobservedError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory on this machine"
    text = (str(error).strip().splitlines() or [""])[0][:_SHOWN]
    return f"{type(error).__name__}: {text}"
