"""The header of a snapshot: what is known about the run that gathered its facts."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from stackproof.facts.fields import Moment
from stackproof.facts.settling import Settling
from stackproof.frozen import Frozen

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How much the clocks of two machines may differ."""


class Facts(Frozen):
    """What one run observed of one environment.

    `stackproof.probes.snapshot.Snapshot` adds one field for each kind of fact. A field holds
    either one fact, or a mapping of facts by target; `Unobserved` stands for a fact that could
    not be observed. `Probe.observed` reads a fact with its type.
    """

    version: Literal[1] = 1
    """The version of the format."""
    environment: str
    run: str
    """The id of the run that gathered it. The workers of one run share it."""
    gathered_at: Moment
    duration_s: float
    engine: str = ""
    """The address of the engine, without secrets; empty if none was asked."""
    settling: Settling | None = None
    """None if the run was not at a gate that waits."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return what a field holds."""
