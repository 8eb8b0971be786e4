"""The base class of immutable models."""

from pydantic import BaseModel, ConfigDict

from stackproof.secrets import redact


class Frozen(BaseModel):
    """An immutable model that rejects unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        defer_build=True,
        allow_inf_nan=False,
    )

    def __repr__(self) -> str:
        """Return the representation that a traceback shows, without secrets."""
        return redact(super().__repr__())

    __str__ = __repr__
