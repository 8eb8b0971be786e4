"""From the name of an environment to its model."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from environments import engine_address
from environments.declared import Declared
from environments.document import Document, described, names, read
from environments.dotenv import read_variables
from environments.explanation import Explanation
from environments.interpolation import Interpolation
from environments.model import Environment
from environments.problem import FieldPath, InvalidEnvironment, Problem
from environments.values import is_name
from stackproof.regular_file import read_regular_file
from stackproof.secrets import is_secret_variable, learn

# A secret can stand in these, from a variable.
_NO_NAMES = {"engine", "url", "identity", "healthy", "health", "waivers", "description"}

__all__ = ["InvalidEnvironment", "load", "names"]


def load(
    name: str,
    directory: Path,
    variables: Mapping[str, str] = os.environ,
    *,
    offline: bool = False,
) -> Environment:
    """Load the environment of that name from its YAML file.

    `env_file` supplies variables that `variables` does not set. With `offline`, the engine is left
    out, so that none of the variables that lead to it has to be set.

    Raises:
        InvalidEnvironment: there is no such file, or it is wrong; one line with file, line, field
            and what was expected. Values of variables are never part of it.
    """
    document = read(name, directory)
    main = directory / f"{name}.yaml"
    data = dict(document.data)
    if not is_name(name):
        _refuse(document, (), "expected a file name of letters, digits, '_', '.' and '-'")
    if "name" in data:
        _refuse(document, ("name",), "unknown key 'name': the file's name is the name")
    if offline:
        data.pop("engine", None)
    from_file = _env_file(data.pop("env_file", None), directory, document)
    variables = {**from_file, **variables}
    interpolation = Interpolation(variables)
    values = interpolation.replace(data)
    if interpolation.problems:
        raise InvalidEnvironment.first_of(
            (Problem(document.position(path), path, said) for path, said in interpolation.problems),
            main,
        )
    if isinstance(ca_file := values.get("ca_file"), str) and ca_file:
        values["ca_file"] = str(_ca_file(directory / ca_file, document))
    try:
        environment = Environment.model_validate({**values, "name": name})
    except ValidationError as error:
        refusal = Explanation(document, values, interpolation.sources).refusal(error, main)
    else:
        if not offline:
            engine = engine_address.resolve(environment.engine, variables)
            environment = environment.model_copy(update={"engine": engine})
        learn(_secrets(environment, from_file), _names(environment))
        return environment
    raise refusal


def _secrets(environment: Environment, variables: Mapping[str, str]) -> Iterator[str]:
    """The secrets of a file, and of the file that its variables are in."""
    yield from (value for name, value in variables.items() if is_secret_variable(name))
    if environment.engine.key:
        yield environment.engine.key.get_secret_value()
    if password := urlsplit(environment.engine.address).password:
        yield from (password, unquote(password))


def _names(part: object) -> Iterator[str]:
    """What a file calls things, which is no secret though a password may be the same word."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        yield from part
        for each in part.values():
            yield from _names(each)
    elif isinstance(part, tuple):
        for each in part:
            yield from _names(each)
    elif isinstance(part, Declared):
        for field, each in part:
            if field not in _NO_NAMES:
                yield from _names(each)


def _env_file(value: Any, directory: Path, document: Document) -> dict[str, str]:
    if value is None or value == "":
        return {}
    if not isinstance(value, str) or "$" in value:
        expected = "expected a path, without variables"
        _refuse(document, ("env_file",), f"{expected}, got {described(value)}")
    return read_variables(_resolved(directory / value))


def _ca_file(path: Path, document: Document) -> Path:
    path, reason = _resolved(path), None
    try:
        read_regular_file(path)
    except FileNotFoundError:
        pass  # `--ca-file` may name another one
    except OSError as error:
        reason = error.strerror
    if reason:
        _refuse(document, ("ca_file",), f"cannot be read: {reason}")
    return path


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, or no path at all
        return path.absolute()


def _refuse(document: Document, path: FieldPath, message: str) -> NoReturn:
    raise InvalidEnvironment(str(Problem(document.position(path), path, message)))
