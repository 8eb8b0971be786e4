"""Commands and requests that an environment declares for servers of any kind."""

from typing import Annotated

from pydantic import Field

from stackproof.environment.services import Health
from stackproof.schema.declared import Declared
from stackproof.schema.values import Port, SingleLine

_LONGEST_ARGUMENT = 4096


class DeclaredCommand(Declared):
    """A declared command, which runs in the container of a service without a shell."""

    name: str
    service: str
    argv: Annotated[
        tuple[Annotated[SingleLine, Field(max_length=_LONGEST_ARGUMENT)], ...],
        Field(min_length=1, max_length=100),
    ]
    """The program and its arguments. It must only read."""
    exit_code: Annotated[int, Field(ge=0, le=125)] = 0
    """The exit code with which it must end."""
    text: str | None = None
    """Text that its output must contain."""
    no_text: str | None = None
    """Text that its output must not contain."""


class DeclaredRequest(Health):
    """A declared request to the container of a service, from inside the network."""

    name: str
    service: str
    port: Port
    """The port in the container."""
