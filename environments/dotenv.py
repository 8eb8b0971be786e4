"""A file of variables, as Compose's `env_file` and a shell read it: `NAME=value` lines."""

import re
import shlex
from pathlib import Path

from environments.problem import InvalidEnvironment, Position, Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_variables(file: Path) -> dict[str, str]:
    """Read the variables of a file; one that does not exist holds none.

    Quotes are read as a shell reads them; blank lines and lines that start with `#` say nothing.

    Raises:
        InvalidEnvironment: it cannot be read, or a line is no assignment.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise _refusal(file, 1, "expected UTF-8 text") from None
    except OSError as error:
        raise _refusal(file, 1, f"cannot be read: {error.strerror}") from None
    variables: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, value = line.strip().removeprefix("export ").partition("=")
        try:
            words = shlex.split(value)
        except ValueError:
            raise _refusal(file, number, "expected NAME=value, got a quote left open") from None
        if "=" not in line or not _NAME.fullmatch(name) or len(words) > 1:
            # The line is not quoted: it may hold a secret.
            raise _refusal(file, number, "expected NAME=value, with quotes around a space")
        variables[name] = "".join(words)
    return variables


def _refusal(file: Path, line: int, message: str) -> InvalidEnvironment:
    return InvalidEnvironment(str(Problem(Position(file, line), (), message)))
