"""The Compose file that is deployed, as Compose itself reads it.

Variables are interpolated, and override files are merged. Of what Compose prints, only what is
compared is kept: no environment variables and no secrets.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stackproof.environment import compose
from stackproof.environment.compose import ComposeError, ComposeFileInvalid, service
from stackproof.environment.compose.config import ComposeConfig, ComposeRun, read
from stackproof.environment.model import Environment
from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.gate import Gate
from stackproof.probes.containers.secret_variables import secret_variables
from stackproof.probes.declaration import Target
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

_KEYS = {
    "image": ("image",),
    "container_name": ("container_name",),
    "cpus": ("cpus", "cpu_quota", "cpu_period", "deploy"),
    "memory": ("mem_limit", "deploy"),
    "published": ("ports", "network_mode"),
    "networks": ("networks", "network_mode"),
    "log_driver": ("logging",),
    "log_max_size": ("logging",),
    "health_check": ("healthcheck",),
    "restart": ("restart", "deploy"),
    "secrets": ("secrets", "configs"),
}
"""The keys of Compose that decide a field of a service."""

_HEALTH_CHECK = {"required": True, None: False}
"""Whether the file has a health check; it is up to the image where the file does not say."""


def observe_deployed(target: Target) -> ComposeFile:
    """Have Compose read the files of the deploy.

    Raises:
        UnobservedError: Compose did not answer, or a file is missing.
    """
    try:
        return observe(files_of_deploy(target.environment, target.gate), os.environ)
    except ComposeError as error:
        raise UnobservedError(str(error)) from None


def files_of_deploy(environment: Environment, gate: Gate | None) -> ComposeRun:
    """Return the files and settings of the deploy: those of the gate, or of the environment.

    Raises:
        ComposeError: a file does not exist.
        UnobservedError: no file is declared, or it does not exist.
    """
    declared = environment.compose
    files, project = (gate.compose_files, gate.project_directory) if gate else ((), None)
    if not files and declared:
        run = compose.locate(declared, environment.origin.directory)
    else:
        if not files:
            files = (_declared_file(environment.compose_file, project),)
        run = ComposeRun(files, project_directory=project)
    if gate and gate.compose_env_files:
        run = replace(run, env_files=gate.compose_env_files)
    if gate and gate.compose_profiles:
        run = replace(run, profiles=gate.compose_profiles)
    return run


def _declared_file(declared: str, project: Path | None) -> Path:
    if not declared:
        raise UnobservedError(
            "the environment declares no compose_file, and --compose-file names none"
        )
    file = (project or Path.cwd()) / declared
    if not file.is_file():
        raise UnobservedError(f"there is no {file} here: --compose-file says where it is")
    return file


def observe(run: ComposeRun, variables: Mapping[str, str]) -> ComposeFile:
    """Have Compose read the files.

    Raises:
        ComposeError: Compose did not answer.
    """
    path = str(run.files[0].resolve())
    has_variables = bool(run.env_files) or (_directory(run) / ".env").is_file()
    try:
        found = read(run, variables)
    except ComposeFileInvalid as error:
        return ComposeFile(path=path, problem=_without_secrets(str(error)))
    for missing in sorted(found.missing_env_files.values()):
        return ComposeFile(path=path, problem=f"env file {missing[0]} not found")
    if found.refusal and has_variables:
        return ComposeFile(path=path, problem=_without_secrets(found.refusal))
    if found.required and has_variables:
        name = min(found.required)
        return ComposeFile(path=path, problem=f"required variable {name} is missing a value")
    try:
        return parse(path, found, has_variables=has_variables)
    except (AttributeError, LookupError, TypeError):
        raise ComposeError("docker compose config printed JSON of another form") from None


def _directory(run: ComposeRun) -> Path:
    return run.project_directory or run.files[0].parent


def parse(path: str, found: ComposeConfig, *, has_variables: bool = True) -> ComposeFile:
    """Return the facts of the merged files."""
    config = found.config
    networks = {name: each or {} for name, each in (config.get("networks") or {}).items()}
    names = {name: each.get("name") or name for name, each in networks.items()}
    return ComposeFile(
        path=path,
        unset=tuple(sorted(found.unset)),
        has_variables=has_variables,
        inactive=found.inactive,
        services={
            name: _service(raw, names, _unset(found, name))
            for name, raw in config["services"].items()
        },
        subnets={
            names[name]: tuple(
                pool["subnet"]
                for pool in (each.get("ipam") or {}).get("config") or ()
                if "subnet" in pool
            )
            for name, each in networks.items()
            if not each.get("external")
        },
        secret_files={
            name: secret["file"]
            for name, secret in (config.get("secrets") or {}).items()
            if "file" in secret
        },
    )


def _unset(found: ComposeConfig, name: str) -> dict[str, tuple[str, ...]]:
    """Return the fields of a service that depend on unset variables, and these variables."""
    unset = {field: found.unset_in("services", name, *keys) for field, keys in _KEYS.items()}
    return {field: tuple(sorted(names)) for field, names in unset.items() if names}


def _service(
    raw: dict[str, Any], networks: Mapping[str, str], unset: Mapping[str, tuple[str, ...]]
) -> ComposeService:
    log_driver, log_max_size = service.logging(raw)
    return ComposeService(
        image=raw.get("image") or "",
        built="build" in raw,
        pull_policy=raw.get("pull_policy") or "",
        container_name=raw.get("container_name") or "",
        cpus=service.cpus(raw),
        memory=_size(service.memory(raw)),
        published=tuple(sorted(service.publish(raw))),
        networks=tuple(networks.get(name, name) for name in raw.get("networks") or ()),
        network_mode=raw.get("network_mode") or "",
        log_driver=log_driver,
        log_max_size=_size(log_max_size),
        health_check=_HEALTH_CHECK.get(service.health_check(raw)),
        restart=service.restart(raw),
        secrets=(*service.secret_paths(raw), *service.config_paths(raw)),
        unset=unset,
    )


def _size(text: Any) -> Bytes | None:
    try:
        return Bytes.parse(text) if text else None
    except ValueError:
        return None


def _without_secrets(line: str) -> str:
    """Return a line without the values of secret variables of this process."""
    for name in secret_variables(f"{name}={value}" for name, value in os.environ.items()):
        line = line.replace(os.environ[name], f"${{{name}}}")
    return line
