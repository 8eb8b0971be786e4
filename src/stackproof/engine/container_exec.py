"""Commands in containers: one exec runs several of them, each with a share of the time."""

import re
from collections.abc import Mapping, Sequence
from uuid import uuid4

from stackproof.deadlines import COMMAND_SECONDS, EXEC_SECONDS
from stackproof.engine.client import EngineClient
from stackproof.engine.connection import Connection
from stackproof.facts.command import CommandResult
from stackproof.shell import Line
from stackproof.unobserved import Unobserved, UnobservedError

_PART = "$(((left + 2) / 3))"
_NOW = "read -r now _ </proc/uptime"
OUTPUT_CAP = 256 * 1024
_FRAME_HEADER = 8
_LINE_SHOWN = 100
# Exit codes of `timeout`: GNU's own, and those of a command that its TERM or KILL ended.
_KILLED = 137
_TIMED_OUT = (124, _KILLED, 143)
# Exit codes of a shell if a program cannot be executed or found.
_NOT_RUN = (126, 127)
# The output of an exec comes in frames. The smallest has one byte and a header.
_FRAMED_CAP = 4 * OUTPUT_CAP


def run(
    connection: Connection, container_id: str, commands: Mapping[str, Line]
) -> dict[str, CommandResult | Unobserved]:
    """Run several commands in one exec, one after the other.

    Args:
        connection: the engine.
        container_id: a running container.
        commands: by any key, a shell line of one command.

    Returns:
        The result of each. If one prints so much that the exec ends, it and those after it are
        unobserved.

    Raises:
        UnobservedError: the exec was refused, or ended before its first command did.
    """
    end = uuid4().hex  # no command can print it, so no output is mistaken for an exit code
    printed = _execute(connection, container_id, framed(tuple(commands.values()), end))
    if len(printed) > OUTPUT_CAP:
        raise UnobservedError("the exec printed more than its own shell lets through")
    # A split takes linear time; a search for pairs would take quadratic time.
    first, *ended = re.split(rf"{end}\n|\n{end} (\d+)\n", printed.decode(errors="replace"))
    outputs, codes = ended[1::2], ended[2::2]
    if first or not codes or len(codes) > len(commands):
        raise UnobservedError("the exec ended without the expected output")
    cut = Unobserved(reason="the exec ended without its output")
    return dict.fromkeys(commands, cut) | {
        key: _result(line, int(code), output.strip())
        for (key, line), output, code in zip(commands.items(), outputs, codes, strict=False)
    }


def _execute(connection: Connection, container_id: str, script: str) -> bytes:
    """Run a shell script in a container; return its output and its errors, in order."""

    def execute(engine: EngineClient) -> bytes:
        options = {"AttachStdout": True, "AttachStderr": True, "Cmd": ["/bin/sh", "-c", script]}
        created = engine.post(f"/containers/{container_id}/exec", options)
        path = f"/exec/{created.container_id('Id')}/start"
        start = {"Detach": False, "Tty": False}
        # Over a forwarded socket the stream can end early without an error. The caller notices by
        # the output itself: to ask for the exit code would take another round trip.
        return b"".join(engine.stream(path, _FRAMED_CAP, body=start, seconds=EXEC_SECONDS))

    return frames(connection.call(execute))


def framed(lines: Sequence[Line], end: str) -> str:
    """Return one shell script of several commands, which limits their time and their output.

    Args:
        lines: one command each.
        end: a word that is printed before the first output, and with the exit code after each.
    """
    # The shell reads the time itself: `date` would be one more process for each command.
    script = f"echo {end}\n{_NOW}; ends=$((${{now%.*}} + {COMMAND_SECONDS}))\n" + "".join(
        # In whole seconds: busybox accepts no others.
        f"{_NOW}; left=$((ends - ${{now%.*}}))\n"
        f"if [ $left -gt 0 ]; then timeout -s KILL {_PART if after else '$left'} {line} 2>&1\n"
        f"else (exit {_KILLED}); fi; printf '\\n%s %s\\n' {end} $?\n"
        for after, line in enumerate(lines, 1 - len(lines))
    )
    # Some shells report a killed command themselves, which is not output of the command.
    return f"{{\n{script}}} 2>/dev/null | head -c {OUTPUT_CAP}"


def frames(content: bytes) -> bytes:
    """Return the contents of the frames of a stream: a type, three zeros, a length, a text."""
    printed, at = bytearray(), 0
    while at < len(content):
        begins = at + _FRAME_HEADER
        at = begins + int.from_bytes(content[at + 4 : begins])
        printed += content[begins:at]
    return bytes(printed)


def _result(line: Line, exit_code: int, output: str) -> CommandResult | Unobserved:
    command = line.label or line
    timed_out = exit_code in _TIMED_OUT
    if timed_out and output == "Killed":
        output = ""  # printed by `timeout`, not by the command
    shown = repr(command if len(command) <= _LINE_SHOWN else f"{command[:_LINE_SHOWN]}…")
    if exit_code in _NOT_RUN:
        return Unobserved(reason=f"{shown} could not be run: {output or f'exit code {exit_code}'}")
    if not output and not timed_out and not line.may_be_silent:
        return Unobserved(reason=f"{shown} ended with exit code {exit_code} and no output")
    return CommandResult(command=command, exit_code=exit_code, output=output, timed_out=timed_out)
