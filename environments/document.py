"""A YAML file as plain data, with the line that each value stands on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from environments.problem import (
    FieldPath,
    InvalidEnvironment,
    Position,
    Problem,
    cut,
    listed,
    shown,
)
from stackproof.regular_file import LIMIT, read_regular_file
from stackproof.secrets import redact

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A thousand services, each declared in full, stay below.
_MOST_VALUES = 20_000
_DEEPEST = 20
_MOST_FILES = 10
_LONGEST_QUOTE = 60
_LONGEST_WORD = 100
_NULLS = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True)
class Document:
    """Mappings, lists, text and None.

    Every scalar but null is text: the model gives it its type, so that a value means the same
    whether it is written down or comes from a variable.
    """

    data: dict[str, Any]
    positions: Mapping[FieldPath, Position]

    def position(self, path: FieldPath) -> Position:
        """Return where a value stands, or else the nearest value that holds it."""
        while path not in self.positions:
            path = path[:-1]
        return self.positions[path]


def names(directory: Path) -> tuple[str, ...]:
    """Return the names of the environments of a directory: its `*.yaml` files, sorted.

    A name that cannot be printed cannot be selected either: it is left out.
    """
    try:
        files = [file for file in directory.glob("*.yaml") if not file.name.startswith(".")]
    except OSError:
        return ()
    return tuple(sorted(file.stem for file in files if file.stem.isprintable()))


def choose(name: str, directory: Path) -> Path:
    """Return the file of an environment.

    Raises:
        InvalidEnvironment: there is none; the message names the nearest, and all that there are.
    """
    known = names(directory)
    if name in known:
        return directory / f"{name}.yaml"
    there_are = f"there are: {listed(known)}" if known else "there are none"
    near = did_you_mean(name, known)
    message = f"no environment {name!r} in {shown(directory)}/{near} ({there_are})"
    raise InvalidEnvironment(message)


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """Return `; did you mean 'prod'?` for the nearest known word, or nothing."""
    if len(word) > _LONGEST_WORD:
        return ""
    return "".join(f"; did you mean {near!r}?" for near in get_close_matches(word, known, 1))


def read(name: str, directory: Path) -> Document:
    """Read an environment's file, laid over the files that it extends.

    Mappings merge; a scalar, a list or null replaces what it extends. Positions follow the winner.

    Raises:
        InvalidEnvironment: a file is missing, is not YAML, repeats a key, or extends itself.
    """
    return _read(name, directory, ())


def _read(name: str, directory: Path, extending: tuple[str, ...]) -> Document:
    file = choose(name, directory)
    document = parse(file)
    if "extends" not in document.data:
        return document
    base = document.data.pop("extends")
    chain = (*extending, name)
    problem = None
    if not isinstance(base, str):
        problem = f"expected the name of an environment, got {described(base)}"
    elif len(chain) >= _MOST_FILES:
        problem = f"expected at most {_MOST_FILES} files, each extending the next"
    elif base in chain:
        problem = f"expected no cycle, got {' extends '.join((*chain, base))}"
    elif base not in (known := names(directory)):
        problem = f"no environment {described(base)} to extend{did_you_mean(base, known)}"
    if problem:
        position = document.position(("extends",))
        raise InvalidEnvironment(str(Problem(position, ("extends",), problem)))
    beneath = _read(base, directory, chain)
    return Document(
        _merge(beneath.data, document.data), {**beneath.positions, **document.positions}
    )


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        beneath = merged.get(key)
        if isinstance(value, dict) and isinstance(beneath, dict):
            merged[key] = _merge(beneath, value)
        else:
            merged[key] = value
    return merged


def parse(file: Path) -> Document:
    """Read one YAML file by itself.

    Raises:
        InvalidEnvironment: it cannot be read, is not YAML or no mapping, or repeats a key.
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


@dataclass(frozen=True)
class _Anchored:
    """A value that aliases stand for, and what each of them adds to the document."""

    data: Any
    values: int
    characters: int
    height: int


class _Parser:
    """Builds the data from events: nodes have neither duplicate keys nor a bound on nesting.

    An alias counts as all that it stands for.
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
                    raise self.refusal(event, (), "expected a single document")
                documents.append(self.value(next(self.events), ()))
        data = documents[0] if documents else None
        if not isinstance(data, dict):
            raise self.refusal(None, (), f"expected a mapping, got {described(data)}")
        return Document(data, self.positions)

    def value(self, event: Any, path: FieldPath) -> Any:
        if path:
            self.positions.setdefault(path, self.position(event))
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self.refusal(event, path, f"no anchor &{event.anchor} before this alias")
            anchored = self.anchors[event.anchor]
            self.count(event, anchored.values, anchored.characters, anchored.height)
            return anchored.data
        if event.tag not in (None, "!"):
            raise self.refusal(event, path, f"expected no tag, got {event.tag}")
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
        """Add to what the document holds.

        Raises:
            InvalidEnvironment: it holds too much.
        """
        self.values += values
        self.characters += characters
        self.deepest = max(self.deepest, self.depth + height)
        if self.deepest > _DEEPEST:
            raise self.refusal(event, (), f"nested too deeply: expected at most {_DEEPEST} levels")
        if self.values > _MOST_VALUES:
            message = (
                f"expected at most {_MOST_VALUES} values; an alias counts as what it stands for"
            )
            raise self.refusal(event, (), message)
        if self.characters > LIMIT:
            message = f"expected at most {LIMIT // 1024} KiB, with every alias replaced"
            raise self.refusal(event, (), message)

    def sequence(self, path: FieldPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.value(event, (*path, len(items))))
        return items

    def mapping(self, path: FieldPath) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent) or key.tag not in (None, "!"):
                raise self.refusal(key, path, "expected a plain key")
            here = (*path, key.value)
            if key.value in entries:
                first = self.positions[here].line
                raise self.refusal(key, here, f"duplicate key; the first is on line {first}")
            self.positions[here] = self.position(key)
            entries[key.value] = self.value(next(self.events), here)
        return entries

    def refusal(self, event: Any, path: FieldPath, message: str) -> InvalidEnvironment:
        position = self.position(event) if event else self.positions[()]
        return InvalidEnvironment(str(Problem(position, path, message)))

    def position(self, event: Any) -> Position:
        return Position(self.file, event.start_mark.line + 1)


def described(value: object) -> str:
    """Return a value as a message quotes it: text in quotes and cut short, the rest by its kind."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(str(value))
    return text[0] + cut(redact(text[1:-1]), _LONGEST_QUOTE) + text[0]
