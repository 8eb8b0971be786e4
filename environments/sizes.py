"""Sizes: of memory, as Compose (`512M`) and a person (`512 MiB`) write them; and of CPUs."""

import re
from fractions import Fraction
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_FORM = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([bkmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_TOO_MANY = 1 << 63  # for every kernel
_EXPECTED = "expected a size such as 512M or 2G"


class Bytes(int):
    """A size in bytes. Units are powers of 1024, as in Compose."""

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read `512M`, `2g`, `1.5GiB` or a whole number of bytes.

        Raises:
            ValueError: the text is not a size.
        """
        if isinstance(text, int) and not isinstance(text, bool) and 0 <= text < _TOO_MANY:
            return cls(text)
        match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
        size = Fraction(match[1]) * 1024 ** _POWERS[match[2].lower()] if match else _TOO_MANY
        if size >= _TOO_MANY:
            message = f"{_EXPECTED}, got {text!r}"
            raise ValueError(message)
        return cls(size)

    def __str__(self) -> str:
        """Tell the size to a person: `512 MiB` where exact, else `1.5 GiB`, to one digit."""
        for unit, power in (("TiB", 4), ("GiB", 3), ("MiB", 2), ("KiB", 1)):
            # What one digit would round up to 1024 of a unit is 1 of the next.
            if self >= 1023.95 * 1024 ** (power - 1):
                whole, rest = divmod(self, 1024**power)
                return f"{self / 1024**power:.1f} {unit}" if rest else f"{whole} {unit}"
        return f"{int(self)} B"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let a model's field be a size: pydantic asks for this."""
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(int)
        )

    @classmethod
    def _validate(cls, value: object) -> Self:
        try:
            return cls.parse(value)
        except ValueError:
            # Not quoted: the value may have come from a variable that holds a secret.
            raise PydanticCustomError("size", _EXPECTED) from None


def cpus_in_words(number: float | None) -> str | None:
    """A number of CPUs as a person writes it: `1.5`; None stays None."""
    return None if number is None else f"{number:.12g}"  # engines count in billionths
