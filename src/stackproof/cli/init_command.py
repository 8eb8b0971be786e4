"""`stackproof init`: writes the first environment file of a Compose project."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackproof.cli import environments_folder
from stackproof.cli.usage import Parser, UsageError, add_environments_option
from stackproof.files import compose_files
from stackproof.outcome import EXIT_GO

if TYPE_CHECKING:
    from stackproof.cli.draft.document import Header
    from stackproof.cli.draft.draft import Draft
    from stackproof.cli.draft.project import Project
    from stackproof.cli.draft.stack import Stack

SUMMARY = "write an environment file from Compose files"
_USAGE = "stackproof init [FILE...] [--env NAME] [--from-running] [--pin]"


def run(given: Sequence[str]) -> int:
    """Write an environment file and return the exit code.

    Raises:
        UsageError: the command line is wrong, Compose rejects the files, or the file exists.
    """
    arguments = _parser().parse_args(given)
    # Imported here: the help does not need them.
    from stackproof.environment.compose import ComposeError, ComposeFileInvalid
    from stackproof.environment.document.problem import InvalidEnvironment
    from stackproof.secrets import redact

    try:
        return _init(arguments)
    except (ComposeError, ComposeFileInvalid, InvalidEnvironment) as error:
        raise UsageError(redact(str(error))) from None
    except OSError as error:
        raise UsageError(f"{error.filename or 'the file'}: {error.strerror}") from None


def _parser() -> Parser:
    parser = Parser(
        prog="stackproof init",
        usage=_USAGE,
        description="Write environments/NAME.yaml from the Compose files of a project and, if its "
        "engine answers, verify the stack that runs. What only a person knows is a TODO.",
        epilog="Exit code: 0 if the file was written; 4 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="Compose files, in the order in which they are merged "
        "(default: those that Compose finds by itself)",
    )
    parser.add_argument(
        "--env", metavar="NAME", help="name of the environment (default: that of the project)"
    )
    parser.add_argument(
        "--from-running",
        action="store_true",
        help="take the files with which the running project was started",
    )
    parser.add_argument(
        "--pin",
        action="store_true",
        help="also write what the Compose files specify to environments/NAME.pin.json, for places "
        "without Compose or the checkout; of an environment that exists, write that alone",
    )
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    add_environments_option(parser)
    parser.set_defaults(environments=None)
    return parser


def _init(given: argparse.Namespace) -> int:
    from stackproof.cli.draft import document, names
    from stackproof.cli.draft.draft import draft, shown, without_services
    from stackproof.cli.draft.stack import find

    stack = find(given.files, from_running=given.from_running)
    if not given.environments:
        found = compose_files.above(Path.cwd())
        by_itself = not given.files and found == list(stack.project.run.files)
        given.environments = environments_folder.beside_files(found if by_itself else ())
    name = given.env or names.usable(stack.project.name)
    names.require_usable(name)
    path = given.environments / f"{name}.yaml"
    if given.pin and path.exists() and not given.force:
        return _pin(name, given.environments)
    if path.exists() and not given.force:
        raise UsageError(f"{shown(path)} exists: --force replaces it, --env NAME writes another")
    if not stack.project.services:
        raise UsageError(without_services(stack.project))
    first = draft(stack.project, is_local=stack.is_local)
    header = document.Header(path, stack.project, stack.engine_to_declare)
    document.save(header, first, {})
    _print(f"{shown(path)}: {_summary(stack.project, first)}")
    for need in first.needs:
        _print(f"needs {need}")
    _verify(stack, header, first)
    return _pin(name, given.environments) if given.pin else EXIT_GO


def _pin(name: str, directory: Path) -> int:
    """Write what the Compose files of an environment specify to its pin."""
    from stackproof.cli.draft.draft import shown
    from stackproof.environment.compose import locate, pin, pinned
    from stackproof.environment.loader import load

    declared = load(name, directory, offline=True).compose
    if declared is None:
        raise UsageError(f"{shown(directory / f'{name}.yaml')} names no Compose files to pin")
    run, path = locate(declared, directory), pin.path_of(name, directory)
    pin.write(pinned(run, os.environ), run, os.environ, path)
    files = " and ".join(shown(file) for file in run.files)
    _print(f"{shown(path)}: what {files} {'specify' if len(run.files) > 1 else 'specifies'} now")
    return EXIT_GO


def _verify(stack: "Stack", header: "Header", first: "Draft") -> None:
    """Verify the stack that runs, list the differences, and comment out what it contradicts."""
    from stackproof.cli.draft import document
    from stackproof.cli.draft.confirmation import NotVerifiedError, verify

    for note in stack.notes:
        _print(note)
    if not stack.runs:
        return
    name = header.path.stem
    try:
        found = verify(name, header.path.parent, first)
    except NotVerifiedError as reason:
        _print(f"not verified: {reason}")
        return
    for service in found.ended:
        if not stack.project.services[service].get("ports"):
            first.ask_one_shot(service, "it exited with code 0: if it runs once and ends")
    if found.unconfirmed or found.ended:
        document.save(header, first, found.unconfirmed)
    for text in found.unconfirmed.values():
        _print(f"TODO {text}")
    if found.differences:
        _print(f"the stack that runs on {stack.engine.label} differs from the Compose files:")
    for text in found.differences:
        _print(f"  ✗ {text}")
    for text in found.unknown:
        _print(f"? {text}")
    if found.starting:
        services = ", ".join(f"{name} ({why})" for name, why in found.starting.items())
        _print(f"the stack is still starting: {services}")
    _print(f"{found.passed} checks passed; verify again with: stackproof check {name}")


def _summary(project: "Project", first: "Draft") -> str:
    from stackproof.cli.draft.draft import shown

    counts = {
        "service": len(project.services),
        "health endpoint": sum("health" in each for each in first.services.values()),
        "datastore": sum(map(len, first.datastores.values())),
        "route": len(first.routes),
    }
    parts = [f"{n} {what}{'s' if n != 1 else ''}" for what, n in counts.items() if n]
    files = " and ".join(shown(file) for file in project.run.files)
    return f"{', '.join(parts)}, from {files}"


def _print(text: str) -> None:
    from stackproof.printable import lines, printable

    try:
        print(lines(printable(text)), flush=True)
    except OSError:  # a closed pipe; the file is written all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
