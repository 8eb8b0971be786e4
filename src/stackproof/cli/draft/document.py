"""The text of a drafted environment file."""

import os
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stackproof.cli.draft.draft import Draft, Entry
from stackproof.cli.draft.project import Project
from stackproof.environment import compose
from stackproof.environment.compose import Compose
from stackproof.environment.json_schema import FILE
from stackproof.environment.machine import Engine
from stackproof.files import atomic_write
from stackproof.printable import one_line

SCHEMA = FILE.name
_ONLY_A_PERSON_KNOWS = """\
# TODO: what only you know, such as:
#   routes: the public URLs; identity, healthy, budget_ms, protected of each
#   outside: {host: example.com, closed_ports: [5432]}  # must be closed from the internet
#   vantage: {control: "https://example.com/"}  # always reachable from here, without the stack
"""


@dataclass(frozen=True)
class Header:
    """The part of the file that says where the stack is specified, and where it runs."""

    path: Path
    """The environment file."""
    project: Project
    engine: Engine | None = None
    """The engine, if the file has to name it."""


def write(header: Header, draft: Draft, unconfirmed: Mapping[Entry, str]) -> str:
    """Return the text of an environment file.

    Args:
        header: its first part.
        draft: what it declares.
        unconfirmed: entries that are written as comments, with the reason.
    """
    parts = [
        _header(header, draft),
        _section("services", _services(draft, unconfirmed)),
        _section("routes", _entries("routes", draft.routes, draft, unconfirmed)),
        _section("datastores", _by_kind("datastores", draft.datastores, draft, unconfirmed)),
        list(_nginx(draft, unconfirmed)),
        _section("proxies", _by_kind("proxies", draft.proxies, draft, unconfirmed)),
        _ONLY_A_PERSON_KNOWS.splitlines(),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _header(header: Header, draft: Draft) -> list[str]:
    project = header.project
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        f"# {project.name}, drafted by `stackproof init`. Read it, and decide each TODO.",
        "# Services and what is specified of them come from the Compose files, at each run.",
        "# What is declared here overrides them.",
        *(f"# {line}" for need in draft.needs for line in _wrapped(f"It needs {need}.")),
    ]
    if file := project.variables.file:
        lines.append(f"env_file: {_flow(os.path.relpath(file, header.path.parent))}")
    lines.append(f"compose: {_flow(compose_fields(header.path, project))}")
    if header.engine:
        lines.append(f"engine: {_flow({'address': header.engine.address})}")
    if draft.resolve:
        lines.append(
            "# TODO: requests go to this machine. Remove it where the names lead to the stack."
        )
        lines.append(f"resolve: {_flow(draft.resolve)}")
    return lines


def _services(draft: Draft, unconfirmed: Mapping[Entry, str]) -> Iterator[str]:
    names = dict.fromkeys((*draft.services, *(e[1] for e in draft.notes if e[0] == "services")))
    for name in names:
        active = dict(draft.services.get(name, {}))
        for entry, value in draft.undecided.items():
            if entry[:2] == ("services", name):
                yield f"  # {_flow(name)}: {_flow({entry[2]: value})}  # TODO: {draft.notes[entry]}"
        for field_ in tuple(active):
            entry = ("services", name, field_)
            if reason := unconfirmed.get(entry):
                yield f"  # TODO {name} {field_}: {one_line(reason)}"
                yield f"  # {_flow(name)}: {_flow({field_: active.pop(field_)})}"
        for entry, note in draft.notes.items():
            if entry[:2] == ("services", name) and entry not in {*draft.undecided, *unconfirmed}:
                yield f"  # TODO {name} {entry[2]}: {one_line(note)}"
        if active:
            yield f"  {_flow(name)}: {_flow(active)}"


def _entries(
    section: str,
    entries: Mapping[str, Any],
    draft: Draft,
    unconfirmed: Mapping[Entry, str],
    indent: str = "  ",
) -> Iterator[str]:
    for name, fields in entries.items():
        reason = unconfirmed.get((section, name))
        if reason:
            yield f"{indent}# TODO: {one_line(reason)}"
        yield f"{indent}{'# ' if reason else ''}{_flow(name)}: {_flow(fields)}"
    for entry, note in draft.notes.items():
        if entry[0] == section and len(entry) == 2:
            yield f"{indent}# TODO: {one_line(note)}"


def _by_kind(
    section: str,
    declared: Mapping[str, Mapping[str, Any]],
    draft: Draft,
    unconfirmed: Mapping[Entry, str],
) -> Iterator[str]:
    noted = (entry[1] for entry in draft.notes if entry[0] == section)
    kinds = dict.fromkeys((*declared, *noted))
    for kind in kinds:
        lines = list(_entries(section, declared.get(kind, {}), draft, unconfirmed, "    "))
        lines += [
            f"    # TODO {entry[2]}: {one_line(note)}"
            for entry, note in draft.notes.items()
            if entry[:2] == (section, kind)
        ]
        yield from _section(kind, lines, "  ")


def _nginx(draft: Draft, unconfirmed: Mapping[Entry, str]) -> Iterator[str]:
    if reason := unconfirmed.get(("nginx", "log")):
        yield f"# TODO: {one_line(reason)}"
        yield f"nginx: {_flow({'service': draft.nginx, 'log': False})}"
    elif draft.nginx:
        yield f"nginx: {_flow({'service': draft.nginx})}"
    for entry, note in draft.notes.items():
        if entry[0] == "nginx":
            yield f"# TODO: {one_line(note)}"


def _section(name: str, lines: Iterable[str], indent: str = "") -> list[str]:
    """Return a section. Its key is a comment if all of it is."""
    lines = list(lines)
    is_comment = all(line.lstrip().startswith("#") for line in lines)
    return [f"{indent}{'# ' if is_comment else ''}{name}:", *lines] if lines else []


def compose_fields(path: Path, project: Project) -> dict[str, Any]:
    """Return the `compose` of an environment file."""
    fields: dict[str, Any] = {}
    files = [_written(file, path.parent) for file in project.run.files]
    fields["files"] = files[0] if len(files) == 1 else files
    if project.run.project:
        fields["project"] = project.run.project
    if project.run.env_files:
        env_files = [_written(file, path.parent) for file in project.run.env_files]
        fields["env_files"] = env_files[0] if len(env_files) == 1 else env_files
    if project.run.profiles:
        fields["profiles"] = list(project.run.profiles)
    return fields


def _written(file: Path, directory: Path) -> str:
    return _relative(file, directory).replace("$", "$$")


def _relative(file: Path, directory: Path) -> str:
    """Return a file's path so that the loader finds it from the directory of the environment."""
    file = Path(os.path.normpath(file.absolute()))
    directory = directory.absolute()
    if file.is_relative_to(directory.parent):
        text = str(file.relative_to(directory.parent))
        if compose.locate(Compose(files=(text,)), directory).files[0] == file:
            return text
    return os.path.relpath(file, directory)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 96, break_long_words=False, break_on_hyphens=False)


def _flow(value: object) -> str:
    """Return a value as YAML in one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=float("inf")
    )
    return text.removesuffix("\n").removesuffix("\n...")


def save(header: Header, draft: Draft, unconfirmed: Mapping[Entry, str]) -> None:
    """Write an environment file, and its JSON Schema next to it.

    A copy: the path of the installed one differs between machines.

    Raises:
        OSError: it could not be written.
    """
    atomic_write.write(write(header, draft, unconfirmed), header.path)
    atomic_write.write(FILE.read_text("utf-8"), header.path.parent / SCHEMA)
