"""The registry of kinds of datastores and proxies, and a decorator for each part of a kind."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from stackproof.facts.command import CommandResult
from stackproof.facts.reply import Reply
from stackproof.schema.declared import Replicable
from stackproof.shell import Line


class UndecidedError(Exception):
    """A value depends on what is unknown here, which the message names."""


class DeclaredContainer(NamedTuple):
    """The container of a server as Compose files declare it, with expressions instead of values."""

    image: str
    environment: Mapping[str, str]
    """Its variables."""
    command: str
    """Its command, the words joined by spaces. `$$` is a `$` for the container's shell."""
    value: Callable[[str], str]
    """Return a variable as an environment file declares it; empty if it has no value."""

    def variable(self, *names: str) -> str:
        """Return the first of these variables that has a value.

        Raises:
            UndecidedError: it depends on variables that are unset here, or its value is in a file.
        """
        return next(filter(None, map(self.value, names)), "")


class Server(Replicable):
    """A server of some kind that an environment file declares, named by its service."""

    kind: ClassVar[str]
    """Its key under `datastores` or `proxies`, and the argument by which a check asks for it."""
    name: str
    images: ClassVar[frozenset[str]] = frozenset()
    """Names of images of such servers, without a registry, a user and a tag."""
    programs: ClassVar[frozenset[str]] = frozenset()
    """Names of the programs that such servers are."""

    @classmethod
    def of_container(cls, container: DeclaredContainer) -> Mapping[str, str]:
        """Return the fields that a container of Compose files decides.

        Raises:
            UndecidedError: it does not say how to reach the server.
        """
        del container
        return {}


class Datastore(Server):
    """A declared datastore."""


class Proxy(Server):
    """A declared reverse proxy."""

    @property
    def service(self) -> str:
        """Its service."""
        return self.name


S = TypeVar("S", bound=Server)
D = TypeVar("D", bound=Datastore)
P = TypeVar("P", bound=Proxy)
T = TypeVar("T")
R = TypeVar("R", CommandResult, Reply)


class Command(NamedTuple, Generic[S]):
    """A read-only command that runs in the container of a server."""

    name: str
    """The argument by which a check asks for its result, a `CommandResult`."""
    doc: str
    of: type[S]
    line: Callable[[S], Line]
    """Return the shell line, from the declaration."""


class Request(NamedTuple):
    """What an exchange sends, and how the end of the reply is recognized."""

    port: int
    send: bytes
    ends: bytes
    """The last bytes of a complete reply."""
    text: str
    """What is sent, in messages."""


class Exchange(NamedTuple, Generic[D]):
    """A read-only request over TCP, to the address of the container of a datastore.

    For servers whose containers have no client.
    """

    name: str
    """The argument by which a check asks for the `Reply`."""
    doc: str
    of: type[D]
    request: Callable[[D], Request]
    """Return the request, from the declaration."""


class State(NamedTuple, Generic[T]):
    """The state of a server, parsed from the output of a command or from the reply to a request."""

    name: str
    """The argument by which a check asks for it."""
    doc: str
    of: Command[Any] | Exchange[Any]
    parse: Callable[[Any], T]
    """Return the state, or raise UnobservedError if the output does not contain it."""


DATASTORES: dict[str, type[Datastore]] = {}
"""The declaration of each kind of datastore, by its name."""
PROXIES: dict[str, type[Proxy]] = {}
"""The declaration of each kind of proxy, by its name. nginx has a section of its own."""
COMMANDS: dict[str, Command[Any]] = {}
EXCHANGES: dict[str, Exchange[Any]] = {}
STATES: dict[str, State[Any]] = {}


def datastore(name: str) -> Callable[[type[D]], type[D]]:
    """Register a class as the declaration of a kind: the value of `datastores: NAME:`."""

    def register(declaration: type[D]) -> type[D]:
        declaration.kind = _unused(name)
        DATASTORES[name] = declaration
        return declaration

    return register


def proxy(name: str) -> Callable[[type[P]], type[P]]:
    """Register a class as the declaration of a kind: the value of `proxies: NAME:`."""

    def register(declaration: type[P]) -> type[P]:
        declaration.kind = _unused(name)
        PROXIES[name] = declaration
        return declaration

    return register


def command(of: type[S]) -> Callable[[Callable[[S], Line]], Command[S]]:
    """Register a function as a command of a kind: it returns the line for a declared server."""

    def register(line: Callable[[S], Line]) -> Command[S]:
        name = _unused(line.__name__)
        COMMANDS[name] = declared = Command(name, line.__doc__ or "", of, line)
        return declared

    return register


def exchange(of: type[D]) -> Callable[[Callable[[D], Request]], Exchange[D]]:
    """Register a function as an exchange of a kind: it returns what a declared server is sent."""

    def register(request: Callable[[D], Request]) -> Exchange[D]:
        name = _unused(request.__name__)
        EXCHANGES[name] = declared = Exchange(name, request.__doc__ or "", of, request)
        return declared

    return register


def state(of: Command[Any] | Exchange[Any]) -> Callable[[Callable[[R], T]], State[T]]:
    """Register a function as the parser of a command's result, or of the reply to a request."""

    def register(parse: Callable[[R], T]) -> State[T]:
        name = _unused(parse.__name__)
        STATES[name] = declared = State(name, parse.__doc__ or "", of, parse)
        return declared

    return register


def _unused(name: str) -> str:
    """Return the name of a declaration.

    Raises:
        ValueError: another declaration has the same name.
    """
    kinds = (DATASTORES, PROXIES, COMMANDS, EXCHANGES, STATES)
    if any(name in registered for registered in kinds):
        raise ValueError(f"two declarations of kinds are named {name!r}")
    return name


def invalid_fields(error: ValidationError) -> str:
    """Return which fields of an answer are invalid: ` (maxmemory)`; empty if it is all of it."""
    names = ", ".join(str(each["loc"][0]) for each in error.errors() if each["loc"])
    return f" ({names})" if names else ""
