"""Variables in values: `${NAME}`, `${NAME:-default}`, `${NAME:+replacement}` and `$$`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.problem import FieldPath

_TOKEN = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-|:\+|(?=\}))|\$|\}")
_FORMS = "expected ${NAME}, ${NAME:-default}, ${NAME:+replacement}, or $$ for a dollar"


@dataclass
class Interpolation:
    """Plain data with every expression replaced by its value.

    A variable that is set to nothing counts as unset everywhere, as a CI secret that does not
    exist reads as empty.
    """

    variables: Mapping[str, str]
    sources: dict[FieldPath, tuple[str, ...]] = field(default_factory=dict)
    """The variables whose values are part of a field's value: a message must not quote it."""
    problems: list[tuple[FieldPath, str]] = field(default_factory=list)
    """What could not be replaced: the field, and what was expected."""

    def replace(self, value: Any, path: FieldPath = ()) -> Any:
        """Return the value, or the mapping or list with all that it holds, interpolated."""
        if isinstance(value, dict):
            return {key: self.replace(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.replace(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        expression = _Expression(value, self.variables)
        try:
            text = expression.expand()
        except ValueError as error:
            self.problems.append((path, str(error)))
            return value
        if expression.used:
            self.sources[path] = tuple(dict.fromkeys(expression.used))
        if missing := tuple(dict.fromkeys(expression.missing)):
            verb = "variable {} is" if len(missing) == 1 else "variables {} are"
            self.problems.append((path, f"{verb.format(', '.join(missing))} unset or empty"))
        return text


class _Expression:
    """One text, read from left to right."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self.text = text
        self.variables = variables
        self.start = 0
        self.used: list[str] = []
        self.missing: list[str] = []

    def expand(self, *, nested: bool = False, live: bool = True) -> str:
        """Read to the end, or to the brace that closes a nested word.

        A word that is not chosen is read but not `live`: what it names need not be set.
        """
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
                return "".join(parts)
            else:
                parts.append("}")
        if nested:
            raise ValueError(_FORMS)
        return "".join(parts) + self.text[self.start :]

    def variable(self, name: str, operator: str, live: bool) -> str:
        value = self.variables.get(name, "")
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
