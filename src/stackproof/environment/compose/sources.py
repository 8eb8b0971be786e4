"""The files that Compose reads for a project: those that are named, and those that they name."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from stackproof.environment.compose.config import ComposeRun
from stackproof.environment.compose.messages import values_in
from stackproof.files.regular_file import read_regular_file

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_FILES = 200
_EXPRESSION = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")
_REMOTE = ("://", "git@", "oci:")


def compose_files(run: ComposeRun, variables: Mapping[str, str]) -> list[Path]:
    """Return the Compose files of a project, with those that `include` and `extends` name."""
    known = dict(variables)
    for file in run.files_of_variables:
        known = {**values_in(file), **known}
    found: dict[Path, None] = {}
    waiting = list(run.files)
    while waiting and len(found) < _MOST_FILES:
        file = waiting.pop(0)
        if file not in found and file.is_file():
            found[file] = None
            waiting += _named_in(file, known)
    return list(found)


def _named_in(file: Path, variables: Mapping[str, str]) -> Iterator[Path]:
    try:
        document = yaml.compose(read_regular_file(file).decode(), Loader=_LOADER)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return
    keys = _mapping(document)
    texts = list(_paths(keys.get("include")))
    for service in _mapping(keys.get("services")).values():
        texts += _texts(_mapping(_mapping(service).get("extends")).get("file"))
    for text in texts:
        path = _EXPRESSION.sub(
            lambda match: variables.get(match[1] or match[3]) or match[2] or "", text
        )
        if path and not any(mark in path for mark in _REMOTE):
            yield Path(file.parent, path).resolve()


def _paths(include: yaml.Node | None) -> Iterator[str]:
    """Yield the paths of an `include`, whose items are paths or say more of them."""
    for each in _items(include):
        yield from _texts(
            _mapping(each).get("path") if isinstance(each, yaml.MappingNode) else each
        )


def _mapping(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value}


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    return [] if node is None else [node]


def _texts(node: yaml.Node | None) -> list[str]:
    return [str(each.value) for each in _items(node) if isinstance(each, yaml.ScalarNode)]
