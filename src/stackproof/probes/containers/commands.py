"""Commands in containers. All commands that are needed of one container share one exec."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stackproof.engine import container_exec
from stackproof.environment.own_requests import DeclaredCommand
from stackproof.facts.command import CommandResult
from stackproof.kinds.password import PasswordDatastore
from stackproof.kinds.registry import COMMANDS, Command
from stackproof.probes.declaration import SERVICE, Probe, Target, TargetKind, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.shell import Line, UnusableError, argument, line
from stackproof.unobserved import Unobserved, observed, reason_of

Results = Mapping[str, CommandResult | Unobserved]
_DECLARED = "declared "


def run(engine: EngineSession, instance: str, lines: Mapping[str, Line]) -> Results:
    """Run commands in a service's container. That it does not run is an observation too."""
    listed = engine.find(instance)
    if listed is None or listed.state != "running":
        reason = engine.not_running(instance)
        return {
            command: CommandResult(command=line.label or line, exit_code=None, output=reason)
            for command, line in lines.items()
        }
    return container_exec.run(engine.connection, listed.id, lines)


@probe(of=SERVICE, needs=[engine])
def executed(target: Target, engine: EngineSession) -> Results:
    """The results of all commands that are needed of one container."""
    lines: dict[str, Line] = {}
    refused: dict[str, Unobserved] = {}
    # Those that someone else wrote come last: they may take long and print much.
    for need in sorted(target.dependents, key=lambda each: each.probe is declared_commands):
        if not need.probe.commands:
            continue
        try:
            lines |= need.probe.commands(target)
        except UnusableError as reason:
            refused[need.probe.name] = Unobserved(reason=f"the environment declares an {reason}")
        except Exception as error:  # noqa: BLE001 - the other commands run
            refused[need.probe.name] = Unobserved(reason=reason_of(error))
    return {**refused, **(run(engine, target.name, lines) if lines else {})}


def command_probe(
    name: str, doc: str, line: Callable[[Target], Line], of: TargetKind = SERVICE
) -> Probe[CommandResult]:
    """Declare a probe that runs one read-only command in the container of its target."""

    def observe(_: Target, executed: Results) -> CommandResult:
        return observed(executed[name])

    observe.__doc__ = doc
    return probe(
        "commands",
        of=of,
        needs=[executed],
        shared=True,
        commands=lambda target: {name: line(target)},
        name=name,
    )(observe)


def _declared(target: Target) -> Mapping[str, Line]:
    return {
        f"{_DECLARED}{name}": declared_line(command)
        for name, command in target.environment.commands.items()
        if command.service == target.service.name
    }


def declared_line(command: DeclaredCommand) -> Line:
    """Return the shell line of a declared command, every word of it quoted."""
    found = line("<argv>", argv=map(argument, command.argv))
    found.may_be_silent = True
    return found


@probe("declared_commands", of=SERVICE, needs=[executed], commands=_declared)
def declared_commands(_: Target, executed: Results) -> Results:
    """The results of the commands that the environment declares for a service, by name."""
    return {
        key.removeprefix(_DECLARED): result
        for key, result in executed.items()
        if key.startswith(_DECLARED)
    }


def _line(command: Command[Any], target: Target) -> Line:
    server = target.environment.servers(command.of)[target.service.name]
    if target.service.network_mode and isinstance(server, PasswordDatastore):
        # Its address is that of its host or of another container.
        server = server.model_copy(update={"over_tcp": False})
    return command.line(server)


COMMANDS_OF_KINDS = {
    name: command_probe(name, command.doc, partial(_line, command))
    for name, command in COMMANDS.items()
}
"""The probe of each command that a kind declares, by its name."""
