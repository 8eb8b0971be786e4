"""Loads an environment by its name."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from stackproof.environment import engine_address
from stackproof.environment.compose_files import Compose
from stackproof.environment.document.dotenv import read_variables
from stackproof.environment.document.files import merge, names, read
from stackproof.environment.document.interpolation import Interpolation
from stackproof.environment.document.problem import (
    InvalidEnvironment,
    Position,
    Problem,
    describe,
    join_names,
)
from stackproof.environment.document.validation_errors import ErrorFormatter
from stackproof.environment.document.yaml_document import Document
from stackproof.environment.model import Environment
from stackproof.environment.origin import Origin
from stackproof.files.regular_file import read_regular_file
from stackproof.schema.declared import Declared, FieldPath
from stackproof.schema.values import is_name
from stackproof.secrets import is_secret_name, is_secret_variable, learn, redact

if TYPE_CHECKING:
    from stackproof.environment.compose import Resolved

# Fields that can contain a secret from a variable.
_NO_NAMES = {
    "engine", "url", "identity", "healthy", "health", "waivers", "description", "command",
    "entrypoint", "headers", "body", "login", "options", "variables",
}  # fmt: skip

__all__ = ["InvalidEnvironment", "load", "names"]


class Loaded(NamedTuple):
    """An environment, and where its values come from."""

    environment: Environment
    document: Document
    """The values that the environment's files and its Compose files specify."""
    variables: Mapping[FieldPath, tuple[str, ...]]
    """The variables in the value of a field."""


def load(
    name: str,
    directory: Path,
    variables: Mapping[str, str] = os.environ,
    *,
    offline: bool = False,
) -> Environment:
    """Return the environment with this name, from its YAML file: see `load_with_origins`."""
    return load_with_origins(name, directory, variables, offline=offline).environment


def load_with_origins(
    name: str,
    directory: Path,
    variables: Mapping[str, str] = os.environ,
    *,
    offline: bool = False,
) -> Loaded:
    """Return the environment with this name, from its YAML file and its Compose files.

    The file that `env_file` names supplies variables that are not in `variables`. With `offline`,
    the engine is left out, so that the variables of its address need not be set.

    Raises:
        InvalidEnvironment: the file does not exist or is invalid. The message is one line with
            file, line, field and what was expected. It never contains values of variables.
    """
    document = read(name, directory)
    main = directory / f"{name}.yaml"
    data = dict(document.data)
    if not is_name(name):
        _reject(document, (), "expected a file name of letters, digits, '_', '.' and '-'")
    if "name" in data:
        _reject(document, ("name",), "unknown key 'name': the file's name is the name")
    if offline:
        data.pop("engine", None)
    env_file = data.pop("env_file", None)
    from_file = _env_file(env_file, directory, document)
    path = _resolved(directory / env_file) if env_file else None
    of_compose = variables, path, _literal(from_file)
    variables = {**from_file, **variables}
    interpolation = Interpolation(variables)
    values = interpolation.replace(data)
    if interpolation.problems:
        raise InvalidEnvironment.first_of(
            (Problem(document.position(path), path, text) for path, text in interpolation.problems),
            main,
        )
    if isinstance(ca_file := values.get("ca_file"), str) and ca_file:
        values["ca_file"] = str(_ca_file(directory / ca_file, document))
    if isinstance(engine := values.get("engine"), dict):
        values["engine"] = _with_cert_path(engine, directory)
    resolved = _resolve_compose(values, name, directory, document, *of_compose)
    positions = document.positions
    if resolved:
        values = merge(resolved.specification.data, values)
        if not values["services"] and (names := values["inactive_services"]):
            belong = (
                "belongs to an inactive profile"
                if len(names) == 1
                else "belong to inactive profiles"
            )
            text = f"{join_names(names)} {belong}: name those that are active in profiles"
            _reject(document, ("compose",), text)
        positions = {**resolved.specification.positions, **positions}
    document = Document(values, positions)
    try:
        environment = Environment.model_validate({**values, "name": name})
    except ValidationError as error:
        invalid = ErrorFormatter(document, values, interpolation.sources).format(error, main)
    else:
        origin = replace(
            _origin(directory, resolved, values),
            env_file=path,
            variables=interpolation.sources,
        )
        environment = environment.from_origin(origin)
        if not offline:
            engine = engine_address.resolve(environment.engine, variables)
            environment = environment.model_copy(update={"engine": engine})
        learn(_secrets(environment, from_file), _names(environment))
        return Loaded(environment, document, interpolation.sources)
    raise invalid


