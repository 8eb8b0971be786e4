"""The `stackproof` command: its arguments, and what is wrong with them.

What is imported at the top must not fail where memory is short: the exit code of a traceback is
that of no-go.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn

from commands.screen import say
from stackproof import resources
from stackproof.exit_codes import EXIT_INTERNAL_ERROR, EXIT_UNKNOWN, EXIT_USAGE

_ROOT = Path(__file__).parents[1]
# A thousand files may be open, and each probe needs one for as long as it takes.
_FASTEST = 100
# Each request that is under way takes one: see `fixtures/probing.py`.
_THREADS = 600
_USAGE = "stackproof watch ENV [--rate=10] [--slo=100] -- COMMAND..."


class _UsageError(Exception):
    """Says in one line what is wrong with the command line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message} (usage: {_USAGE})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code; 4 where the command line is wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given)
    except _UsageError as error:
        code, said = EXIT_USAGE, str(error)
    except KeyboardInterrupt:
        code, said = 130, "interrupted"
    except Exception as error:  # noqa: BLE001 - a traceback's exit code is that of no-go
        code, said = EXIT_INTERNAL_ERROR, f"internal error: {error!r}"
    say(f"stackproof: {said}")
    return code


def _run(given: list[str]) -> int:
    arguments, command = _split(given)
    if too_few := resources.why_too_few(_THREADS):
        say(f"stackproof: nothing can be probed, so the command was not run: {too_few}")
        return EXIT_UNKNOWN
    resources.save_address_space()
    # Loaded where the command line can be read: what it needs takes a third of a second.
    from environments.loader import InvalidEnvironment
    from fixtures.observation import CannotLook

    try:
        return _watch(arguments, command)
    except InvalidEnvironment as error:
        raise _UsageError(str(error)) from None
    except CannotLook as reason:
        say(f"stackproof: nothing can be probed, so the command was not run: {reason}")
        return EXIT_UNKNOWN


def _split(given: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own arguments, and the command after `--`, which is not read."""
    end = given.index("--") if "--" in given else len(given)
    return _parser().parse_args(given[:end]), given[end + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="stackproof", usage=_USAGE, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"stackproof {_version()}")
    commands = parser.add_subparsers(dest="name", metavar="watch", required=True)
    watch = commands.add_parser(
        "watch",
        usage=_USAGE,
        description="Run a command, such as a deploy, and measure availability while it runs.",
        epilog="Exit code: the command's where it failed; 7 a route was less available than the "
        "objective; 6 it cannot be told; 4 wrong usage; 130 interrupted; 0 otherwise.",
        allow_abbrev=False,
    )
    watch.add_argument("environment", metavar="ENV", help="whose public routes are probed")
    watch.add_argument(
        "--rate", type=float, default=10, help="probes of each route a second (default: 10)"
    )
    watch.add_argument(
        "--slo",
        type=float,
        default=100,
        metavar="PERCENT",
        help="requests of each route that must be answered right (default: 100)",
    )
    watch.add_argument(
        "--environments",
        type=Path,
        metavar="DIR",
        default=_ROOT / "environments",
        help="directory of the environment files (default: environments/)",
    )
    watch.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=_ROOT / "reports" / "out",
        help="write DIR/ENV/watch.json and watch.svg (default: reports/out)",
    )
    return parser


def _version() -> str:
    try:
        return version("stackproof")
    except PackageNotFoundError:
        return "of a checkout that is not installed"


def _watch(given: argparse.Namespace, command: list[str]) -> int:
    from environments.loader import load

    if not command:
        raise _UsageError(f"there is no command to run (usage: {_USAGE})")
    if not 0 < given.rate <= _FASTEST:
        raise _UsageError(
            f"--rate: expected more than 0 and at most {_FASTEST}, got {given.rate:g}"
        )
    if not 0 <= given.slo <= 100:
        raise _UsageError(f"--slo: expected a share of 0 to 100 percent, got {given.slo:g}")
    if shutil.which(command[0]) is None:
        raise _UsageError(f"there is no command {command[0]}")
    environment = load(given.environment, given.environments, offline=True)
    from commands.deploy import CommandError
    from commands.watch import public_routes, watch

    if not public_routes(environment):
        raise _UsageError(f"{environment.name} declares no route that is looked at from outside")
    try:
        return watch(
            environment,
            command,
            rate=given.rate,
            slo=given.slo,
            folder=given.output / environment.name,
        )
    except CommandError as error:
        raise _UsageError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
