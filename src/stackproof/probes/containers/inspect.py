"""Containers, as the engine's inspect describes them, and the end of their logs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from stackproof import shell
from stackproof.engine.answer import UNLIMITED, Answer
from stackproof.engine.client import MIB, NotFoundError
from stackproof.engine.connection import Connection, inspect_container
from stackproof.engine.container_exec import frames
from stackproof.environment.services import service_of
from stackproof.facts.container import Container, HealthCheckRun, HealthState, docker_state
from stackproof.facts.options import OF_A_REMOVED_ONE, OptionValue
from stackproof.facts.settings import Namespace
from stackproof.probes.containers import commands, creation
from stackproof.probes.containers.file_contents import add_file_contents
from stackproof.probes.declaration import SERVICE, Target, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.shell import UnusableError, is_container_id
from stackproof.unobserved import Unobserved, UnobservedError, observed

LOG_TAIL_LINES = 20
LOG_LINE_CAP = 200
_LOG_CAP = MIB
_DEFAULT_CPU_PERIOD = 100_000
_OUTPUT_SHOWN = 2000
_LOG_TAIL = {"stdout": 1, "stderr": 1, "tail": LOG_TAIL_LINES}


class Inspection(NamedTuple):
    """A container as the engine describes it, without what takes further calls."""

    container: Container
    has_terminal: bool
    others: Mapping[str, str] = {}
    """By Compose's key: the id of the container whose namespace it has."""
    pid: int = 0
    """Of its first process, on the engine's machine; 0 if it does not run."""


@probe(of=SERVICE, needs=[engine])
def inspection(target: Target, engine: EngineSession) -> Inspection | None:
    """The inspection of a service's container; None if there is none."""
    listed = engine.find(target.name)
    return inspect(engine.connection, listed.id) if listed else None


@probe("containers", of=SERVICE, needs=[engine, inspection])
def container(
    target: Target, engine: EngineSession, inspection: Inspection | None
) -> Container | None:
    """The container of a service, with the end of its log if something is wrong with it."""
    if inspection is None:
        return None
    found = add_namespace(engine, add_log_tail(engine.connection, inspection))
    found = mark_removed(engine.connection, found, inspection.others)
    secrets = target.environment.secret_paths(target.service)
    found = add_unmounted_secrets(engine, target.name, found, secrets)
    return add_file_contents(engine, target.name, found, target.service.file_contents)


def inspect(connection: Connection, container_id: str) -> Inspection | None:
    """Inspect a container; return None if it was removed."""
    try:
        raw = inspect_container(connection, container_id)
    except NotFoundError:
        return None
    return Inspection(
        parse_inspect(raw),
        raw.flag("Config", "Tty", default=False),
        dict(_others(raw.at("HostConfig"))),
        raw.number("State", "Pid", default=0),
    )


def _others(host: Answer) -> Iterator[tuple[str, str]]:
    for key, name in (("pid", "PidMode"), ("ipc", "IpcMode")):
        yield key, host.text(name, default="").partition("container:")[2]


def mark_removed(
    connection: Connection, container: Container, others: Mapping[str, str]
) -> Container:
    """Mark the options of a container that name one that no longer exists."""
    settings = container.creation.settings
    try:
        removed = {
            key: OptionValue.of(key, OF_A_REMOVED_ONE)
            for key, other in others.items()
            if is_container_id(other) and inspect(connection, other) is None
        }
    except UnobservedError:
        return container
    if not removed or settings is None or settings.options is None:
        return container
    settings = settings.model_copy(update={"options": {**settings.options, **removed}})
    creation = container.creation.model_copy(update={"settings": settings})
    return container.model_copy(update={"creation": creation})


def add_log_tail(connection: Connection, inspection: Inspection) -> Container:
    """Add the end of the log to a container if something is wrong with it."""
    container = inspection.container
    if not _needs_its_log(container):
        return container
    tail = _log_tail(connection, container.id, inspection.has_terminal)
    return container.model_copy(update={"log_tail": tail})


def add_namespace(engine: EngineSession, container: Container) -> Container:
    """Add to a container the one whose network it shares, if it has none of its own."""
    shared = container.creation.network_mode.partition("container:")[2]
    if not is_container_id(shared):
        return container
    try:
        namespace = _namespace(engine, shared)
    except UnobservedError:
        return container
    return container.model_copy(update={"namespace": namespace})


