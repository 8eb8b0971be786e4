"""`stackproof check`: runs the suites with pytest on an environment of the current directory."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import stackproof
from stackproof.cli import environments_folder
from stackproof.cli.usage import Parser, UsageError, fit
from stackproof.outcome import EXIT_GO

SUMMARY = "verify a running stack"
_USAGE = "stackproof check [ENV] [OPTION...]"
_HELP = f"""\
usage: {_USAGE}

Verifies that a running stack is what environments/ENV.yaml specifies. Your own
checks in suites/test_*.py run next to those of stackproof.

Without ENV it verifies the only environment there is. If there is none, it verifies
the Compose project of this directory; `stackproof init` writes its environment.

which checks:
  -m SUITES             such as "routes", "routes or tls", "critical"
  -k NAMES              by part of a name, such as "redis and not memory"
  --suites=DIR          directory of your own checks (default: suites/)
  --collect-only        list the checks and observe nothing
  --lf                  those that failed in the last run

what is verified:
  --environments=DIR    directory of the environment files
                        (default: environments/, here or next to the Compose file)
  --resolve=HOST:PORT:ADDRESS:PORT
                        connect to this address and port instead
  --ca-file=PATH        trust these certificates (PEM) instead
  --facts=PATH          replay a snapshot and observe nothing

how:
  --confirm=N           retry a check that does not pass up to N times
  -n N                  use N worker processes
  -x                    stop at the first check that does not pass
  -v                    name each check

a deploy:
  --gate=pre|post|rollback
                        judge a deploy: before it, after it, after a rollback
  --services=NAME,NAME  what is deployed, in this order
  --compose-file=PATH   the Compose file that is deployed
  --project-dir=DIR     what paths in it are relative to
  --compose-env-file=PATH
                        values of its variables
  --compose-profile=NAME
                        an active profile
  --wait=SECONDS        how long the stack may take to settle

reports:
  --output=DIR          write DIR/ENV/verdict.json (default: reports/out)
  --junitxml=FILE       write a JUnit report, too

All other options of pytest work as well: `stackproof check ENV --help`.

exit code:
  0  go: every check passed, or is waived
  1  no-go: at least one check failed
  6  no check failed, but some could not be evaluated
  4  wrong usage; 2, 3 and 5 mean the same as in pytest
"""
_CONFIGURATION = Path(stackproof.__file__).parent / "pytest.ini"


def run(given: Sequence[str]) -> int:
    """Run the suites and return the exit code.

    Raises:
        UsageError: no environment is named, or there is none of this name.
    """
    if given and given[0] in ("-h", "--help"):
        print(fit(_HELP), end="")
        return EXIT_GO
    with ExitStack() as stack:
        if not given or given[0].startswith("-"):
            # Imported here: a named environment does not need it.
            from stackproof.cli import unnamed_environment

            given = [*unnamed_environment.arguments(given, stack, _USAGE), *given]
        return _check(given)


def _check(given: Sequence[str]) -> int:
    arguments, options = _parser().parse_known_args(given)
    directory = arguments.environments or environments_folder.find()
    if os.path.isdir(directory):  # noqa: PTH112 - otherwise pytest reports that it does not exist
        _require(arguments.environment, directory)
    expression = arguments.environment
    if arguments.expression:
        _require_complete(arguments.expression)
        expression = f"{expression} and ({arguments.expression})"
    if arguments.environments:
        options.append(f"--environments={arguments.environments}")
    # Its own suites are next to the environments.
    project = Path.cwd() if arguments.environments else directory.parent.resolve()
    return _run(expression, ["-c", str(_CONFIGURATION), f"--rootdir={project}", *options])


def _parser() -> Parser:
    parser = Parser(prog="stackproof check", usage=_USAGE, add_help=False, allow_abbrev=False)
    parser.add_argument("environment", metavar="ENV")
    parser.add_argument("-m", dest="expression")
    parser.add_argument("--environments", type=Path)
    return parser


def _require(environment: str, directory: Path) -> None:
    # Imported here: the help does not need it.
    from stackproof.environment.document.files import find, require_usable
    from stackproof.environment.document.problem import InvalidEnvironment

    try:
        find(environment, directory)
        require_usable(environment, directory)
    except InvalidEnvironment as error:
        raise UsageError(str(error)) from None


def _require_complete(expression: str) -> None:
    """Refuse an expression such as `routes) or (prod`, which would select another environment."""
    import pytest

    from stackproof.fixtures.session.selection import parse

    try:
        parse(expression)
    except pytest.UsageError as error:
        raise UsageError(str(error)) from None


def _run(expression: str, options: Sequence[str]) -> int:
    import pytest

    class CheckPlugin:
        def pytest_addoption(self, parser: pytest.Parser) -> None:
            """Have usage errors name this command."""
            parser.prog = "stackproof check ENV"

        def pytest_configure(self, config: pytest.Config) -> None:
            """Refuse a `-m` that is not combined with the environment, as in `-xm routes`."""
            if config.option.markexpr != expression:
                raise pytest.UsageError("-m: write it apart from other options")

    plugin = ("-p", "stackproof.plugin")  # also if `-o addopts` disables the configuration
    return int(pytest.main([*plugin, "-m", expression, *options], plugins=[CheckPlugin()]))
