"""Logs, secrets, code and privileges are as specified.

Privileged mode, the engine's socket, the host's network and other ways to root on the host pass if
the service's `may` allows them, and are a warning if the Compose file grants them. Settings and
data may be mounted from the host in conventional places, such as below `/etc`.
"""

import stat
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from stackproof.environment.model import Environment
from stackproof.environment.practices import Permission, Practice
from stackproof.environment.services import Service
from stackproof.facts.container import Container, Mount
from stackproof.facts.image import secret_files
from stackproof.facts.machine import HostFile, Machine
from stackproof.facts.root_access import CGROUP, exposes_engine
from stackproof.facts.snapshot import Facts
from stackproof.finding import Finding, finding
from stackproof.fixtures.session.collection import as_deployed, declares
from stackproof.hint import Hint, advice, compose_key, recreate, server, up
from stackproof.unobserved import Unobserved, UnobservedError, observed_of

# By convention these hold settings, sockets and data, but no programs.
_NO_CODE = ("/etc", "/run", "/tmp", "/var/cache", "/var/lib", "/var/log", "/var/run")  # noqa: S108


@declares("logging.driver")
@as_deployed
def test_log_driver(service: Service, container: Container) -> None:
    """With another driver, docker logs and the log collector see nothing."""
    driver = service.logging.driver if service.logging else None
    assert container.creation.log_driver == driver, finding(
        service,
        "log driver",
        expected=driver,
        observed=container.creation.log_driver,
        hint=recreate("logging", service.name),
    )


@declares("logging.max_size")
@as_deployed
def test_log_rotation(service: Service, container: Container) -> None:
    """A log without a size limit fills the disk, and then every service stops."""
    if not container.creation.log_options_reported:
        raise UnobservedError("the engine does not report the options of the log driver")
    size = service.logging.max_size if service.logging else None
    assert container.creation.log_max_size == size, finding(
        service,
        "log max-size",
        expected=size,
        observed=container.creation.log_max_size,
        hint=recreate("logging", service.name),
    )


@declares("files")
@as_deployed
def test_secret_files(
    service: Service,
    container: Container,
    environment: Environment,
    empty_secrets: frozenset[str],
    facts: Facts,
    warn: Callable[[Finding], None],
) -> None:
    """Without its secret a service fails late: at its first login, or at its next restart.

    A container keeps the configs and secrets of Compose files with which it was created. Files are
    compared if it was created on this machine, from the Compose files that are read here.
    """
    expected = environment.secret_paths(service)
    empty = sorted(expected & empty_secrets)
    unmounted = sorted(expected - {mount.target for mount in container.creation.mounts})
    missing = [path for path in unmounted if not observed_of(container.unmounted_secrets, path)]
    stale = _other_contents(service, container, environment, facts, warn)
    wrong = [
        *(f"no {path}" for path in missing),
        *(f"{path} is empty" for path in empty),
        *(f"{path} created with another content" for path in stale if path not in empty),
    ]
    assert not wrong, finding(
        service,
        "secret files",
        expected=", ".join(sorted(expected)),
        observed=", ".join(wrong),
        evidence={"mounts": _lines(container.creation.mounts)},
        # Compose does not compare contents: it keeps the container.
        hint=up(service.name, "--force-recreate") if stale else recreate("secrets", service.name),
    )


@declares("environment.secrets")
def test_secret_permissions(
    service: Service, host_secrets: Mapping[str, HostFile | Unobserved]
) -> None:
    """A secret that every account on the server can read is exposed by any break-in."""
    open_files = {
        path: file
        for path, file in host_secrets.items()
        if isinstance(file, HostFile) and file.mode & stat.S_IROTH
    }
    unobserved = [file.reason for file in host_secrets.values() if isinstance(file, Unobserved)]
    if unobserved and not open_files:
        raise UnobservedError(unobserved[0])
    assert not open_files, finding(
        service,
        "secret files on the host",
        expected="not readable by everyone",
        observed=", ".join(
            f"{PurePosixPath(path).name} has mode {file.mode:o}"
            for path, file in open_files.items()
        ),
        evidence={path: f"is owned by {file.owner}" for path, file in open_files.items()},
        hint=(
            server("ls -l -- {}", open_files),
            advice("remove read access for others, and rotate the secrets"),
        ),
    )


