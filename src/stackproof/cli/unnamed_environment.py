"""The environment that `stackproof check` verifies if the command line names none."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from stackproof.cli import environments_folder
from stackproof.cli.draft.draft import shown, without_services
from stackproof.cli.draft.names import usable
from stackproof.cli.draft.stack import Stack, find
from stackproof.cli.screen import say
from stackproof.cli.usage import Parser, UsageError
from stackproof.environment.compose import ComposeError, ComposeFileInvalid
from stackproof.environment.document.files import names, require_readable
from stackproof.environment.document.problem import InvalidEnvironment, join_names
from stackproof.secrets import redact


def arguments(given: Sequence[str], stack: ExitStack, usage: str) -> list[str]:
    """Return the name of the environment, and the option with the directory of its file.

    It is the only one in the directory of environments. If there is none, it is an environment of
    one line, with the Compose files of the working directory.

    Args:
        given: the command line.
        stack: removes the file of that environment.
        usage: the command's.

    Raises:
        UsageError: there are several environments, or neither an environment nor a Compose file.
    """
    parser = Parser(prog="stackproof check", usage=usage, add_help=False, allow_abbrev=False)
    parser.add_argument("--environments", type=Path)
    declared: Path | None = parser.parse_known_args(given)[0].environments
    directory = declared or environments_folder.find()
    try:
        require_readable(directory)
        known = names(directory)
        if set(known).intersection(given):
            parser.error("name the environment before the options")
        if len(known) > 1:
            parser.error(f"name an environment: {join_names(known)}")
        if known:
            say(f"stackproof: verifying {shown(directory / known[0])}.yaml")
            return [known[0]]
        if declared:
            parser.error(f"there is no environment in {declared}")
        return _of_compose_files(stack)
    except ComposeError as error:
        parser.error(f"there is no environment in {directory}, and no Compose project: {error}")
    except (ComposeFileInvalid, InvalidEnvironment) as error:
        raise UsageError(redact(str(error))) from None


def _of_compose_files(stack: ExitStack) -> list[str]:
    found = find((), from_running=False)
    if not found.project.services:
        raise UsageError(without_services(found.project))
    name = usable(found.project.name)
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="stackproof-")))
    (directory / f"{name}.yaml").write_text(_one_line(found), encoding="utf-8")
    files = " and ".join(shown(file) for file in found.project.run.files)
    say(f"stackproof: verifying project {found.project.name} against {files}; "
        "`stackproof init` writes an environment file")  # fmt: skip
    return [name, f"--environments={directory}"]


def _one_line(found: Stack) -> str:
    run = found.project.run
    # JSON is YAML. A dollar would begin a variable.
    fields = {"files": [str(file) for file in run.files], "project": run.project or None,
              "profiles": list(run.profiles)}  # fmt: skip
    return f"compose: {json.dumps(fields)}\n".replace("$", "$$")
