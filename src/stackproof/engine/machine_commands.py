"""Read-only commands on the engine's machine."""

from typing import TYPE_CHECKING, Any

from testinfra.backend.base import BaseBackend
from testinfra.backend.base import CommandResult as TestinfraResult
from testinfra.host import Host

from stackproof import shell
from stackproof.deadlines import COMMAND_SECONDS, ENGINE_CALL_SECONDS
from stackproof.engine.connection import Connection
from stackproof.engine.container_exec import OUTPUT_CAP
from stackproof.process import limited_process
from stackproof.shell import Line
from stackproof.unobserved import UnobservedError

if TYPE_CHECKING:
    from stackproof.engine.ssh.link import Link


class MachineBackend(BaseBackend):
    """A testinfra backend for the engine's machine, over the existing ssh connection.

    Testinfra's own ssh backend starts an `ssh` process for each command.
    """

    NAME = "engine-machine"

    def __init__(self, link: "Link") -> None:
        """Run commands over this connection."""
        self._link = link
        super().__init__(link.address)

    def run(self, command: str, *args: str, **_: Any) -> TestinfraResult:
        """Run a shell line to its end; its standard error is left out.

        Raises:
            UnobservedError: it could not be run to its end.
        """
        line = self.get_command(command, *args)
        exit_code, output = self._link.run(line)
        return self.result(exit_code, line.encode(), output, b"")


def run_on_machine(connection: Connection, line: Line) -> str:
    """Run a read-only shell line on the engine's machine, and return its output, up to a limit.

    For a local engine, that is this machine.

    Raises:
        UnobservedError: it could not be run to its end.
    """
    return run_here(line) if connection.link is None else run_on_server(connection.link, line)


def run_on_server(link: "Link", line: Line) -> str:
    """Run a read-only shell line on the machine behind an ssh connection; return its output.

    Raises:
        UnobservedError: it could not be run to its end.
    """
    return _output(MachineBackend(link), line)


def run_here(line: Line) -> str:
    """Run a read-only shell line on this machine, and return its output, up to a limit.

    Raises:
        UnobservedError: it could not be run to its end.
    """
    return _output(HereBackend(), line)


class HereBackend(BaseBackend):
    """A testinfra backend for this machine, with a time limit.

    Testinfra's own local backend waits as long as any process keeps the output open.
    """

    NAME = "here"

    def __init__(self) -> None:
        """Run commands here."""
        super().__init__("here")

    def run(self, command: str, *args: str, **_: Any) -> TestinfraResult:
        """Run a shell line to its end; its standard error is left out.

        Raises:
            UnobservedError: it could not be run to its end.
        """
        line = self.get_command(command, *args)
        try:
            exit_code, output, _errors = limited_process.run(
                ["/bin/sh", "-c", line], ENGINE_CALL_SECONDS, OUTPUT_CAP
            )
        except limited_process.TooSlowError:
            raise UnobservedError(
                f"a command here took longer than {ENGINE_CALL_SECONDS} s"
            ) from None
        except limited_process.TooMuchError:
            raise UnobservedError("a command here printed more than the limit") from None
        except OSError as error:
            raise UnobservedError(f"no command can be run here: {error.strerror}") from None
        return self.result(exit_code, line.encode(), output, b"")


def _output(backend: BaseBackend, line: Line) -> str:
    bounded = shell.line(
        "timeout -s KILL <seconds> sh -c <lines> | head -c <bytes>",
        seconds=shell.number(COMMAND_SECONDS),
        lines=shell.script(line),
        bytes=shell.number(OUTPUT_CAP),
    )
    output: bytes = Host(backend).run(bounded).stdout_bytes
    return output.decode(errors="replace")
