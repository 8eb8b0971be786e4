"""Expected content of an HTTP response."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from stackproof.schema.declared import Declared, empty_mapping, reject
from stackproof.schema.expected import expect
from stackproof.schema.values import HeaderName, Headers, OneOrMany, SingleLine, Texts

_MOST_TEXTS = 100
_Text = Annotated[str, expect("text that is not blank", str.strip, pattern=r"\S")]


class ExpectedContent(Declared):
    """Content that a response must have. Everything that is declared must be there."""

    fields: Texts = Field(default_factory=empty_mapping)
    """Fields of the JSON body, `a.b` for nested ones, and their values."""
    headers: Headers = Field(default_factory=empty_mapping)
    text: str | None = None
    """Text that the body must contain."""

    @property
    def content(self) -> bool:
        """Its `fields`, `headers` or `text`."""
        return bool(self.fields or self.headers or self.text)


class ForbiddenContent(Declared):
    """Content that a response must not have."""

    text: Annotated[OneOrMany[tuple[_Text, ...]], Field(max_length=_MOST_TEXTS)] = ()
    """Texts that the body must not contain, such as those of an error page."""


class Instance(Declared):
    """The field or header of a response that identifies the container that sent it."""

    field: SingleLine | None = None
    """A field of the JSON body, `a.b` for a nested one."""
    header: HeaderName | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.field is None) == (self.header is None):
            reject([((), "either 'field' or 'header' is needed, and not both")])
        return self
