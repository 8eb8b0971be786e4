"""How the wait for a stack to settle went."""

from collections.abc import Mapping
from typing import Literal

from stackproof.frozen import Frozen
from stackproof.printable.text_fields import Line

Ended = Literal["settled", "late", "hopeless", "blind"]
"""`late`: the time was up. `hopeless`: waiting could not help. `blind`: nothing was observed."""


class Settling(Frozen):
    """How a gate waited for the stack to settle."""

    ended: Ended
    seconds: float
    """How long the wait took."""
    limit_s: float
    """The limit of the wait."""
    looks: int
    waited_for: Mapping[Line, float]
    """Seconds by reason to wait: `api: starting`."""
    pending: Mapping[Line, Line]
    """By service, what was still pending at the end, or why waiting was given up."""
    blind: Line
    """Why the stack could not be observed at the end; empty if it could."""
