"""Validators of single values. Their messages say what was expected and never quote the value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

T = TypeVar("T")


@dataclass(frozen=True, eq=False)  # it needs a hash
class Expected:
    """A condition on a value, and as much of it as a JSON Schema can express."""

    validate: Callable[[Any], Any]
    json_schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema with which pydantic validates the value."""
        return core_schema.no_info_after_validator_function(self.validate, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> "JsonSchemaValue":
        """Return the JSON Schema of the value."""
        return {**handler(schema), **self.json_schema}


def expect(what: str, is_valid: Callable[[T], object], **json_schema: Any) -> Expected:
    """Return a condition on a value.

    Args:
        what: what the message says was expected: `a port from 1 to 65535`.
        is_valid: returns whether a value is valid; a `ValueError` means that it is not.
        json_schema: what a JSON Schema can say of it.
    """
    return Expected(validator(what, is_valid), json_schema)


def validator(what: str, is_valid: Callable[[T], object]) -> Callable[[T], T]:
    """Return a function that raises an error for values that are not valid: see `expect`."""

    def validate(value: T) -> T:
        try:
            valid = is_valid(value)
        except ValueError:
            valid = False
        if not valid:
            # Without the value: it may come from a variable that holds a secret.
            raise PydanticCustomError("expected", "expected {what}", {"what": what})
        return value

    return validate
