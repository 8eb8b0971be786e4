"""A pinned specification: what Compose files specified when someone could read them.

It serves where Compose or the checkout is missing. It holds no secret: neither the values of
variables with secret names, nor a text in which something is redacted.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from stackproof.environment.compose.config import ComposeRun
from stackproof.environment.compose.sources import compose_files
from stackproof.environment.compose.specification import Specification
from stackproof.environment.document.problem import Position
from stackproof.files import model_file
from stackproof.files.regular_file import read_regular_file
from stackproof.frozen import Frozen
from stackproof.secrets import redact

_FEW_DIGITS = 4


class Pin(Frozen):
    """The content of the file `environments/NAME.pin.json`."""

    version: Literal[1] = 1
    sources: Mapping[str, str]
    """A digest of each file that Compose read, by its path from the folder of the first one: the
    SHA-256 of Compose files; of files of variables too few digits of it to find a secret."""
    specification: dict[str, Any]
    """In the keys of an environment file."""
    directory: str
    """The project's directory where it was pinned."""
    left_out: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    """Fields that depend on variables that were unset or are secret, and these variables."""

    def as_specification(self, file: Path) -> Specification:
        """Return the specification, with the file of the pin as its origin."""
        return Specification.of(
            self.specification, Position(file, 0), dict(self.left_out), self.directory
        )

    def changed(self, run: ComposeRun, variables: Mapping[str, str]) -> list[str]:
        """Return the names of the files that differ from those that were pinned.

        A file of variables that only one of the two places has is not another one.
        """
        now = digests(run, variables)
        names = self.sources.keys() | now.keys()
        return sorted(
            name
            for name in names
            if self.sources.get(name) != now.get(name)
            and ((name in self.sources and name in now) or _is_whole(self.sources, now, name))
        )


def path_of(environment: str, directory: Path) -> Path:
    """Return the file of the pin of an environment."""
    return directory / f"{environment}.pin.json"


def read(environment: str, directory: Path) -> Pin | None:
    """Return the pin of an environment, or None if there is none.

    Raises:
        ValueError: the file cannot be used; the message is one line.
    """
    path = path_of(environment, directory)
    return model_file.read(Pin, path, "pinned specification") if path.exists() else None


def write(
    specification: Specification, run: ComposeRun, variables: Mapping[str, str], path: Path
) -> None:
    """Pin a specification.

    Args:
        specification: what the files specify, without the values of secret variables.
        run: the Compose files, and the settings with which they were read.
        variables: the environment variables of Compose.
        path: the file to write.

    Raises:
        OSError: it could not be written.
    """
    pin = Pin(
        sources=digests(run, variables),
        specification=_without_secrets(specification.data),
        directory=specification.directory,
        left_out=tuple(
            (tuple(map(str, field)), names) for field, names in specification.unspecified.items()
        ),
    )
    model_file.write(pin, path)


def digests(run: ComposeRun, variables: Mapping[str, str]) -> dict[str, str]:
    """Return a digest of each file that Compose reads, by its path from the folder of the first."""
    first = run.files[0].parent
    found = {os.path.relpath(file, first): _digest(file) for file in compose_files(run, variables)}
    for file in run.files_of_variables:
        if file.is_file():
            found[os.path.relpath(file, first)] = _digest(file)[:_FEW_DIGITS]
    return found


def _digest(file: Path) -> str:
    return hashlib.sha256(read_regular_file(file)).hexdigest()


def _is_whole(pinned: Mapping[str, str], now: Mapping[str, str], name: str) -> bool:
    """Return whether the digest of a file is that of a Compose file."""
    return len(pinned.get(name) or now[name]) > _FEW_DIGITS


def _without_secrets(part: Any) -> Any:
    """Return the values without any text, or list of texts, in which something is redacted."""
    if not isinstance(part, dict):
        return part
    return {
        key: _without_secrets(value)
        for key, value in part.items()
        if isinstance(value, dict) or not _holds_a_secret(key, value)
    }


def _holds_a_secret(key: str, value: Any) -> bool:
    # The field `secrets` has their names. With its key, redaction would take them for values.
    text = str(value) if key == "secrets" else f"{key}: {value}"
    return redact(text) != text
