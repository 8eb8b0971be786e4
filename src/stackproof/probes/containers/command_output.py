"""Whether a declared command ended as it is declared."""

from stackproof.deadlines import COMMAND_SECONDS
from stackproof.environment.own_requests import DeclaredCommand
from stackproof.facts.command import CommandResult
from stackproof.unobserved import UnobservedError

_SHOWN = 60


def command_mismatch(command: DeclaredCommand, result: CommandResult) -> tuple[str, str]:
    """Return what is expected but missing, and what is there instead; two empty texts if none.

    Raises:
        UnobservedError: it did not end in time, which may be up to the machine.
    """
    if result.timed_out:
        raise UnobservedError(f"it did not end within its share of {COMMAND_SECONDS} s")
    shown = " ".join(result.output.split())[:_SHOWN] or "no output"
    if result.exit_code is None:
        return "a result", result.output
    if result.exit_code != command.exit_code:
        return f"exit code {command.exit_code}", f"exit code {result.exit_code}: {result.observed}"
    if command.text and command.text not in result.output:
        return f"output with {command.text}", shown
    if command.no_text and command.no_text in result.output:
        return f"output without {command.no_text}", shown
    return "", ""