def test_secret_variables(
    service: Service, container: Container, tolerated: Callable[[Practice, Finding], bool]
) -> None:
    """Variables and command lines show up in docker inspect, crash reports and lists of processes.

    A warning unless the environment forbids it: many images accept nothing else.
    """
    creation, public = container.creation, service.public_variables
    variables = {name: why for name, why in creation.secret_variables.items() if name not in public}
    arguments = creation.secret_arguments
    files = secret_files(creation.image, variables)
    problem = finding(
        service,
        "secrets in its environment" if variables else "secrets on its command line",
        expected="none",
        observed=", ".join([*sorted(variables), *arguments]),
        evidence={
            **{f"reason for {name}": why for name, why in variables.items()},
            **{f"place of {name}": place for name, place in arguments.items()},
        },
        hint=advice("pass them as files with {}, and rotate them: they were exposed", files)
        or advice(
            "pass them as files if the image supports it, and rotate them: they were exposed"
        ),
    )
    assert not (variables or arguments) or tolerated("secret-environment", problem), problem


@declares("environment.code_in_image")
def test_live_code(service: Service, container: Container) -> None:
    """Code on the host runs untested, and changes without a deploy."""
    live = _mounts_of_code(service, container)
    assert not live, finding(
        service,
        "mounts of the host",
        expected=f"none but {', '.join(service.host_mounts)}" if service.host_mounts else "none",
        observed=", ".join(map(str, live)),
        hint=(
            *recreate("volumes", service.name),
            advice("declare mounts without code in host_mounts"),
        ),
    )


@declares("code")
def test_code_mounted(service: Service, container: Container) -> None:
    """Without its mount it runs the code in its image, and edits have no effect."""
    assert _mounts_of_code(service, container), finding(
        service,
        "code",
        expected="mounted from the host",
        observed="from its image",
        evidence={"image": container.creation.image, "mounts": _lines(container.creation.mounts)},
        hint=recreate("volumes", service.name),
    )


def test_privileged(
    service: Service, container: Container, tolerated: Callable[[Practice, Finding], bool]
) -> None:
    """Anyone who breaks into a privileged container owns the host."""
    problem = finding(
        service,
        "privileges",
        expected="unprivileged",
        observed="privileged",
        hint=_remove("privileged", "privileged", service),
    )
    fine = not container.creation.privileged or "privileged" in service.may
    if not fine and "privileged" in service.granted:
        fine = tolerated("privileged", problem)
    assert fine, problem


def test_engine_socket(
    service: Service, container: Container, tolerated: Callable[[Practice, Finding], bool]
) -> None:
    """Anyone with access to the engine can start a container that owns the host."""
    sockets = [
        mount
        for mount in container.creation.mounts
        if mount.kind == "bind" and exposes_engine(mount.source)
    ]
    problem = finding(
        service,
        "engine socket",
        expected="not mounted",
        observed=", ".join(map(str, sockets)),
        hint=_remove("engine-socket", "volumes", service),
    )
    fine = not sockets or "engine-socket" in service.may
    if not fine and "engine-socket" in service.granted:
        fine = tolerated("engine-socket", problem)
    assert fine, problem


def test_host_network(
    service: Service, container: Container, tolerated: Callable[[Practice, Finding], bool]
) -> None:
    """In the host's network each port it opens is public, and it reaches every local port."""
    problem = finding(
        service,
        "network mode",
        expected="a network of its own",
        observed="host",
        hint=_remove("host-network", "network_mode", service),
    )
    fine = container.creation.network_mode != "host" or "host-network" in service.may
    granted = "host-network" in service.granted or service.network_mode == "host"
    if not fine and granted:
        fine = tolerated("host-network", problem)
    assert fine, problem


