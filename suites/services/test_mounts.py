"""Data, settings and code are mounted where the environment declares them.

Volumes that the engine creates for the image are not declared, and do not matter elsewhere. At a
path with a declared volume, they mean that the data is somewhere else.
"""

import posixpath
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from stackproof.environment.container_settings import DeclaredMount
from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.facts.container import Container, Mount
from stackproof.facts.machine import SourceState
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import as_deployed, critical, declares
from stackproof.hint import advice, docker, recreate, server, up
from stackproof.probes.mount_sources import GONE
from stackproof.unobserved import Unobserved, UnobservedError

_OF_THE_HOST = "/host_mnt"  # Docker Desktop puts it before paths of the host


@critical
@as_deployed
def test_data(
    stateful_service: Service,
    container: Container,
    mounts: Mapping[str, Mount],
    environment: Environment,
    warn: Callable[[Finding], None],
) -> None:
    """A database without its volume starts empty and healthy: the data is somewhere else.

    A volume that the engine created below a declared one only warns: some images keep data there.
    """
    declared = environment.data_mounts(stateful_service)
    places = [f"{mount.source} at {path}" for path, mount in declared.items()]
    if hidden := [path for path in mounts if _is_hidden(mounts[path], declared)]:
        warn(
            finding(
                stateful_service,
                "data",
                expected=f"in {', '.join(places)}",
                observed=f"an anonymous volume at {', '.join(hidden)}",
            )
        )
    wrong = _wrong(declared, mounts, _relocate(environment, container))
    assert not wrong, finding(
        stateful_service,
        "data",
        expected=", ".join(f"{declared[path].source} at {path}" for path in wrong),
        observed=", ".join(f"{_observed(mounts.get(path))} at {path}" for path in wrong),
        evidence={"mounts": "\n".join(map(str, container.creation.mounts))},
        hint=(
            server("docker inspect --format '{{json .Mounts}}' {}", container.name),
            server("docker volume ls"),
            advice("find the data before you go on"),
            up(stateful_service.name),
        ),
    )


@declares("mounts")
@as_deployed
def test_declared(
    service: Service, container: Container, mounts: Mapping[str, Mount], environment: Environment
) -> None:
    """A service without a mount runs with the settings, code or files of its image."""
    declared = {
        path: mount
        for path, mount in (service.mounts or {}).items()
        if path not in environment.data_mounts(service)
    }
    wrong = _wrong(declared, mounts, _relocate(environment, container))
    assert not wrong, finding(
        service,
        "mounts",
        expected=", ".join(f"{_expected(declared[path])} at {path}" for path in wrong),
        observed=", ".join(f"{_observed(mounts.get(path))} at {path}" for path in wrong),
        evidence={"mounts": "\n".join(map(str, container.creation.mounts))},
        hint=recreate("volumes", service.name),
    )


@declares("mounts")
@as_deployed
def test_undeclared(
    service: Service, mounts: Mapping[str, Mount], environment: Environment
) -> None:
    """A mount that is not in the Compose file hides a part of the image, and outlives a deploy."""
    secrets = environment.secret_paths(service)
    allowed = (environment.secrets_mount, *service.host_mounts, *secrets)
    undeclared = [
        mount
        for path, mount in mounts.items()
        if path not in (service.mounts or {})
        and (mount.kind == "bind" or (mount.kind == "volume" and not mount.is_anonymous))
        and not any(PurePosixPath(path).is_relative_to(each) for each in allowed)
    ]
    assert not undeclared, finding(
        service,
        "undeclared mounts",
        expected="none",
        observed=", ".join(f"{_source(each)} at {each.target}" for each in undeclared),
        evidence={"declared": ", ".join(service.mounts or ())},
        hint=recreate("volumes", service.name),
    )


@declares("environment.host.compare_mounts")
def test_current(service: Service, mount_sources: Mapping[str, SourceState]) -> None:
    """If a mounted file or directory is replaced on the host, the container keeps the old one.

    It serves an old certificate, reads an old secret or writes into a directory that is gone,
    until it starts again.
    """
    replaced = {
        path: state
        for path, state in mount_sources.items()
        if state and not isinstance(state, Unobserved)
    }
    unobserved = [each.reason for each in mount_sources.values() if isinstance(each, Unobserved)]
    if unobserved and not replaced:
        raise UnobservedError(unobserved[0])
    assert not replaced, finding(
        service,
        "mounts",
        expected="what is on the host now",
        observed=", ".join(f"at {path} one that was {replaced[path]}" for path in replaced),
        hint=(
            advice("put back what is gone: without it, the container cannot start again")
            if GONE in replaced.values()
            else docker("restart", subject_name(service)),
            advice("to avoid this, mount the directory and write files in place"),
        ),
    )


def _relocate(environment: Environment, container: Container) -> Callable[[str], str]:
    """Return what moves a path from the directory of the Compose files here to that of the deploy.

    Compose makes relative paths absolute. They then depend on where it was run.
    """
    here, files = environment.origin.project_directory, container.creation.compose_files
    if not here or not files:
        return lambda path: path
    there = posixpath.dirname(files[0])
    return lambda path: posixpath.normpath(posixpath.join(there, posixpath.relpath(path, here)))


def _is_source(
    declared: DeclaredMount, mount: Mount | None, relocate: Callable[[str], str]
) -> bool:
    """Return whether a mount is of the declared kind, and of the declared volume or path."""
    if mount is None or mount.kind != declared.kind:
        return False
    if declared.kind == "volume":
        return declared.source in ("", mount.name)
    if not declared.source:
        return True
    sources = (declared.source, relocate(declared.source))
    return PurePosixPath(mount.source) in {
        PurePosixPath(f"{prefix}{source}") for source in sources for prefix in ("", _OF_THE_HOST)
    }


def _is_as_declared(
    declared: DeclaredMount, mount: Mount | None, relocate: Callable[[str], str]
) -> bool:
    if mount is None or not _is_source(declared, mount, relocate):
        return False
    return declared.read_only in (None, mount.read_only)


def _wrong(
    declared: Mapping[str, DeclaredMount],
    mounts: Mapping[str, Mount],
    relocate: Callable[[str], str],
) -> list[str]:
    """Return the paths at which a container has not what is declared."""
    return [
        path for path in declared if not _is_as_declared(declared[path], mounts.get(path), relocate)
    ]


def _is_hidden(mount: Mount, declared: Mapping[str, DeclaredMount]) -> bool:
    """Return whether an anonymous volume is mounted below a declared mount."""
    above = (path for path in declared if path != mount.target)
    return mount.is_anonymous and any(
        PurePosixPath(mount.target).is_relative_to(path) for path in above
    )


def _expected(declared: DeclaredMount) -> str:
    access = {True: " (read-only)", False: " (writable)", None: ""}[declared.read_only]
    return f"{declared.source}{access}" if declared.source else f"a {declared.kind}"


def _observed(mount: Mount | None) -> str:
    if mount is None:
        return "nothing"
    return f"{_source(mount)}{' (read-only)' if mount.read_only else ''}"


def _source(mount: Mount) -> str:
    if mount.kind == "volume":
        return "an anonymous volume" if mount.is_anonymous else mount.name
    return mount.source or mount.kind
