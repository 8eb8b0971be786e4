"""Secrets and variables that a deploy needs."""

import os

from stackproof.facts.compose_file import ComposeFile
from stackproof.facts.machine import Machine
from stackproof.probes.declaration import ENVIRONMENT, Target, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.host import observe_host
from stackproof.probes.machine import machine
from stackproof.probes.predeploy.compose_file import compose_file
from stackproof.unobserved import UnobservedError


@probe("missing_secrets", of=ENVIRONMENT, needs=[compose_file, engine, machine])
def missing_secrets(
    target: Target, compose_file: ComposeFile, engine: EngineSession, machine: Machine
) -> tuple[str, ...]:
    """Secrets of the Compose file whose files are not on the engine's machine."""
    if not compose_file.secret_files:
        return ()  # the engine's machine need not be this one
    environment = target.environment
    paths = {
        name: compose_file.on_server(path, environment.compose_file, environment.checkout)
        for name, path in compose_file.secret_files.items()
    }
    host = observe_host(engine, machine, paths.values())
    for reason in host.unusable.values():
        raise UnobservedError(f"the compose file names a secret by an {reason}")
    if host.closed:
        raise UnobservedError(f"permission denied for the login user: {', '.join(host.closed)}")
    return tuple(name for name, path in sorted(paths.items()) if path not in host.files)


@probe("unset_variables", of=ENVIRONMENT)
def unset_variables(target: Target) -> tuple[str, ...]:
    """Variables that a deploy requires and that are unset or empty."""
    deploy = target.environment.deploy
    required = deploy.required_variables if deploy else ()
    return tuple(name for name in required if not os.environ.get(name))
