"""Base class of all parts of an environment file: frozen, typed, and strict about keys."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from pydantic import PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from stackproof.frozen import Frozen

FieldPath = tuple[str | int, ...]
"""The keys and indices that lead to a value, from the top of the document."""


def empty_mapping() -> Mapping[Any, Any]:
    """Return an empty mapping that cannot change, the default of a table."""
    return MappingProxyType({})


def name_by_key(data: Any, *sections: str) -> Any:
    """Return the data with each entry of the sections named by its key."""
    if not isinstance(data, dict):
        return data
    result = dict(data)
    problems: list[tuple[FieldPath, str]] = []
    for section in sections:
        if isinstance(entries := data.get(section), dict):
            result[section] = dict(entries)
            for name, body in entries.items():
                if body is None or isinstance(body, dict):
                    result[section][name] = {**(body or {}), "name": name}
                if isinstance(body, dict) and "name" in body:
                    unknown = f"unknown key 'name': {name!r} above it is the name"
                    problems.append(((section, name, "name"), unknown))
    reject(problems)
    return result


def reject(problems: list[tuple[FieldPath, str]]) -> None:
    """Raise an error with the path and the message of each problem, if there is one."""
    if problems:
        text = "; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in problems)
        raise PydanticCustomError("problems", "{text}", {"text": text, "problems": problems})


class Declared(Frozen):
    """A part of an environment file. An empty or null value counts as a missing key."""

    @model_validator(mode="before")
    @classmethod
    def _remove_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        # An unknown key stays, so that it is rejected.
        return {
            key: value
            for key, value in data.items()
            if (value is not None and value != "") or key not in cls.model_fields
        }


class Replicable(Declared):
    """A part of an environment file that is about a service, of which several instances may run."""

    _instance_name: str = PrivateAttr(default="")

    @property
    def instance_name(self) -> str:
        """Return the instance that it is about, such as `web#1`; empty for the whole service."""
        return self._instance_name

    def of_instance(self, name: str) -> Self:
        """Return a copy that is about one instance."""
        copy = self.model_copy()
        copy._instance_name = name
        return copy
