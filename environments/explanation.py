"""What pydantic refused, in plain words, at its place in the file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from environments.document import Document, described, did_you_mean
from environments.model import Environment
from environments.problem import FieldPath, InvalidEnvironment, Position, Problem

# Keys that the loader reads, which the model never sees.
LOADER_KEYS = ("extends", "env_file")
_ABSENT = object()
# Each explanation takes time, and only the first is shown.
_MOST_EXPLAINED = 100
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
class Explanation:
    """The values that were validated, and where they came from."""

    document: Document
    values: Any
    """The document's data after interpolation."""
    sources: Mapping[FieldPath, tuple[str, ...]]
    """The variables in a value, which are told instead of it: they may be secrets."""

    def refusal(self, error: ValidationError, main: Path) -> InvalidEnvironment:
        """Return the refusal with the first mistake: what was expected, and what is there."""
        errors = sorted(
            error.errors(include_url=False, include_input=False),
            key=lambda details: self._order(details["loc"], main),
        )
        problems = list(islice(self._problems(errors), _MOST_EXPLAINED))
        found = sum(len(details.get("ctx", {}).get("problems", "1")) for details in errors)
        more = found - len(problems) if len(problems) == _MOST_EXPLAINED else 0
        return InvalidEnvironment.first_of(problems, main, more)

    def _order(self, path: FieldPath, main: Path) -> tuple[bool, Position]:
        position = self.document.position(path)
        return position.file != main, position

    def _problems(self, errors: Sequence[ErrorDetails]) -> Iterator[Problem]:
        for details in errors:
            kind, path, context = details["type"], details["loc"], details.get("ctx", {})
            if kind == "problems":
                for rest, message in context["problems"]:
                    yield self.problem((*path, *rest), message)
            elif kind == "missing" and not self.holds(path):
                yield self.problem(path[:-1], f"missing key {path[-1]!r}")
            elif kind == "missing":
                yield self.problem(path, "expected a value")
            elif kind == "extra_forbidden":
                position = self.document.position(path)
                yield Problem(position, path[:-1], _unknown(path))
            elif path[-1] == "[key]":
                message = f"{details['msg']}, got {described(path[-2])}"
                yield Problem(self.document.position(path[:-1]), path[:-1], message)
            elif path[-1] == "container" and not self.holds(path):
                # Made of the prefix and the service's name, of which one is a problem already.
                continue
            else:
                expected = _EXPECTED.get(kind)
                message = f"expected {expected.format(**context)}" if expected else details["msg"]
                yield self.problem(path, message)

    def problem(self, path: FieldPath, message: str) -> Problem:
        """Return a problem with the value at a path, quoted where something was expected of it."""
        # One value that needs no list is checked as a list of one.
        if path and isinstance(path[-1], int) and not self.holds(path):
            path = path[:-1]
        if message.startswith("expected ") and ", got " not in message and self.holds(path):
            message = f"{message}, got {self.got(path)}"
        while not self.holds(path):
            path = path[:-1]
        return Problem(self.document.position(path), path, message)

    def got(self, path: FieldPath) -> str:
        """Return the value at a path as a message may tell it."""
        if path in self.sources:
            return f"the value of {' and '.join(self.sources[path])}"
        return described(_at(self.values, path))

    def holds(self, path: FieldPath) -> bool:
        """Tell whether the file has a value at a path, null included."""
        return _at(self.values, path) is not _ABSENT


def _at(value: Any, path: FieldPath) -> Any:
    for key in path:
        if isinstance(value, list):
            held = isinstance(key, int) and key < len(value)
        else:
            held = isinstance(value, dict) and key in value
        if not held:
            return _ABSENT
        value = value[key]
    return value


def _unknown(path: FieldPath) -> str:
    known = _keys(path[:-1])
    suggestion = did_you_mean(str(path[-1]), known) or f"; known are {', '.join(known)}"
    return f"unknown key {described(path[-1])}{suggestion}"


def _keys(path: FieldPath) -> tuple[str, ...]:
    """Return the keys that the model knows at a path; a name comes from elsewhere."""
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
