"""Prints the result of a gate or a watch from its file, for the shell scripts.

    python -I scripts/result.py verdict FILE RUN ENVIRONMENT GATE EXIT-CODE
    python -I scripts/result.py watch FILE

It needs only Python: it must work even if a gate could not.

The first prints `go`, `no-go`, or `unknown` and the reason. The second prints the exit code of the
watched command and the objective, such as `0 met`. Without a usable file, it prints `unknown` and
the reason.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_DECISIONS = {"go": 0, "no-go": 1}


def verdict(path: Path, expected: Mapping[str, str | None], exit_code: int) -> str:
    """Return the decision of a run: `go`, `no-go`, or `unknown` and the reason.

    Args:
        path: the run's `verdict.json`.
        expected: the values of the fields that identify this run.
        exit_code: the exit code of the run. It must agree with the verdict.
    """
    found = _read(path)
    if isinstance(found, str):
        return f"unknown {found} (exit code {exit_code})"
    for field, value in expected.items():
        if found.get(field) != value:
            return f"unknown {path} is of another run: its {field} differs (exit code {exit_code})"
    if found.get("replay_of") is not None:
        return f"unknown {path} is of a replay"
    decision = found.get("verdict")
    if decision not in ("go", "no-go"):
        return f"unknown {_why_unknown(found)} (exit code {exit_code})"
    if not _DECISIONS[decision] == exit_code == found.get("exit_code"):
        return f"unknown {path} contains {decision}, but the exit code was {exit_code}"
    return str(decision)


def watch(path: Path) -> str:
    """Return the exit code of the watched command and the objective, or `unknown` and a reason."""
    found = _read(path)
    if isinstance(found, str):
        return f"unknown {found}"
    code, objective = found.get("command_exit_code"), found.get("objective")
    if type(code) is not int or objective not in ("met", "missed", "unknown"):
        return "unknown the command did not end"
    return f"{code} {objective}"


def _read(path: Path) -> dict[str, Any] | str:
    """Return the object in a JSON file, or one line about why there is none."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return f"{path} was not written"
    except OSError as error:
        return f"{path}: {(error.strerror or str(error)).lower()}"
    except (ValueError, RecursionError):
        return f"{path} is not valid JSON"
    return found if isinstance(found, dict) else f"{path} does not contain a result"


def _why_unknown(found: Mapping[str, Any]) -> str:
    if found.get("interrupted"):
        return "the run was interrupted"
    counts = found.get("counts")
    number = counts.get("UNKNOWN") if isinstance(counts, dict) else None
    return f"{number} checks could not be evaluated" if number else "no verdict was reached"


def main(arguments: Sequence[str]) -> int:
    """Print the result. The exit code is always 0."""
    match arguments:
        case ["verdict", path, run, environment, gate, exit_code]:
            expected = {"run": run, "environment": environment, "gate": gate or None}
            print(verdict(Path(path), expected, int(exit_code)))
        case ["watch", path]:
            print(watch(Path(path)))
        case _:
            print("unknown wrong arguments")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
