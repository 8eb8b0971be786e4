"""What the answer of a service holds."""

from typing import Self

from pydantic import Field, model_validator

from environments.declared import Declared, nothing, refuse
from environments.values import HeaderName, Headers, Line, Texts


class Answer(Declared):
    """What an answer must hold: everything that is given must be there."""

    fields: Texts = Field(default_factory=nothing)
    """Fields of the JSON body, `a.b` for one inside another, and their values."""
    headers: Headers = Field(default_factory=nothing)
    text: str | None = None
    """Words that stand in the body."""

    @property
    def says(self) -> bool:
        """Its `fields`, `headers` or `text`: what the answer holds."""
        return bool(self.fields or self.headers or self.text)


class Instance(Declared):
    """Where an answer tells which of a service's containers gave it: one place."""

    field: Line | None = None
    """A field of the JSON body, `a.b` for one inside another."""
    header: HeaderName | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.field is None) == (self.header is None):
            refuse([((), "either 'field' or 'header' is needed, and not both")])
        return self
