"""What the answer of a service holds."""

from pydantic import Field

from environments.declared import Declared, nothing
from environments.values import Texts


class Answer(Declared):
    """What an answer must hold: everything that is given must be there."""

    fields: Texts = Field(default_factory=nothing)
    """Fields of the JSON body, `a.b` for one inside another, and their values."""
    headers: Texts = Field(default_factory=nothing)
    text: str | None = None
    """Words that stand in the body."""

    @property
    def says(self) -> bool:
        """Its `fields`, `headers` or `text`: what the answer holds."""
        return bool(self.fields or self.headers or self.text)
