"""What every part of an environment file has in common: frozen, typed, and strict about keys."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from environments.problem import FieldPath
from stackproof.secrets import redact


def nothing() -> Mapping[Any, Any]:
    """An empty table that cannot change, where none is given."""
    return MappingProxyType({})


def named(data: Any, *sections: str) -> Any:
    """Give each entry of the sections the key that it stands under as its name."""
    if not isinstance(data, dict):
        return data
    entries_named = dict(data)
    problems: list[tuple[FieldPath, str]] = []
    for section in sections:
        if isinstance(entries := data.get(section), dict):
            entries_named[section] = dict(entries)
            for name, body in entries.items():
                if body is None or isinstance(body, dict):
                    entries_named[section][name] = {**(body or {}), "name": name}
                if isinstance(body, dict) and "name" in body:
                    unknown = f"unknown key 'name': {name!r} above it is the name"
                    problems.append(((section, name, "name"), unknown))
    refuse(problems)
    return entries_named


def refuse(problems: list[tuple[FieldPath, str]]) -> None:
    """Refuse a part of a file, with the place and the words of each problem, if there is one."""
    if problems:
        said = "; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in problems)
        raise PydanticCustomError("problems", "{said}", {"said": said, "problems": problems})


class Frozen(BaseModel):
    """A value that cannot change and refuses keys that it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        defer_build=True,
        allow_inf_nan=False,
    )

    def __repr__(self) -> str:
        """As a traceback shows it, without secrets."""
        return redact(super().__repr__())

    __str__ = __repr__


class Declared(Frozen):
    """A part of an environment file: an empty value, or null, is as if its key were not there."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        # An unknown key stays, to be refused.
        return {
            key: value
            for key, value in data.items()
            if (value is not None and value != "") or key not in cls.model_fields
        }
