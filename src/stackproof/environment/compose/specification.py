"""The Compose files of an environment, as data of an environment file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Self

from stackproof.environment.compose.config import ComposeConfig, FileVariables
from stackproof.environment.compose.contents import contents
from stackproof.environment.compose.left_out import left_out, left_to_image
from stackproof.environment.compose.options import options
from stackproof.environment.compose.placeholders import used_in
from stackproof.environment.compose.service import FIELDS, may_end
from stackproof.environment.document.problem import Position
from stackproof.facts.network_options import ipam_options
from stackproof.facts.options import is_secret_option
from stackproof.facts.settings import variable_digest
from stackproof.schema.declared import FieldPath
from stackproof.secrets import is_secret_variable, learn

_COMPLETED = "service_completed_successfully"


@dataclass(frozen=True)
class Specification:
    """What Compose files specify, in the keys of an environment file."""

    data: dict[str, Any]
    positions: Mapping[FieldPath, Position]
    """The first Compose file, for each value. Compose does not say which line a value is from."""
    unspecified: Mapping[FieldPath, tuple[str, ...]]
    """Fields that depend on variables that are unset here, and these variables."""
    directory: str
    """The project's directory where the files were read. Paths of the host may be below it."""

    @property
    def is_project_guessed(self) -> bool:
        """Return whether the project's name may be only that of its directory here."""
        return is_name_of_folder(self.data["compose_project"], PurePath(self.directory))

    @classmethod
    def of(
        cls,
        data: dict[str, Any],
        origin: Position,
        unspecified: Mapping[FieldPath, tuple[str, ...]],
        directory: str,
    ) -> Self:
        """Return a specification whose values all have the same origin."""
        return cls(data, dict(_positions(data, origin)), unspecified, directory)


def is_name_of_folder(project: str, folder: PurePath) -> bool:
    """Return whether Compose calls the project of a folder so if its files do not name it."""
    return project == re.sub(r"[^a-z0-9_-]", "", folder.name.lower()).lstrip("_-")


def specify(
    compose: ComposeConfig, file: Path, defined: FileVariables | None = None
) -> Specification:
    """Return what the merged Compose files specify.

    Args:
        compose: the merged files.
        file: the first of them. Relative paths in the files are relative to its folder.
        defined: the variables that files of variables define; None leaves out what they decide.
    """
    config, unspecified = compose.config, dict[FieldPath, tuple[str, ...]]()
    # What a provider runs has no container.
    services = {
        name: each
        for name, each in (config.get("services") or {}).items()
        if not each.get("provider")
    }
    project = config.get("name") or ""
    names = _EngineNames(_names(config, "networks"), _names(config, "volumes"))
    one_shot = frozenset(_one_shot(services))
    _learn_secrets(services)
    data: dict[str, Any] = {
        "compose_project": project,
        "inactive_services": list(compose.inactive),
        "services": {},
    }
    for section in ("networks", "volumes"):
        if unset := compose.unset_in(section):
            unspecified[(section,)] = tuple(sorted(unset))
        else:
            data[section] = dict(_of_engine(config, section))
    for name, raw in services.items():
        raw = names.replace(raw)
        service = data["services"][name] = dict[str, Any]()
        for each in FIELDS:
            unset = frozenset().union(
                *(compose.unset_in("services", name, key) for key in each.keys),
                *map(compose.unset_in, each.sections),
            )
            if unset:
                unspecified["services", name, *each.name.split(".")] = tuple(sorted(unset))
            elif (value := each.value(raw)) is not None:
                _set(service, each.name.split("."), value)
        set_here = dict(_options(compose, name, raw, file.parent, unspecified))
        if set_here:
            service["options"] = set_here
        if compose.uninterpolated:
            used = partial(compose.variables_in, "services", name)
            service["left_out"] = list(left_out(raw, used))
            unset_in = partial(compose.unset_in, "services", name)
            service["left_to_image"] = list(left_to_image(raw, used, unset_in))
        if variables := dict(_variables(compose, name, defined)):
            service["variables"] = variables
        if files := dict(contents(compose, raw, defined)):
            service["file_contents"] = files
        if name in one_shot:
            service["one_shot"] = True
        elif may_end(raw):
            service["may_end"] = True
        if raw.get("build") and not raw.get("image"):
            service["image"] = f"{project}-{name}"  # as Compose names what it builds
    return Specification.of(data, Position(file, 0), unspecified, str(file.parent))


