"""The `stackproof` command: its subcommands, its help, and errors in its command line.

Imports at the top must not fail where memory is short: the exit code of a traceback is that of
no-go.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from stackproof.cli import check_command, init_command, show_command, watch_command
from stackproof.cli.screen import say
from stackproof.cli.usage import Parser, UsageError
from stackproof.outcome import EXIT_GO, EXIT_INTERNAL_ERROR, EXIT_USAGE

_COMMANDS: Mapping[str, ModuleType] = {
    "init": init_command,
    "check": check_command,
    "show": show_command,
    "watch": watch_command,
}
_LONGEST_WORD = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; 4 if the command line is wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given)
    except UsageError as error:
        code, message = EXIT_USAGE, str(error)
    except KeyboardInterrupt:
        code, message = 130, "interrupted"
    except Exception as error:
        if given[:1] == ["check"] and sys.excepthook is not sys.__excepthook__:
            raise  # stackproof.plugin reports it, with the exit code of the verdict
        code, message = EXIT_INTERNAL_ERROR, f"internal error: {error!r}"
    say(f"stackproof: {message}")
    return code


def _run(given: list[str]) -> int:
    parser = _parser()
    if not given:
        parser.print_help()
        return EXIT_GO
    name = given[0]
    if name in _COMMANDS:
        _require_directory(given[1:])
        code: int = _COMMANDS[name].run(given[1:])
        return code
    if not name.startswith("-"):
        near = get_close_matches(name[:_LONGEST_WORD], _COMMANDS, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"no command {name!r}{meant} (there are: {', '.join(_COMMANDS)})")
    parser.parse_args(given)
    raise UsageError(f"name a command: {', '.join(_COMMANDS)}")


def _require_directory(arguments: Sequence[str]) -> None:
    """Refuse to run in a directory that was deleted, which Python has no name for."""
    try:
        os.getcwd()  # noqa: PTH109 - the name is not needed
    except OSError as error:
        if not {"-h", "--help"}.intersection(arguments):
            raise UsageError(f"the current directory cannot be used: {error.strerror}") from None


def _parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:<8}{module.SUMMARY}" for name, module in _COMMANDS.items())
    parser = Parser(
        prog="stackproof",
        usage="stackproof COMMAND ...",
        description="Verifies that a running Docker Compose stack is the stack that was specified."
        f"\n\ncommands:\n{commands}",
        epilog="`stackproof COMMAND --help` describes one command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("-h", "--help", action="help", help="print this help")
    parser.add_argument(
        "--version",
        action="version",
        version=f"stackproof {_version()}",
        help="print the version",
    )
    return parser


def _version() -> str:
    try:
        return version("stackproof")
    except PackageNotFoundError:
        return "of a checkout that is not installed"
