"""Logs, secrets, code and rights are as specified.

Privileges, the engine's socket and the host's network are right where the service's `may` allows
them. Settings and data may be mounted from the host where they live by convention, such as below
`/etc`.
"""

import stat
from collections.abc import Mapping
from pathlib import PurePosixPath

from environments.model import Environment
from environments.services import Service
from fixtures.collection import declares
from fixtures.creation import Mount
from fixtures.facts import Container
from fixtures.host import HostFile
from fixtures.observation import CannotLook, Unobserved, seen_of
from reports.finding import finding
from reports.hint import command

# Where the engines listen. A mount of a folder above gives the socket away as well.
_ENGINE_SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
)
# Settings, sockets and data live there by convention, and no programs.
_NO_CODE = ("/etc", "/run", "/tmp", "/var/cache", "/var/lib", "/var/log", "/var/run")  # noqa: S108


@declares("environment.logging")
def test_log_driver(service: Service, container: Container, environment: Environment) -> None:
    """With another driver, docker logs and whatever collects the log files see nothing."""
    driver = environment.logging.driver if environment.logging else None
    assert container.creation.log_driver == driver, finding(
        service,
        "log driver",
        expected=driver,
        observed=container.creation.log_driver,
        hint=_mend("logging", service),
    )


@declares("environment.logging")
def test_log_rotation(service: Service, container: Container, environment: Environment) -> None:
    """A log without a limit fills the disk, and then everything stops at once."""
    size = environment.logging.max_size if environment.logging else None
    assert container.creation.log_max_size == size, finding(
        service,
        "log max-size",
        expected=size,
        observed=container.creation.log_max_size,
        hint=_mend("logging", service),
    )


@declares("secrets")
def test_secret_files(service: Service, container: Container, environment: Environment) -> None:
    """Without its secret a service fails late: at its first login, or its first restart."""
    wanted = environment.secret_paths(service)
    unmounted = sorted(wanted - {mount.target for mount in container.creation.mounts})
    missing = [path for path in unmounted if not seen_of(container.unmounted_secrets, path)]
    assert not missing, finding(
        service,
        "secret files",
        expected=", ".join(sorted(wanted)),
        observed=f"no {', no '.join(missing)}",
        evidence={"mounts": _lines(container.creation.mounts)},
        hint=_mend("secrets", service),
    )


@declares("environment.secrets")
def test_secret_permissions(
    service: Service, host_secrets: Mapping[str, HostFile | Unobserved]
) -> None:
    """A secret that every account of the server can read is one break-in away from everyone."""
    open_files = {
        path: file
        for path, file in host_secrets.items()
        if isinstance(file, HostFile) and file.mode & stat.S_IROTH
    }
    unseen = [file.reason for file in host_secrets.values() if isinstance(file, Unobserved)]
    if unseen and not open_files:
        raise CannotLook(unseen[0])
    assert not open_files, finding(
        service,
        "secret files on the host",
        expected="not readable by everyone",
        observed=", ".join(
            f"{PurePosixPath(path).name} has mode {file.mode:o}"
            for path, file in open_files.items()
        ),
        evidence={path: f"of {file.owner}" for path, file in open_files.items()},
        hint=command(
            "ls -l -- {}, then let nobody else read them, and replace what they hold", open_files
        ),
    )


def test_secret_variables(service: Service, container: Container) -> None:
    """An inspect, crash reports and child processes show the environment to many eyes."""
    found = container.creation.secret_variables
    assert not found, finding(
        service,
        "secrets in its environment",
        expected="none",
        observed=", ".join(found),
        evidence={f"{name} looks like one by": why for name, why in found.items()},
        hint="pass them as files, if the image can read them so, and replace them: they were seen",
    )


@declares("environment.code_in_image")
def test_live_code(service: Service, container: Container) -> None:
    """Code that lies on the host runs untested, and changes without a deploy."""
    live = _mounts_of_code(service, container)
    assert not live, finding(
        service,
        "mounts of the host",
        expected=f"none but {', '.join(service.host_mounts)}" if service.host_mounts else "none",
        observed=", ".join(map(str, live)),
        hint=_mend("volumes", service) + "; what is no code can be declared in host_mounts",
    )


@declares("code")
def test_code_mounted(service: Service, container: Container) -> None:
    """Without its mount it runs the code of the day its image was built, and no edit shows."""
    assert _mounts_of_code(service, container), finding(
        service,
        "code",
        expected="mounted from the host",
        observed="that of its image",
        evidence={"image": container.creation.image, "mounts": _lines(container.creation.mounts)},
        hint=_mend("volumes", service),
    )


def test_privileged(service: Service, container: Container) -> None:
    """Whoever breaks into a privileged container owns the host."""
    assert not container.creation.privileged or "privileged" in service.may, finding(
        service,
        "privileges",
        expected="those of a container",
        observed="privileged",
        hint=_mend("privileged", service),
    )


def test_engine_socket(service: Service, container: Container) -> None:
    """Whoever can talk to the engine can start a container that owns the host."""
    sockets = [mount for mount in container.creation.mounts if _gives_engine_away(mount)]
    assert not sockets or "engine-socket" in service.may, finding(
        service,
        "engine socket",
        expected="not mounted",
        observed=", ".join(map(str, sockets)),
        hint=_mend("volumes", service),
    )


def test_host_network(service: Service, container: Container) -> None:
    """In the host's network every port that it opens is public, and all of the host's are its."""
    in_host = container.creation.network_mode == "host"
    assert not in_host or "host-network" in service.may, finding(
        service,
        "network mode",
        expected="a network of its own",
        observed="host",
        hint=_mend("network_mode", service),
    )


def _mounts_of_code(service: Service, container: Container) -> list[Mount]:
    return [
        mount
        for mount in container.creation.mounts
        if mount.kind == "bind" and not _is_beneath(mount.target, *_NO_CODE, *service.host_mounts)
    ]


def _gives_engine_away(mount: Mount) -> bool:
    if mount.kind != "bind":
        return False
    known = any(_is_beneath(socket, mount.source) for socket in _ENGINE_SOCKETS)
    return known or mount.source.endswith("/docker.sock")


def _is_beneath(path: str, *folders: str) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _lines(mounts: tuple[Mount, ...]) -> str:
    return "\n".join(map(str, mounts))


def _mend(key: str, service: Service) -> str:
    return command(
        "mend its {} in the compose file, then docker compose up -d {}", key, service.name
    )
