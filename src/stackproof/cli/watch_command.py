"""`stackproof watch`: the arguments of the command, and errors in them."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from stackproof.cli.screen import say
from stackproof.cli.usage import Parser, UsageError, add_environments_option
from stackproof.outcome import EXIT_UNKNOWN
from stackproof.process import resources

SUMMARY = "run a deploy and measure the availability of the stack meanwhile"
# Each request in progress needs an open file, and a process may often open a thousand.
_MAX_RATE = 100
# Each request in progress needs a thread: see `src/stackproof/deploy/prober.py`.
_THREADS = 600
_USAGE = "stackproof watch ENV [--rate=10] [--slo=100] -- COMMAND..."


def run(given: Sequence[str]) -> int:
    """Watch a command and return the exit code.

    Raises:
        UsageError: the command line is wrong, or the environment is invalid.
    """
    end = given.index("--") if "--" in given else len(given)
    arguments = _parser().parse_args(given[:end])
    if reason := resources.why_too_few(_THREADS):
        return _not_run(reason)
    resources.save_address_space()
    # Imported here: a wrong command line is refused a third of a second earlier.
    from stackproof.environment.loader import InvalidEnvironment
    from stackproof.unobserved import UnobservedError

    try:
        return _watch(arguments, given[end + 1 :])
    except InvalidEnvironment as error:
        raise UsageError(str(error)) from None
    except UnobservedError as reason:
        return _not_run(str(reason))


def _not_run(reason: str) -> int:
    say(f"stackproof: no request can be sent, so the command was not run: {reason}")
    return EXIT_UNKNOWN


def _parser() -> Parser:
    parser = Parser(
        prog="stackproof watch",
        usage=_USAGE,
        description="Run a command, such as a deploy, and measure availability while it runs.",
        epilog="Exit code: the command's if it failed; 7 if a route was less available than the "
        "objective; 6 if that is unknown; 4 wrong usage; 130 interrupted; otherwise 0.",
        allow_abbrev=False,
    )
    parser.add_argument("environment", metavar="ENV", help="whose public routes are requested")
    parser.add_argument(
        "--rate",
        type=float,
        default=10,
        help="requests to each route per second (default: 10)",
    )
    parser.add_argument(
        "--slo",
        type=float,
        default=100,
        metavar="PERCENT",
        help="requests to each route that must succeed (default: 100)",
    )
    add_environments_option(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=Path("reports") / "out",
        help="write DIR/ENV/watch.json and watch.svg (default: reports/out)",
    )
    return parser


def _watch(given: argparse.Namespace, command: Sequence[str]) -> int:
    from stackproof.environment.loader import load

    if not command:
        raise UsageError(f"there is no command to run (usage: {_USAGE})")
    if not 0 < given.rate <= _MAX_RATE:
        raise UsageError(
            f"--rate: expected more than 0 and at most {_MAX_RATE}, got {given.rate:g}"
        )
    if not 0 <= given.slo <= 100:
        raise UsageError(f"--slo: expected 0 to 100 percent, got {given.slo:g}")
    if shutil.which(command[0]) is None:
        raise UsageError(f"there is no command {command[0]}")
    environment = load(given.environment, given.environments, offline=True)
    from stackproof.cli.command_process import CommandError
    from stackproof.cli.watch import public_routes, watch

    if not public_routes(environment):
        raise UsageError(f"{environment.name} declares no public route (vantage: here)")
    try:
        return watch(
            environment,
            command,
            rate=given.rate,
            slo=given.slo,
            folder=given.output / environment.name,
        )
    except CommandError as error:
        raise UsageError(str(error)) from None