def _options(
    compose: ComposeConfig,
    name: str,
    raw: Mapping[str, Any],
    directory: Path,
    unspecified: dict[FieldPath, tuple[str, ...]],
) -> Iterator[tuple[str, str]]:
    for option, text, unset in options(
        raw, directory, _drivers(compose.config), partial(compose.unset_in, "services", name)
    ):
        if unset:
            unspecified["services", name, "options", option] = tuple(sorted(unset))
        else:
            if is_secret_option(option, text):
                learn((text,), ())
            yield option, text


def _variables(
    compose: ComposeConfig, name: str, defined: FileVariables | None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the environment variables of a service, each with a digest and its origin."""
    values = compose.config["services"][name].get("environment") or {}
    written = (compose.uninterpolated.get("services") or {}).get(name) or {}
    expressions = _as_table(written.get("environment"))
    for variable, value in values.items():
        used = used_in(expressions.get(variable))
        if value is None or used & compose.unset:
            continue
        if variable in expressions and not used and expressions[variable] is not None:
            origin = "file"
        elif defined is None or not written:
            continue
        elif variable in expressions:
            origin = defined.origin_of(used)
        else:
            origin = "env-file"
        yield variable, {"digest": variable_digest(variable, value), "origin": origin}


def _drivers(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the declared drivers of volumes, by their names in the engine."""
    volumes = (config.get("volumes") or {}).items()
    return {
        (each or {}).get("name") or name: each["driver"]
        for name, each in volumes
        if each and each.get("driver") and not each.get("external")
    }


def _as_table(written: Any) -> Mapping[str, Any]:
    """Return a table that may also be written as a list of `NAME=value`."""
    if not isinstance(written, list):
        return written or {}
    pairs = (str(each).partition("=") for each in written)
    return {name: value if equals else None for name, equals, value in pairs}


def _positions(
    part: Any, position: Position, path: FieldPath = ()
) -> Iterator[tuple[FieldPath, Position]]:
    if path:
        yield path, position
    items = (
        part.items()
        if isinstance(part, dict)
        else enumerate(part)
        if isinstance(part, list)
        else ()
    )
    for key, each in items:
        yield from _positions(each, position, (*path, key))


@dataclass(frozen=True)
class _EngineNames:
    """The names in the engine of what the files name."""

    networks: Mapping[str, str]
    volumes: Mapping[str, str]

    def replace(self, service: Mapping[str, Any]) -> dict[str, Any]:
        """Return a service with names of the engine."""
        networks, volumes = service.get("networks") or {}, service.get("volumes") or ()
        return {
            **service,
            "networks": {self.networks.get(name, name): each for name, each in networks.items()},
            "volumes": [{**each, "source": self._source(each)} for each in volumes],
        }

    def _source(self, mount: Mapping[str, Any]) -> str:
        source = mount.get("source") or ""
        return self.volumes.get(source, source) if mount["type"] == "volume" else source


def _set(data: dict[str, Any], path: list[str], value: Any) -> None:
    *sections, last = path
    for section in sections:
        data = data.setdefault(section, {})
    data[last] = value


def _names(config: Mapping[str, Any], section: str) -> dict[str, str]:
    return {
        name: (each or {}).get("name") or name for name, each in (config.get(section) or {}).items()
    }


def _of_engine(config: Mapping[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield networks or volumes by their names in the engine."""
    for name, each in (config.get(section) or {}).items():
        declared, specified = each or {}, dict[str, Any]()
        if declared.get("external"):
            specified = {"external": True}  # how it is made is not specified here
        elif section == "networks":
            pools = (declared.get("ipam") or {}).get("config") or ()
            subnets = [pool["subnet"] for pool in pools if "subnet" in pool]
            specified = {"internal": bool(declared.get("internal")), "subnets": subnets}
            if options := dict(_network_options(declared)):
                specified["options"] = options
        yield declared.get("name") or name, specified


def _network_options(declared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if declared.get("driver") not in (None, "", "default"):
        yield "driver", declared["driver"]
    if declared.get("attachable"):
        yield "attachable", "true"
    if declared.get("enable_ipv6") is not None:
        yield "enable_ipv6", "true" if declared["enable_ipv6"] else "false"
    for key, value in (declared.get("driver_opts") or {}).items():
        yield f"driver_opts.{key}", str(value)
    yield from ipam_options((declared.get("ipam") or {}).get("config") or ())


def _one_shot(services: Mapping[str, Any]) -> Iterator[str]:
    for service in services.values():
        for name, needed in (service.get("depends_on") or {}).items():
            if (needed or {}).get("condition") == _COMPLETED:
                yield name


def _learn_secrets(services: Mapping[str, Any]) -> None:
    """Have the values of secret variables of the services redacted, wherever they appear."""
    for service in services.values():
        variables = service.get("environment") or {}
        learn(
            (str(value) for name, value in variables.items() if value and is_secret_variable(name)),
            (),
        )