def _origin(directory: Path, resolved: "Resolved | None", values: Mapping[str, Any]) -> Origin:
    if resolved is None:
        return Origin(directory)
    specified = resolved.specification
    in_files = {*specified.data["services"], *specified.data.get("inactive_services", ())}
    is_declared = (
        values["compose"].get("project")
        or values["compose_project"] != specified.data["compose_project"]
    )
    return Origin(
        directory,
        project_directory=specified.directory,
        is_project_guessed=not is_declared and specified.is_project_guessed,
        unspecified=specified.unspecified,
        beside_compose_files=frozenset(values["services"]) - in_files,
        warnings=resolved.warnings,
    )


def _resolve_compose(
    values: Mapping[str, Any],
    name: str,
    directory: Path,
    document: Document,
    variables: Mapping[str, str],
    env_file: Path | None,
    from_file: Mapping[str, str],
) -> "Resolved | None":
    """Return what the declared Compose files specify; None if none are declared.

    Args:
        values: the environment's.
        name: its name.
        directory: the folder of its file.
        document: the file.
        variables: those of this process.
        env_file: the declared file of variables.
        from_file: those of its variables that Compose reads with the same value.

    Raises:
        InvalidEnvironment: they cannot be read.
    """
    if values.get("compose") is None:
        return None
    # Imported here: most environments declare none.
    from stackproof.environment import compose

    try:
        declared = Compose.model_validate(values["compose"])
    except ValidationError:
        # The model reports it, with its position. What the files would add is not missing.
        rest = {"services": {"shop": {}}, "compose_project": "shop"}
        return compose.Resolved(compose.Specification.of(rest, Position(Path(), 0), {}, ""))
    try:
        return compose.resolve(declared, name, directory, variables, env_file, from_file)
    except (compose.ComposeError, ValueError) as error:
        _reject(document, ("compose",), redact(str(error)))


def _secrets(environment: Environment, variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the secrets in the environment and in the variables of its `env_file`."""
    yield from (value for name, value in variables.items() if is_secret_variable(name))
    for route in environment.routes.values():
        for name, value in route.headers.items():
            if is_secret_name(name, assigned=True):
                yield from (value, value.partition(" ")[2])  # without the scheme
    if environment.engine.key:
        yield environment.engine.key.get_secret_value()
    if password := urlsplit(environment.engine.address).password:
        yield from (password, unquote(password))


def _names(part: object) -> Iterator[str]:
    """Yield the names in the environment: not secrets, even if a password is the same word."""
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
        _reject(document, ("env_file",), f"{expected}, got {describe(value)}")
    return read_variables(_resolved(directory / value))


def _literal(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that Compose reads from the same file with the same value.

    It replaces expressions in a value: `DATA=${ROOT:-/srv}/data`. It does so only in its own files.
    """
    return {name: value for name, value in variables.items() if "$" not in value}


def _ca_file(path: Path, document: Document) -> Path:
    path, reason = _resolved(path), None
    try:
        read_regular_file(path)
    except FileNotFoundError:
        pass  # `--ca-file` may name another file
    except OSError as error:
        reason = error.strerror
    if reason:
        _reject(document, ("ca_file",), f"cannot be read: {reason}")
    return path


def _with_cert_path(engine: Mapping[str, Any], directory: Path) -> Mapping[str, Any]:
    path = engine.get("cert_path")
    if not isinstance(path, str) or not path:
        return engine
    return {**engine, "cert_path": str(_resolved(directory / path))}


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, or not a path
        return path.absolute()


def _reject(document: Document, path: FieldPath, message: str) -> NoReturn:
    raise InvalidEnvironment(str(Problem(document.position(path), path, message)))
