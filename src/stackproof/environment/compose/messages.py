"""Compose's error messages, without the values of variables that they quote."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from stackproof.environment.document.dotenv import read_variables
from stackproof.environment.document.problem import InvalidEnvironment
from stackproof.files.regular_file import read_regular_file

_QUOTED = re.compile(r"(unterminated quoted value|in variable name|near) .*")
"""What Compose says of a file of variables before it quotes the rest of a line."""
_OTHER_TYPE = re.compile(r"(cannot unmarshal !!\w+) `[^`]*`")
"""What it says of a value of another type, with the first characters of the value."""
_NOT_A_MAPPING = re.compile(r"cannot unmarshal !!\w+ into cli\.named")
_UNKNOWN_KEY = re.compile(r"'(\w+)=[^']*'")
"""An unknown key in a file that is one of variables: `'NAME=value'`."""
_USED = re.compile(r"\$\{?(\w+)")
_PARSED = re.compile(r'parsing "([^"]*)"')
_SHORTEST = 3
"""A shorter value is no secret, and may be any part of a message."""


def last_error(errors: str) -> str:
    """Return the last line of Compose's errors that is not a warning."""
    lines = [line.strip() for line in errors.splitlines() if "level=warning" not in line]
    return next((line for line in reversed(lines) if line), "no reason given")


def without_values(
    message: str, files: Sequence[Path], env_files: Sequence[Path], variables: Mapping[str, str]
) -> str:
    """Return a message with the names of variables instead of their values.

    Args:
        message: one line of Compose.
        files: the Compose files.
        env_files: the files of variables that Compose reads.
        variables: the environment variables of Compose.
    """
    message = _OTHER_TYPE.sub(r"\1", _QUOTED.sub(r"\1", message))
    message = _NOT_A_MAPPING.sub("not a Compose file, expected a mapping with services", message)
    message = _UNKNOWN_KEY.sub(r"'\1=…'", message)
    values: dict[str, str] = {}
    for file in env_files:
        values.update(values_in(file))
    used = {name for file in files for name in _USED.findall(_text(file))}
    values.update({name: text for name, text in variables.items() if name in used})
    for name, value in sorted(values.items(), key=lambda each: -len(each[1])):
        if len(value) >= _SHORTEST:
            message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", f"${{{name}}}", message)
            # Of a size, Compose quotes only the part before a letter that is no unit.
            for part in _PARSED.findall(message):
                if part and value.startswith(part):
                    message = message.replace(f'"{part}"', f'"${{{name}}}"')
    return message


def values_in(file: Path) -> dict[str, str]:
    """Return the variables of a file, also of one in a form that only Compose reads."""
    try:
        return read_variables(file)
    except InvalidEnvironment:  # Compose reads more forms of it
        pairs = (line.partition("=") for line in _text(file).splitlines())
        return {name.strip(): value.strip(" \"'") for name, equals, value in pairs if equals}


def _text(file: Path) -> str:
    try:
        return read_regular_file(file).decode(errors="replace")
    except OSError:
        return ""
