"""Errors in a command line, in one line each."""

import argparse
import re
import shutil
import textwrap
from pathlib import Path
from typing import NoReturn

from stackproof.cli import environments_folder


class UsageError(Exception):
    """One line about what is wrong with the command line."""


def fit(text: str) -> str:
    """Return a text whose lines are wrapped at the width of the terminal, within their column."""
    width = shutil.get_terminal_size().columns
    lines = []
    for line in text.splitlines():
        column = max((match.end() for match in re.finditer(r"^ +| {2,}", line)), default=0)
        lines += textwrap.wrap(
            line, width, subsequent_indent=" " * min(column, width // 2),
            break_long_words=False, break_on_hyphens=False,
        ) or [""]  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError` instead of exiting."""

    def format_help(self) -> str:
        """Return the help, also what argparse does not wrap."""
        return fit(super().format_help())

    def error(self, message: str) -> NoReturn:
        """Raise the error with the usage.

        Raises:
            UsageError: always.
        """
        usage = " ".join(self.format_usage().removeprefix("usage:").split())
        raise UsageError(f"{message} (usage: {usage})")


def add_environments_option(parser: argparse.ArgumentParser) -> None:
    """Add `--environments`."""
    parser.add_argument(
        "--environments",
        metavar="DIR",
        type=Path,
        default=environments_folder.find(),
        help="directory of the environment files (default: environments/, here or next to the "
        "Compose file)",
    )
