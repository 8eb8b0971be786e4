"""Values that Compose files take from variables, as expressions of an environment file.

No value of a variable is written into an environment file. What depends on a variable is written
with its name.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from stackproof.environment.document.interpolation import Interpolation
from stackproof.kinds.registry import UndecidedError

_PLAIN = re.compile(r"\$\$|\$([A-Za-z_]\w*)")
_ALTERNATIVE = re.compile(r"(\$\{[A-Za-z_]\w*)([-+])")
_NAME = re.compile(r"\$\{(\w+)")
_REQUIRED = re.compile(r"(\$\{[A-Za-z_]\w*):?\?[^{}]*\}")


class Variables:
    """The variables that Compose files use, and which file has their values."""

    def __init__(self, files: Mapping[Path, Mapping[str, str]]) -> None:
        """Store the variables of files.

        Args:
            files: by file, its variables. Those of this process come before them.
        """
        self._files = files
        self.file: Path | None = None
        """The file with the variables of the values so far. An environment file can name one."""

    def expression(self, written: str, resolved: str | None = None) -> str:
        """Return a text of a Compose file as an environment file writes it.

        Args:
            written: the text, with Compose's expressions.
            resolved: the text that Compose makes of it; None if that is not known.

        Raises:
            UndecidedError: it depends on variables that are unset, or are in another file.
        """
        text = _as_expression(written)
        if "$" not in text:
            return text
        names = set(_NAME.findall(text)) - os.environ.keys()
        files = [file for file, variables in self._files.items() if names & variables.keys()]
        file = self.file if self.file in files else next(iter(files), None)
        of_file = self._files[file] if file else {}
        interpolation = Interpolation({**of_file, **os.environ})
        value = interpolation.replace(text)
        is_other = bool(file and self.file and file != self.file)
        if interpolation.problems or is_other or resolved not in (None, value):
            raise UndecidedError(", ".join(sorted(set(_NAME.findall(text)))))
        self.file = self.file or file
        return text


def fill_in(written: str, variables: Mapping[str, str]) -> str | None:
    """Return a text of a Compose file with values of variables; None if it needs others."""
    interpolation = Interpolation(variables)
    text = str(interpolation.replace(_as_expression(written)))
    return None if interpolation.problems else text


def _as_expression(written: str) -> str:
    text = _PLAIN.sub(lambda each: f"${{{each[1]}}}" if each[1] else "$$", written)
    return _REQUIRED.sub(r"\1}", _ALTERNATIVE.sub(r"\1:\2", text))