def _namespace(engine: EngineSession, container_id: str) -> Namespace:
    inspection = inspect(engine.connection, container_id)
    if inspection is None:
        return Namespace(id=container_id)
    found = inspection.container
    listed = {name: engine.listed.get(each) for name, each in engine.by_instance.items()}
    its = (name for name, each in listed.items() if each and each.id == found.id)
    return Namespace(
        id=found.id,
        name=found.name,
        service=service_of(next(its, "")),
        started_at=found.started_at,
        addresses=tuple(sorted(found.own_addresses)),
    )


def add_unmounted_secrets(
    engine: EngineSession, instance: str, container: Container, secrets: Iterable[str]
) -> Container:
    """Add to a container whether it has the secrets that are not mounted by themselves.

    Args:
        engine: runs a command in the container, if there are such secrets.
        instance: the instance of a service that the container is.
        container: the container.
        secrets: paths in the container at which there must be a file.
    """
    unmounted = sorted(set(secrets) - {mount.target for mount in container.creation.mounts})
    if not unmounted:
        return container
    files = _are_files(engine, instance, unmounted)
    return container.model_copy(update={"unmounted_secrets": files})


def parse_inspect(raw: Answer) -> Container:
    """Parse the JSON of `GET /containers/{id}/json`.

    Raises:
        UnobservedError: it is not as expected.
    """
    state, host = raw.at("State"), raw.at("HostConfig")
    memory = host.number("Memory", default=0)
    return Container(
        name=raw.text("Name").lstrip("/"),
        id=raw.container_id("Id"),
        created_at=raw.moment("Created") if raw.at("Created").value is not None else None,
        status=docker_state(state.text("Status")),
        exit_code=state.number("ExitCode"),
        started_at=state.moment("StartedAt"),
        restart_count=raw.count("RestartCount"),
        oom_killed=state.flag("OOMKilled"),
        health=_health(state.at("Health")),
        cpu_limit=_cpu_limit(host),
        memory_limit=host.size("Memory") if memory > 0 else None,
        addresses=creation.addresses(raw),
        published=creation.published(raw),
        creation=creation.parse_creation(raw),
        hostname=raw.text("Config", "Hostname", default=""),
    )


def _health(raw: Answer) -> HealthState | None:
    # Without a health check, engines report nothing, the status "none" or an empty one.
    if raw.text("Status", default="") in ("", "none"):
        return None
    return HealthState(
        status=raw.text("Status"),
        failing_streak=raw.count("FailingStreak"),
        log=tuple(
            HealthCheckRun(
                at=run.moment("Start"),
                exit_code=run.number("ExitCode"),
                output=run.text("Output", longest=UNLIMITED).strip()[:_OUTPUT_SHOWN],
            )
            for run in raw.each("Log")
        ),
    )


def _cpu_limit(host: Answer) -> float | None:
    if nano_cpus := host.number("NanoCpus", default=0):
        return nano_cpus / 1e9
    quota = host.number("CpuQuota", default=0)
    period = host.number("CpuPeriod", default=0) or _DEFAULT_CPU_PERIOD
    return quota / period if quota > 0 else None


def _needs_its_log(container: Container) -> bool:
    return (
        container.status != "running"
        or container.restart_count > 0
        or container.oom_killed
        or (container.health is not None and container.health.status == "unhealthy")
    )


def _log_tail(connection: Connection, container_id: str, has_terminal: bool) -> tuple[str, ...]:
    path = f"/containers/{container_id}/logs"
    try:
        raw = connection.call(
            lambda engine: b"".join(engine.stream(path, _LOG_CAP, query=_LOG_TAIL))
        )
    except UnobservedError as reason:
        return (f"(its log could not be read: {reason})",)
    printed = raw if has_terminal else frames(raw)
    return tuple(line[:LOG_LINE_CAP] for line in printed.decode(errors="replace").splitlines())


def _are_files(
    engine: EngineSession, instance: str, paths: Sequence[str]
) -> Mapping[str, bool | Unobserved]:
    """Return whether each path is a file in the container, from one command."""
    try:
        line = shell.line("ls -dLp -- <paths>", paths=[shell.path(path) for path in paths])
        listing = observed(commands.run(engine, instance, {"files": line})["files"])
    except (UnobservedError, UnusableError) as reason:
        return dict.fromkeys(paths, Unobserved(reason=str(reason)))
    if listing.exit_code is None or listing.timed_out:
        return dict.fromkeys(paths, Unobserved(reason=listing.observed))
    files = listing.output.splitlines()
    return {path: path in files for path in paths}
