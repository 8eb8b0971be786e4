"""Interpolation of variables: `${NAME}`, `${NAME:-default}`, `${NAME:+replacement}` and `$$`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stackproof.environment.document.problem import join_names
from stackproof.files.regular_file import LIMIT
from stackproof.schema.declared import FieldPath

_TOKEN = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-|:\+|(?=\}))|\$|\}")
# Line breaks and tabs are valid in a private key.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LONGEST = 65_536
_DEEPEST = 20
_FORMS = "expected ${NAME}, ${NAME:-default}, ${NAME:+replacement}, or $$ for a dollar"


@dataclass
class Interpolation:
    """Replaces the expressions in plain data by their values.

    An empty variable counts as unset, because a CI secret that does not exist is empty.
    """

    variables: Mapping[str, str]
    sources: dict[FieldPath, tuple[str, ...]] = field(default_factory=dict)
    """The variables in the value of a field. A message must not quote such a value."""
    problems: list[tuple[FieldPath, str]] = field(default_factory=list)
    """Fields with an invalid expression, and what was expected."""
    expanded: int = 0
    """Total length of all values with expressions, after replacement."""

    def replace(self, value: Any, path: FieldPath = ()) -> Any:
        """Return the value, mapping or list with every expression replaced."""
        if isinstance(value, dict):
            return {key: self.replace(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.replace(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        try:
            return self._text(value, path)
        except ValueError as error:
            self.problems.append((path, str(error)))
            return value

    def _text(self, value: str, path: FieldPath) -> str:
        _check(value)
        if "$" not in value:
            return value
        expression = _Expression(value, self.variables)
        if self.expanded <= LIMIT:
            text = expression.expand()
            self.expanded += len(text)
        if self.expanded > LIMIT:
            raise ValueError(f"expected at most {LIMIT // 1024} KiB, with every variable replaced")
        _check(text)
        if expression.used:
            self.sources[path] = tuple(dict.fromkeys(expression.used))
        if missing := tuple(dict.fromkeys(expression.missing)):
            verb = "variable {} is" if len(missing) == 1 else "variables {} are"
            self.problems.append((path, f"{verb.format(join_names(missing))} unset or empty"))
        return text


def _check(text: str) -> None:
    if len(text) > _LONGEST:
        raise ValueError(f"expected at most {_LONGEST} characters")
    if _CONTROL.search(text):
        raise ValueError("expected no control characters")


class _Expression:
    """Parser of one text with expressions, from left to right."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self.text = text
        self.variables = variables
        self.start = self.depth = self.length = 0
        self.used: list[str] = []
        self.missing: list[str] = []

    def expand(self, *, nested: bool = False, live: bool = True) -> str:
        """Return the text up to its end, or up to the brace that closes a nested word.

        A word that is not chosen is parsed but not `live`: its variables need not be set.
        """
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError(f"expected at most {_DEEPEST} nested expressions")
        parts: list[str] = []
        while token := _TOKEN.search(self.text, self.start):
            parts.append(self.text[self.start : token.start()])
            self.start = token.end()
            name, operator = token.groups()
            if name:
                parts.append(self.variable(name, operator, live))
            elif token[0] == "$$":
                parts.append("$")
            elif token[0] == "$":
                raise ValueError(_FORMS)
            elif nested:
                self.depth -= 1
                return "".join(parts)
            else:
                parts.append("}")
        if nested:
            raise ValueError(_FORMS)
        return "".join(parts) + self.text[self.start :]

    def variable(self, name: str, operator: str, live: bool) -> str:
        value = self.variables.get(name, "")
        self.length += len(value)
        if self.length > LIMIT:
            raise ValueError(f"expected at most {_LONGEST} characters")
        if operator == ":+":
            word = self.expand(nested=True, live=live and bool(value))
            return word if value else ""
        if operator == ":-":
            word = self.expand(nested=True, live=live and not value)
            if not value:
                return word
        else:
            self.start += 1
        if live:
            (self.used if value else self.missing).append(name)
        return value
