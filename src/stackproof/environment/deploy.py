"""How a release is deployed, and failures that are accepted until a date."""

from typing import Annotated

from pydantic import Field

from stackproof.schema.declared import (
    Declared,
)
from stackproof.schema.values import Day, SingleLine, VariableName

BASELINE_HOURS = 24.0
MOST_BASELINE_HOURS = 8760


class Deploy(Declared):
    """How a release is deployed."""

    order: tuple[str, ...]
    scaled: tuple[str, ...] = ()
    """Services that are scaled to two instances during the deploy, so that one always serves."""
    clean_images: bool = False
    """Whether a deploy removes the images that it replaced. A rollback needs them."""
    new_images: bool = False
    """Whether every deploy must bring new images. One with the previous image changed nothing."""
    required_variables: tuple[VariableName, ...] = ()
    optional_variables: tuple[VariableName, ...] = ()
    baseline_hours: Annotated[float, Field(gt=0, le=MOST_BASELINE_HOURS, allow_inf_nan=False)] = (
        BASELINE_HOURS
    )
    """Maximum age of the baseline with which a gate compares."""


class Waiver(Declared):
    """A known failure that is accepted until the end of a day."""

    check: SingleLine
    """The name of the check, `containers.restarts`."""
    subject: SingleLine
    reason: SingleLine
    expires: Day
