"""Hints: what to do next, as commands to paste and as advice in words.

A check builds its hints with the functions here, which quote every name. A run then completes them
with what only it knows: the engine's machine, containers, Compose's files, redirected addresses.
"""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlsplit

from stackproof.printable import one_line

HERE, SERVER, CHECKOUT = "here", "on the server", "in the checkout"
"""Where a command is run: where stackproof runs, on the engine's machine, or in the directory there
from which Compose deploys the stack."""

NOT_SAFE = "the command is left out: a name in it is not safe to paste"

_LONGEST_NAME = 200
"""Characters. A hint is a field: it must not be cut inside a quotation."""
_MOST_NAMES = 4
"""Names that one `{}` stands for."""

Operand = str | Iterable[str]
"""What replaces one `{}` of a template: a name or a path, or several of them."""


@dataclass(frozen=True)
class Hint:
    """One thing to do next: a command to paste, or advice. An empty text is no hint."""

    text: str
    place: str = ""
    """Where the command is run; empty for advice."""

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.text)


class Start(Hint):
    """A command that makes a container run. It comes before all other hints."""


class ComposeCommand(Hint):
    """A command of Compose. A run adds the files and the project."""


@dataclass(frozen=True)
class ComposeUp(ComposeCommand):
    """How to create the containers of a service. A run keeps as many as are declared."""

    service: str = ""


class ComposeKey(Hint):
    """Advice to fix a key of the Compose file. A run drops it if that file is the specification."""


@dataclass(frozen=True)
class ContainerCommand(Hint):
    """A command in the container of a service. A run finds the container, which must run."""

    service: str = ""
    """The service, or an instance of it."""


@dataclass(frozen=True)
class DockerCommand(Hint):
    """A command of Docker for the container of a service. A run finds the container."""

    service: str = ""
    """The service, or an instance of it."""
    command: str = ""
    """The command and its options: `logs --tail 50`. Compose has the same one for services."""


@dataclass(frozen=True)
class Curl(Hint):
    """A request. A run adds the declared address and certificates."""

    url: str = ""


@dataclass(frozen=True)
class TlsClient(Hint):
    """A TLS handshake. A run adds the declared address and certificates."""

    host: str = ""
    port: int = 0


def advice(template: str, *operands: Operand) -> Hint:
    """Return advice in words."""
    return Hint(fill(template, *operands))


def here(template: str, *operands: Operand) -> Hint:
    """Return a command to run where stackproof runs."""
    return _command(Hint(fill(template, *operands), HERE))


def server(template: str, *operands: Operand) -> Hint:
    """Return a command to run on the engine's machine."""
    return _command(Hint(fill(template, *operands), SERVER))


def compose_here(template: str, *operands: Operand) -> Hint:
    """Return a command of Compose for the files here that a gate verifies before a deploy."""
    return _command(ComposeCommand(fill(f"docker compose {template}", *operands), HERE))


def start_container(name: str, status: str) -> Hint:
    """Return how to make a container run; no hint if its status is another one."""
    verb = {"paused": "unpause", "created": "start", "exited": "start"}.get(status)
    return _command(Start(fill(f"docker {verb} {{}}", name), SERVER)) if verb else Hint("")


def compose(template: str, *operands: Operand) -> Hint:
    """Return a command of Compose, without `docker compose` and its options."""
    return _command(ComposeCommand(fill(f"docker compose {template}", *operands), CHECKOUT))


def up(service: str, options: str = "") -> Hint:
    """Return how to create the containers of a service that are missing or not as in its file."""
    text = fill(f"docker compose up -d{options and ' '}{options} {{}}", service)
    return _command(ComposeUp(text, CHECKOUT, service))


def compose_key(key: str, service: str) -> Hint:
    """Return advice to fix a key of a service in the Compose file."""
    return _command(ComposeKey(fill("fix {} of {} in the compose file", key, service)))


def recreate(key: str, service: str) -> tuple[Hint, Hint]:
    """Return how to give a service the container that its Compose file specifies."""
    return compose_key(key, service), up(service)


def in_container(service: str, template: str, *operands: Operand) -> Hint:
    """Return a command to run in the container of a service."""
    place = f"in the container of {one_line(service)}"
    return _command(ContainerCommand(fill(template, *operands), place, service))


def log_of(service: str) -> Hint:
    """Return how to read the end of a service's log."""
    return docker("logs --tail 50", service)


def docker(command: str, service: str) -> Hint:
    """Return a command of Docker for the container of a service, such as `top`."""
    text = fill(f"docker compose {command} {{}}", service.partition("#")[0])
    return _command(DockerCommand(text, CHECKOUT, service, command))


def curl(options: str, url: str, *operands: Operand, place: str = HERE) -> Hint:
    """Return a request that `curl` sends; the operands are those of its options."""
    parts = urlsplit(url)
    literal = "--globoff " if set(parts.path + parts.query) & set("[]{}") else ""
    text = fill(f"curl {literal}{options} {{}}", *operands, url)
    return _command(Curl(text, place, url))


def tls_client(host: str, port: int, options: str = "", then: str = "") -> Hint:
    """Return a TLS handshake, and a command that reads what it prints."""
    rest = f"{options and ' '}{options} </dev/null{then and ' | '}{then}"
    template = f"openssl s_client -connect {{}} -servername {{}}{rest}"
    return _command(TlsClient(fill(template, address(host, port), host), HERE, host, port))


def address(host: str, port: int) -> str:
    """Return a host and a port as one word: `[::1]:443`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def fill(template: str, *operands: Operand) -> str:
    """Return the template with each `{}` replaced by its operand, as one line to paste.

    Every name is quoted for a shell. A name that a program would read as an option, or that
    contains invisible characters, is left out, and the line says so.

    Returns:
        The line; `NOT_SAFE` if it has no usable name for a `{}`; an empty text if it has none.
    """
    first, *rest = template.split("{}")
    text, left_out = first, 0
    for operand, following in zip(operands, rest, strict=True):
        names = [operand] if isinstance(operand, str) else list(operand)
        if not any(names):
            return ""
        quoted = [shlex.quote(name) for name in names if _is_safe(name)][:_MOST_NAMES]
        if not quoted:
            return NOT_SAFE
        left_out += len(names) - len(quoted)
        text += " ".join(quoted) + following
    return f"{text} # {left_out} more not shown" if left_out else text


def texts(hints: Iterable[Hint]) -> Iterator[str]:
    """Yield the lines that print hints. Commands are on lines of their own, below their place."""
    for place, its in groupby(hints, key=lambda each: each.place):
        if place:
            yield f"hint: run {place}:"
            yield from (f"  {each.text}" for each in its)
        else:
            yield from (f"hint: {each.text}" for each in its)


def _command(hint: Hint) -> Hint:
    return Hint(hint.text) if hint.text in ("", NOT_SAFE) else hint


def _is_safe(name: str) -> bool:
    return (
        bool(name)
        and not name.startswith("-")
        and name == one_line(name)
        and len(shlex.quote(name)) <= _LONGEST_NAME
    )
