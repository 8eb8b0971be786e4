"""The command behind scripts/lab."""

import argparse
import difflib
import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import NoReturn

from lab import address, shapes, stack
from lab.process import LabError, say


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:  # noqa: ARG002
        self.exit(
            2,
            "usage: scripts/lab "
            "[up [--shape=SHAPE] | down | env | faults | break NAME | heal NAME]\n",
        )


def _main() -> int:
    parser = _Parser(
        prog="scripts/lab",
        description="The lab stack; with no command: bring it up, then run pytest -m lab.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    up = commands.add_parser("up", help="bring the stack up, or repair it")
    up.add_argument(
        "--shape",
        default="prod",
        help="prod (the default), verified by pytest -m lab, or dev, verified by pytest -m dev: "
        "bringing one of them up takes the other down; or kinds or proxies, verified by "
        "pytest -m kinds and pytest -m proxies",
    )
    commands.add_parser("down", help="remove the stack, and stop the engine if the lab started it")
    commands.add_parser("env", help="print the production shape as shell assignments")
    commands.add_parser("faults", help="list the faults, each with its shape")
    for command, meaning in (("break", "inject a fault"), ("heal", "undo a fault")):
        commands.add_parser(command, help=meaning).add_argument("name", metavar="NAME")
    arguments = parser.parse_args()
    match arguments.command:
        case "up":
            return _up(arguments.shape)
        case "down":
            stack.down()
        case "env":
            print(address.load().assignments(), end="")
        case "faults":
            _list_faults()
        case "break" | "heal":
            return _fault(arguments.command, arguments.name)
        case _:
            stack.up()
            pytest = Path(sys.executable).with_name("pytest")
            os.execv(pytest, [str(pytest), "-m", "lab"])  # noqa: S606
    return 0


def _up(name: str) -> int:
    shape = next((each for each in shapes.ALL.values() if each.name == name), None)
    if shape is None:
        say(f"unknown shape {name}: expected {' or '.join(shapes.ALL)}")
        return 2
    stack.up(shape)
    say(f"{shape.title} is up and healthy")
    return 0


def _list_faults() -> None:
    from lab import faults

    column = max(map(len, faults.ALL)) + 2
    shape_column = column + max(map(len, shapes.ALL)) + 2
    width = shutil.get_terminal_size().columns
    for fault in faults.ALL.values():
        lines = textwrap.wrap(fault.sentence, max(20, width - shape_column))
        head = f"{fault.name:<{column}}{fault.shape:<{shape_column - column}}"
        print(head + f"\n{'':<{shape_column}}".join(lines))


def _fault(command: str, name: str) -> int:
    from lab import faults

    if name not in faults.ALL:
        near = difflib.get_close_matches(name, faults.ALL, n=1)
        meant = f"did you mean {near[0]}?" if near else "scripts/lab faults lists them"
        say(f"unknown fault {name}: {meant}")
        return 2
    if command == "break":
        faults.inject(name)
        say(f"{name}: {faults.ALL[name].sentence}; undo it with scripts/lab heal {name}")
    else:
        faults.heal(name)
        say(f"{name}: healed, up and healthy")
    return 0


def main() -> None:
    """Run one command. A `LabError` becomes one line and exit code 1."""
    try:
        sys.exit(_main())
    except LabError as error:
        say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
