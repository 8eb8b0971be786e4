"""Types of the fields of facts."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field


def moment(at: datetime) -> datetime:
    """Return a moment in UTC. Without an offset it is taken for UTC.

    Raises:
        ValueError: it is before the year 1 in UTC, or after 9999.
    """
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("a moment that is out of range") from None


Moment = Annotated[datetime, AfterValidator(moment)]
"""A moment in UTC; all moments are comparable."""


Count = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A number of bytes or other things, up to 63 bits."""
