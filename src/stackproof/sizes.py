"""Sizes of memory, as Compose (`512M`) and people (`512 MiB`) write them, and numbers of CPUs."""

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

_FORM = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([bkmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_TOO_MANY = 1 << 63  # no kernel counts so far
_EXPECTED = "expected a size such as 512M or 2G"


class Bytes(int):
    """A size in bytes. Units are powers of 1024, as in Compose."""

    @classmethod
    def parse(cls, text: object) -> Self:
        """Parse `512M`, `2g`, `1.5GiB` or a whole number of bytes.

        Raises:
            ValueError: the text is not a size.
        """
        if isinstance(text, int) and not isinstance(text, bool) and 0 <= text < _TOO_MANY:
            return cls(text)
        match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
        size = Fraction(match[1]) * 1024 ** _POWERS[match[2].lower()] if match else _TOO_MANY
        if size >= _TOO_MANY:
            raise ValueError(f"{_EXPECTED}, got {text!r}")
        return cls(size)

    def __str__(self) -> str:
        """Return the size for people: `512 MiB` if exact, otherwise one decimal: `1.5 GiB`."""
        for unit, power in (("TiB", 4), ("GiB", 3), ("MiB", 2), ("KiB", 1)):
            # A size that would be rounded up to 1024 of a unit is 1 of the next.
            if self >= 1023.95 * 1024 ** (power - 1):
                whole, rest = divmod(self, 1024**power)
                return f"{self / 1024**power:.1f} {unit}" if rest else f"{whole} {unit}"
        return f"{int(self)} B"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema with which pydantic validates a size."""
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(int)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> "JsonSchemaValue":
        """Return the JSON Schema of the text of a size."""
        del schema, handler
        unit = "([bBkKmMgGtT]([iI]?[bB])?|[iI]?[bB])?"
        return {"type": "string", "pattern": rf"^\s*[0-9]{{1,18}}(\.[0-9]{{1,18}})?\s*{unit}\s*$"}

    @classmethod
    def _validate(cls, value: object) -> Self:
        try:
            return cls.parse(value)
        except ValueError:
            # Without the value, which may come from a variable that holds a secret.
            raise PydanticCustomError("size", _EXPECTED) from None


def format_cpus(number: float | None) -> str | None:
    """Return a number of CPUs as people write it: `1.5`; None stays None."""
    return None if number is None else f"{number:.12g}"  # engines count in billionths
