"""Parser of one YAML file: plain data, with the line of each value."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stackproof.environment.document.problem import InvalidEnvironment, Position, Problem, describe
from stackproof.files.regular_file import LIMIT, read_regular_file
from stackproof.schema.declared import FieldPath

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Enough for a thousand services with every field.
_MOST_VALUES = 20_000
_DEEPEST = 20
_NULLS = {"", "~", "null", "Null", "NULL"}


class Document(NamedTuple):
    """The data of a file: mappings, lists, text and None.

    Every scalar except null is text. The model gives it its type, so that a value means the same
    in a file and in a variable.
    """

    data: dict[str, Any]
    positions: Mapping[FieldPath, Position]

    def position(self, path: FieldPath) -> Position:
        """Return the position of a value, or of the nearest value that contains it."""
        while path not in self.positions:
            path = path[:-1]
        return self.positions[path]


def parse(file: Path) -> Document:
    """Return the data of one YAML file.

    Raises:
        InvalidEnvironment: the file cannot be read, is not YAML, not a mapping, or repeats a key.
    """
    top = Position(file, 1)
    try:
        return _Parser(file).document(read_regular_file(file).decode())
    except UnicodeDecodeError:
        problem = Problem(top, (), "expected UTF-8 text")
    except OSError as error:
        problem = Problem(top, (), f"cannot be read: {error.strerror}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(file, mark.line + 1) if mark else top
        problem = Problem(position, (), f"not valid YAML: {error.problem}")
    except yaml.YAMLError as error:
        problem = Problem(top, (), f"not valid YAML: {error}")
    raise InvalidEnvironment(str(problem))


class _Anchored(NamedTuple):
    """A value with an anchor, and what each alias for it adds to the document."""

    data: Any
    values: int
    characters: int
    height: int


class _Parser:
    """A parser that builds the data from YAML events.

    PyYAML's nodes would not report duplicate keys, and its constructors have no limit on nesting.
    An alias counts as the whole value that it stands for.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.positions: dict[FieldPath, Position] = {(): Position(file, 1)}
        self.anchors: dict[str, _Anchored] = {}
        self.values = self.characters = self.depth = self.deepest = 0
        self.events: Iterator[Any] = iter(())

    def document(self, text: str) -> Document:
        self.events = yaml.parse(text, Loader=_LOADER)
        documents: list[Any] = []
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if documents:
                    raise self._error(event, (), "expected a single document")
                documents.append(self.value(next(self.events), ()))
        data = documents[0] if documents else None
        if not isinstance(data, dict):
            raise self._error(None, (), f"expected a mapping, got {describe(data)}")
        return Document(data, self.positions)

    def value(self, event: Any, path: FieldPath) -> Any:
        if path:
            self.positions.setdefault(path, self.position(event))
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self._error(event, path, f"no anchor &{event.anchor} before this alias")
            anchored = self.anchors[event.anchor]
            self.count(event, anchored.values, anchored.characters, anchored.height)
            return anchored.data
        if event.tag not in (None, "!"):
            raise self._error(event, path, f"expected no tag, got {event.tag}")
        values, characters, deepest = self.values, self.characters, self.deepest
        self.deepest = self.depth
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            self.count(event, 1, len(event.value))
            value = None if event.implicit[0] and event.value in _NULLS else event.value
        else:
            self.count(event, 1)
            self.depth += 1
            sequence = isinstance(event, yaml.SequenceStartEvent)
            value = self.sequence(path) if sequence else self.mapping(path)
            self.depth -= 1
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(
                value,
                self.values - values,
                self.characters - characters,
                self.deepest - self.depth,
            )
        self.deepest = max(deepest, self.deepest)
        return value

    def count(self, event: Any, values: int, characters: int = 0, height: int = 0) -> None:
        """Add to the size of the document.

        Raises:
            InvalidEnvironment: the document is too large.
        """
        self.values += values
        self.characters += characters
        self.deepest = max(self.deepest, self.depth + height)
        if self.deepest > _DEEPEST:
            raise self._error(event, (), f"nested too deeply: expected at most {_DEEPEST} levels")
        if self.values > _MOST_VALUES:
            message = (
                f"expected at most {_MOST_VALUES} values; an alias counts as what it stands for"
            )
            raise self._error(event, (), message)
        if self.characters > LIMIT:
            message = f"expected at most {LIMIT // 1024} KiB, with every alias replaced"
            raise self._error(event, (), message)

    def sequence(self, path: FieldPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.value(event, (*path, len(items))))
        return items

    def mapping(self, path: FieldPath) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent) or key.tag not in (None, "!"):
                raise self._error(key, path, "expected a plain key")
            here = (*path, key.value)
            if key.value in entries:
                first = self.positions[here].line
                raise self._error(key, here, f"duplicate key; the first is on line {first}")
            self.positions[here] = self.position(key)
            entries[key.value] = self.value(next(self.events), here)
        return entries

    def _error(self, event: Any, path: FieldPath, message: str) -> InvalidEnvironment:
        position = self.position(event) if event else self.positions[()]
        return InvalidEnvironment(str(Problem(position, path, message)))

    def position(self, event: Any) -> Position:
        return Position(self.file, event.start_mark.line + 1)
