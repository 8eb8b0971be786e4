"""Messages for pydantic's validation errors, with their positions in the file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stackproof.environment.document.files import did_you_mean
from stackproof.environment.document.problem import InvalidEnvironment, Position, Problem, describe
from stackproof.environment.document.yaml_document import Document
from stackproof.environment.model import Environment
from stackproof.schema.declared import FieldPath

# Keys that the loader removes before the model sees the data.
LOADER_KEYS = ("extends", "env_file")
_MISSING = object()
# Each message takes time, and only the first is shown.
_MOST_MESSAGES = 100
_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_from_datetime_inexact": "a date such as 2026-01-31",
    "date_from_datetime_parsing": "a date such as 2026-01-31",
    "date_parsing": "a date such as 2026-01-31",
    "date_type": "a date such as 2026-01-31",
    "dict_type": "a mapping",
    "finite_number": "a number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "less_than_equal": "at most {le:.15g}",
    "literal_error": "{expected}",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
    "too_long": "at most {max_length} entries, got more",
    "too_short": "at least one entry, got none",
    "tuple_type": "a list",
}


@dataclass(frozen=True)
class ErrorFormatter:
    """Turns pydantic's errors into one-line messages."""

    document: Document
    values: Any
    """The data of the document after interpolation."""
    sources: Mapping[FieldPath, tuple[str, ...]]
    """The variables in each value. Messages name them instead of the value: it may be a secret."""

    def format(self, error: ValidationError, main: Path) -> InvalidEnvironment:
        """Return an error with the first mistake: what was expected and what was found."""
        errors = sorted(
            error.errors(include_url=False, include_input=False),
            key=lambda details: self._order(details["loc"], main),
        )
        problems = list(islice(self._problems(errors), _MOST_MESSAGES))
        found = sum(len(details.get("ctx", {}).get("problems", "1")) for details in errors)
        more = found - len(problems) if len(problems) == _MOST_MESSAGES else 0
        return InvalidEnvironment.first_of(problems, main, more)

    def _order(self, path: FieldPath, main: Path) -> tuple[bool, Position]:
        position = self.document.position(path)
        return position.file != main, position

    def _problems(self, errors: Sequence[ErrorDetails]) -> Iterator[Problem]:
        for details in errors:
            kind, path, context = details["type"], details["loc"], details.get("ctx", {})
            if kind == "problems":
                for rest, message in context["problems"]:
                    yield self._problem((*path, *rest), message)
            elif kind == "missing" and not self._contains(path):
                yield self._problem(path[:-1], f"missing key {path[-1]!r}")
            elif kind == "missing":
                yield self._problem(path, "expected a value")
            elif kind == "extra_forbidden":
                position = self.document.position(path)
                yield Problem(position, path[:-1], _unknown(path))
            elif path[-1] == "[key]":
                message = f"{details['msg']}, got {describe(path[-2])}"
                yield Problem(self.document.position(path[:-1]), path[:-1], message)
            elif path[-1] == "container" and not self._contains(path):
                # Built from the prefix and the service's name: one of them is a problem already.
                continue
            else:
                expected = _EXPECTED.get(kind)
                message = f"expected {expected.format(**context)}" if expected else details["msg"]
                yield self._problem(path, message)

    def _problem(self, path: FieldPath, message: str) -> Problem:
        """Return a problem at a path. The value is quoted if the message says what was expected."""
        # A single value that needs no list is validated as a list.
        if path and isinstance(path[-1], int) and not self._contains(path):
            path = path[:-1]
        if message.startswith("expected ") and ", got " not in message and self._contains(path):
            message = f"{message}, got {self._observed(path)}"
        while not self._contains(path):
            path = path[:-1]
        return Problem(self.document.position(path), path, message)

    def _observed(self, path: FieldPath) -> str:
        """Return the value at a path as a message may quote it."""
        if path in self.sources:
            return f"the value of {' and '.join(self.sources[path])}"
        return describe(_at(self.values, path))

    def _contains(self, path: FieldPath) -> bool:
        """Return whether the file has a value at a path, null included."""
        return _at(self.values, path) is not _MISSING


def _at(value: Any, path: FieldPath) -> Any:
    for key in path:
        if isinstance(value, list):
            exists = isinstance(key, int) and key < len(value)
        else:
            exists = isinstance(value, dict) and key in value
        if not exists:
            return _MISSING
        value = value[key]
    return value


def _unknown(path: FieldPath) -> str:
    known = _keys(path[:-1])
    suggestion = did_you_mean(str(path[-1]), known) or f"; known are {', '.join(known)}"
    return f"unknown key {describe(path[-1])}{suggestion}"


def _keys(path: FieldPath) -> tuple[str, ...]:
    """Return the keys that the model knows at a path, without the generated `name`."""
    annotation: Any = Environment
    for key in path:
        fields = getattr(annotation, "model_fields", None)
        annotation = fields[key].annotation if fields else _parts(annotation)[-1]
        if NoneType in get_args(annotation):
            annotation = _parts(annotation)[0]
    keys = tuple(key for key in annotation.model_fields if key != "name")
    return keys if path else (*LOADER_KEYS, *keys)


def _parts(annotation: Any) -> list[Any]:
    return [part for part in get_args(annotation) if part is not ...]
