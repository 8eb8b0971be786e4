"""Passwords of datastores: from a file or a variable in the container, never on a command line."""

from typing import Self

from pydantic import model_validator

from stackproof.facts.command import CommandResult
from stackproof.kinds.registry import Datastore
from stackproof.schema.declared import reject
from stackproof.schema.values import AbsolutePath, VariableName
from stackproof.shell import Line, line, lines, path, variable
from stackproof.unobserved import UnobservedError

_UNREADABLE = 96
"""The exit code of a script whose password cannot be read. No client ends with it."""


class PasswordDatastore(Datastore):
    """A declared server that may require a password."""

    password_file: AbsolutePath | None = None
    """Path in its container of a file with the password, such as `/run/secrets/db_password`."""
    password_variable: VariableName | None = None
    """Variable of its container with the password."""
    over_tcp: bool = True
    """Whether clients in other containers connect to it over TCP, so that its own client does, too.
    Never if its service has a `network_mode`."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.password_file and self.password_variable:
            reject([((), "either 'password_file' or 'password_variable' is needed, not both")])
        return self

    @property
    def has_password(self) -> bool:
        """Whether the source of a password is declared."""
        return bool(self.password_file or self.password_variable)


def with_password(server: PasswordDatastore, then: Line, exported: str = "") -> Line:
    """Return a script that reads the declared password and runs a line.

    Args:
        server: the declaration.
        then: the line that runs the client.
        exported: the variable from which the client reads the password. If it is empty, the line
            itself reads it, from the variable `login` of its shell.
    """
    if server.password_file:
        read = line(
            f"login=$(cat -- <path>) || exit {_UNREADABLE}", path=path(server.password_file)
        )
    else:
        read = line(
            f'[ "$<name>" ] || {{ echo <name> is not set; exit {_UNREADABLE}; }}; login=$<name>',
            name=variable(server.password_variable or ""),
        )
    export = (Line(f"export {exported}=${{login}}"),) if exported else ()
    return lines(read, *export, then)


def require_password(result: CommandResult) -> None:
    """Check that the declared password could be read.

    Raises:
        UnobservedError: it could not.
    """
    if result.exit_code == _UNREADABLE:
        raise UnobservedError(f"the password cannot be read: {result.observed}")


def require_login(server: PasswordDatastore, result: CommandResult, *refusals: str) -> None:
    """Check that a command had the password that it needed.

    Args:
        server: the declaration.
        result: the result of a command.
        refusals: what the server says if it needs a password and was given none.

    Raises:
        UnobservedError: it had none, so that its result says nothing about the server.
    """
    require_password(result)
    if not server.has_password and any(each in result.output for each in refusals):
        raise UnobservedError(
            f"{server.name} refuses clients without authentication; declare password_file or "
            f"password_variable in datastores.{server.kind}.{server.name}"
        )
