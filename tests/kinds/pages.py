"""Writes what the documentation says about each kind, between two marks of a page."""

import ast
import inspect
import re
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from stackproof.kinds.caddy import Caddy, state_script
from stackproof.kinds.registry import COMMANDS, DATASTORES, EXCHANGES, PROXIES, Command, Server

_DOCS = Path(__file__).parents[2] / "docs"
_BEGIN = "<!-- scripts/docs writes this part, from src/stackproof/kinds. -->\n"
_END = "<!-- End of this part. -->\n"
_PLACEHOLDER = re.compile(r"'(<[a-z]+>)'")


def fields(kinds: Mapping[str, type[Server]]) -> Iterator[str]:
    """Yield the table of what can be declared of each kind."""
    yield "| kind | field | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for kind, declaration in kinds.items():
        docs = _attribute_docs(declaration)
        if not docs:
            yield f"| `{kind}` | | | |"
        for name, doc in docs.items():
            default = declaration.model_fields[name].default
            shown = "**required**" if default is PydanticUndefined else default
            yield f"| `{kind}` | `{name}` | {shown} | {doc} |"


def commands() -> Iterator[str]:
    """Yield the commands of each kind, and the scripts of some."""
    lines = {name: _line(command) for name, command in COMMANDS.items()}
    lines["caddy_state"] = state_script(Caddy.model_construct(name="caddy"))
    scripts = {name: _script(line) for name, line in lines.items()}
    plain = [line for name, line in lines.items() if not scripts[name]]
    if plain:
        yield from ("```sh", *(_PLACEHOLDER.sub(r"\1", line) for line in plain), "```", "")
    yield "Programs run in scripts with `sh -c '…'`, which are below."
    for name, exchange in EXCHANGES.items():
        request = exchange.request(exchange.of.model_construct())
        yield from ("", f"Over TCP, `{name}` sends {request.text}, to port {request.port}.")
    for name, script in scripts.items():
        if script:
            shown = _PLACEHOLDER.sub(r"\1", script)
            yield from ("", f"The script of `{name}`:", "", "```sh", shown, "```")


def _attribute_docs(declaration: type[Server]) -> dict[str, str]:
    """Return the docstring of each field, empty for a field without one."""
    docs: dict[str, str] = {}
    for base in declaration.__bases__:
        if issubclass(base, Server) and base.__module__ != Server.__module__:
            docs |= _attribute_docs(base)
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(declaration))).body
    assert isinstance(definition, ast.ClassDef)
    for statement, following in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            doc = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                doc = " ".join(str(following.value.value).split())
            docs[statement.target.id] = doc
    return docs


def _line(command: Command[Server]) -> str:
    """Return the line of a command for a server whose required fields are quoted placeholders."""
    required: dict[str, Any] = {
        name: f"<{name.replace('_', '')}>"
        for name, field in command.of.model_fields.items()
        if field.is_required()
    }
    return command.line(command.of.model_construct(**required))


def _script(line: str) -> str:
    *_, last = shlex.split(line)
    return last if " " in last else ""


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "environments.md": lambda: fields(DATASTORES),
    "proxies.md": lambda: fields(PROXIES),
    "access.md": commands,
}


def page(name: str) -> str:
    """Return a page with its generated part up to date."""
    text = (_DOCS / name).read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    assert begin, f"docs/{name} has no mark {_BEGIN!r}"
    assert end, f"docs/{name} has no mark {_END!r}"
    return "".join(
        [before, begin, "\n", *(f"{line}\n" for line in PAGES[name]()), "\n", end, after]
    )


def main() -> int:
    for name in PAGES:
        (_DOCS / name).write_text(page(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