def test_root_access(
    service: Service,
    container: Container,
    environment: Environment,
    machine: Machine,
    tolerated: Callable[[Practice, Finding], bool],
) -> None:
    """Capabilities, namespaces, devices and files of the host are as good as privileged mode.

    Declared `cap_add`, `devices` and `mounts` are granted. What else the Compose file grants is a
    warning.
    """
    sources = [each.source for each in (service.mounts or {}).values() if each.kind == "bind"]
    declared = {
        *(f"cap_add: {each}" for each in service.cap_add or ()),
        *(f"devices: {each.partition(':')[0]}" for each in service.devices or ()),
        *(f"volumes: {each}" for each in sources),
        *([CGROUP] if machine.cgroup_version == "1" else []),
    }
    found = {
        setting: permission
        for setting, permission in container.creation.root_access.items()
        if not {permission, setting} & {*service.may}
        and (setting in service.root_access or setting not in declared)
    }
    surplus = [each for each in found if each not in service.root_access]
    if surplus and ("services", service.name, "root_access") in environment.origin.unspecified:
        raise UnobservedError(
            f"{', '.join(surplus)}: its Compose file depends on variables that are unset here"
        )
    forbidden = [each for each, permission in found.items() if permission in environment.forbidden]
    wrong = surplus or forbidden or list(found)
    is_granted = set(wrong) <= set(service.root_access)
    keys = dict.fromkeys(each.partition(":")[0] for each in wrong)
    problem = finding(
        service,
        "root access to the host",
        expected="none",
        observed=", ".join(wrong),
        hint=(
            *(_fix(key, service, is_granted=is_granted) for key in keys),
            up(service.name),
        ),
    )
    assert not wrong or (not surplus and tolerated(found[wrong[0]], problem)), problem


def _other_contents(
    service: Service,
    container: Container,
    environment: Environment,
    facts: Facts,
    warn: Callable[[Finding], None],
) -> list[str]:
    """Return the files with another content than the Compose files say. Warn where it is unsure."""
    is_from_here = environment.origin.created(container.creation.compose_files)
    is_local = is_from_here and facts.engine.partition("://")[0] in ("", "unix")
    known = {"file": True, "env-file": is_from_here, "other-file": is_local}
    declared = service.file_contents
    other = [path for path, is_same in container.same_files.items() if not is_same]
    gone = [path for path, each in declared.items() if not each.digest and is_local]
    unsure = [path for path in other if declared[path].origin == "deploy" and is_from_here]
    if gone or unsure:
        problem = finding(
            service,
            "secret files",
            expected=", ".join((*gone, *unsure)),
            observed=", ".join(
                (
                    *(f"no file here for {path}" for path in gone),
                    *(f"another content of {path}" for path in unsure),
                )
            ),
            hint=advice("put back what is missing: without it, the container cannot start again"),
        )
        warn(problem)
    return [path for path in other if known.get(declared[path].origin)]


def _mounts_of_code(service: Service, container: Container) -> list[Mount]:
    return [
        mount
        for mount in container.creation.mounts
        if mount.kind == "bind" and not _is_beneath(mount.target, *_NO_CODE, *service.host_mounts)
    ]


def _is_beneath(path: str, *folders: str) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _lines(mounts: tuple[Mount, ...]) -> str:
    return "\n".join(map(str, mounts))


def _remove(permission: Permission, key: str, service: Service) -> tuple[Hint, ...]:
    """Return how to take a permission from a service: in its Compose file if that grants it."""
    is_granted = permission in service.granted
    return _fix(key, service, is_granted=is_granted), up(service.name)


def _fix(key: str, service: Service, *, is_granted: bool) -> Hint:
    """Return how to fix a key of the Compose file; a run keeps it if that file grants it."""
    if is_granted:
        return advice("fix {} of {} in the compose file", key, service.name)
    return compose_key(key, service.name)
