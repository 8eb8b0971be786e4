"""The JSON Schema of environment files, for editors.

`python -m stackproof.environment.json_schema` prints it. `environment.schema.json` is the committed
result. It accepts whatever the loader accepts: each scalar as a number, as text or, where that is
possible, with variables; null and "" for a missing key.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from stackproof.environment.model import Environment
from stackproof.schema.declared import Declared

Schema = dict[str, Any]

FILE = Path(__file__).with_name("environment.schema.json")
_VARIABLE = r"\$[{$]"
_EMPTY: Schema = {"enum": [None, ""]}
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_TRUE_OR_FALSE = "[tT]rue|TRUE|[fF]alse|FALSE|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|[tTfFyYnN01]"
_NUMBERS = {
    "integer": r"\s*[+-]?[0-9][0-9_]*(\.0+)?\s*",
    "number": r"\s*[+-]?([0-9][0-9_]*\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*",
}
_KEPT = {"additionalProperties", "maxProperties", "minProperties", "minItems", "maxItems"}
_OF_LOADER: Schema = {
    "extends": {
        "type": "string",
        "description": "The environment in the same directory that this one extends.",
    },
    "env_file": {
        **_TEXT,
        "description": "A file with values of variables, relative to the directory of this file.",
    },
}
_KEY = "name"
"""It comes from the key of an entry, or from the name of the file."""


def json_schema() -> Schema:
    """Return the JSON Schema of environment files."""
    raw = Environment.model_json_schema()
    definitions = raw.pop("$defs")
    documentation = _Documentation()
    complete = _required(raw, definitions)
    complete.pop("required")  # Compose files can specify the services
    services = {"anyOf": [{"required": ["services"]}, {"required": ["compose"]}]}
    schema = _lenient({**raw, "title": "Environment"}, documentation)
    schema["properties"] = {
        **{name: _or_empty(each) for name, each in _OF_LOADER.items()},
        **schema["properties"],
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Made from the model: python -m stackproof.environment.json_schema",
        **schema,
        "if": {"not": {"required": ["extends"]}},
        "then": {**complete, **services},
        "definitions": {
            name: _or_empty(_lenient(each, documentation))
            for name, each in sorted(definitions.items())
        },
    }


def _lenient(schema: Schema, documentation: "_Documentation") -> Schema:
    """Return a schema that accepts scalars in every form that the loader accepts."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace("#/$defs/", "#/definitions/")}
    if "anyOf" in schema:
        options = [each for each in schema["anyOf"] if each != {"type": "null"}]
        options = [_lenient(each, documentation) for each in options]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return {"anyOf": [{"enum": values}, _text(_VARIABLE)]}
    kind = schema.get("type")
    if kind == "array":
        items = _lenient(schema["items"], documentation)
        return {"type": kind, "items": items, **_kept(schema)}
    if kind == "object":
        return _object(schema, documentation)
    if kind == "boolean":
        text = _text(f"^({_TRUE_OR_FALSE})$|{_VARIABLE}")
        return {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, text]}
    if kind in _NUMBERS:
        limits = {
            name: value
            for name, value in schema.items()
            if name in ("type", "minimum", "maximum", "exclusiveMinimum")
        }
        return {"anyOf": [limits, _text(f"^{_NUMBERS[str(kind)]}$|{_VARIABLE}")]}
    pattern = schema.get("pattern")
    if not pattern:
        return dict(_TEXT)
    return {"type": _types(pattern), "pattern": f"{pattern}|{_VARIABLE}"}


def _types(pattern: str) -> str | list[str]:
    """Return the types of YAML scalars that a text of this form can have."""
    types = ["string"]
    types += ["number"] if re.search(pattern, "5") else []
    types += ["boolean"] if re.search(pattern, "true") else []
    return types if len(types) > 1 else types[0]


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _kept(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name in _KEPT}


def _or_empty(schema: Schema) -> Schema:
    """Return a schema that also accepts what counts as a missing key: null and ""."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], _EMPTY]}
    if "type" not in schema:  # a part of the model, which accepts it already
        return schema
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    result = {**schema, "type": list(dict.fromkeys((*types, "null", "string")))}
    if "pattern" in schema:
        result["pattern"] = f"^$|{schema['pattern']}"
    elif "string" not in types:
        result["maxLength"] = 0
    return result


def _object(schema: Schema, documentation: "_Documentation") -> Schema:
    result = {"type": "object", **_kept(schema)}
    if schema.get("minLength"):
        result["minProperties"] = schema["minLength"]
    if "properties" in schema:
        result["description"] = _paragraph(schema.get("description", ""))
        result["properties"] = {
            name: _or_empty(
                {
                    **_lenient(each, documentation),
                    **documentation.of(schema["title"], name),
                    **_default(each),
                }
            )
            for name, each in schema["properties"].items()
            if name != _KEY
        }
    elif "patternProperties" in schema:
        result["patternProperties"] = {
            pattern: _lenient(each, documentation)
            for pattern, each in schema["patternProperties"].items()
        }
        result["additionalProperties"] = False
    elif isinstance(each := schema.get("additionalProperties"), dict):
        result["additionalProperties"] = _lenient(each, documentation)
    return result


def _default(schema: Schema) -> Schema:
    default = schema.get("default")
    is_shown = isinstance(default, str | int | float) and default != ""
    return {"default": default} if is_shown else {}


def _required(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return only which keys are required in a schema, and in the parts of it."""
    if "$ref" in schema:
        return _required(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        parts = [_required(each, definitions) for each in schema["anyOf"]]
        return next(filter(None, parts), {}) if len(parts) == 2 else {}
    if schema.get("type") == "array":
        items = _required(schema["items"], definitions)
        return {"items": items} if items else {}
    keys = [name for name in schema.get("required", ()) if name != _KEY]
    properties = {
        name: part
        for name, each in schema.get("properties", {}).items()
        if (part := _required(each, definitions))
    }
    for name in keys:
        properties[name] = {"not": _EMPTY, **properties.get(name, {})}
    result: Schema = {"required": keys} if keys else {}
    if properties:
        result["properties"] = properties
    for pattern, each in schema.get("patternProperties", {}).items():
        if part := _required(each, definitions):
            result["patternProperties"] = {pattern: part}
    return result


def _paragraph(text: str) -> str:
    return " ".join(text.split())


class _Documentation:
    """The docstrings of the fields of the model."""

    def __init__(self) -> None:
        self._of = {each.__name__: dict(_docstrings(each)) for each in _models(Declared)}

    def of(self, model: str, field: str) -> Schema:
        """Return the description of a field, if it has one."""
        text = self._of.get(model, {}).get(field, "")
        return {"description": _paragraph(text)} if text else {}


def _models(of: type[Declared]) -> Iterator[type[Declared]]:
    for each in of.__subclasses__():
        yield each
        yield from _models(each)


def _docstrings(model: type[Declared]) -> Iterator[tuple[str, str]]:
    """Yield the fields of a model and of its bases, with the text below each."""
    for each in reversed(model.__mro__):
        if not issubclass(each, Declared) or each.__module__ == "pydantic.main":
            continue
        try:
            (definition,) = ast.parse(dedent(inspect.getsource(each))).body
        except (OSError, TypeError):  # made by a call
            continue
        assert isinstance(definition, ast.ClassDef)  # noqa: S101 - for types
        for statement, following in zip(definition.body, definition.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
            ):
                yield statement.target.id, str(following.value.value)


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=1))
