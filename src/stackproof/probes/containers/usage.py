"""The usage of containers: from their cgroups on the engine's machine, or else from the engine."""

from collections.abc import Mapping

from stackproof import shell
from stackproof.engine.answer import Answer
from stackproof.engine.connection import Connection
from stackproof.engine.machine_commands import run_on_machine
from stackproof.environment.services import service_of
from stackproof.facts.container import Usage
from stackproof.facts.machine import Machine
from stackproof.probes.containers import cgroup, open_files
from stackproof.probes.declaration import ENVIRONMENT, SERVICE, Target, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.machine import machine
from stackproof.unobserved import UnobservedError

_UNLIMITED = 1 << 32
"""No kernel has so many processes: an engine that reports more means that there is no limit."""
_ONE_SHOT = {"stream": 0, "one-shot": 1}


@probe(of=ENVIRONMENT, needs=[engine, machine])
def cgroups(target: Target, engine: EngineSession, machine: Machine) -> Mapping[str, Usage]:
    """The usage of containers by id, from one command; without those that cannot be read."""
    try:
        engine.require_local_engine(machine)
        found = {need.target: engine.find(need.target) for need in target.dependents}
        ids = [shell.container_id(each.id) for each in found.values() if each]
        counted = [
            each.id
            for name, each in found.items()
            if each and target.environment.services[service_of(name)].limits.files_used
        ]
        version = machine.cgroup_version
        line = cgroup.command(version, ids)
        if counted:
            line = shell.lines(line, open_files.command(map(shell.container_id, counted)))
        printed = run_on_machine(engine.connection, line) if ids else ""
    except UnobservedError:
        return {}
    most_files = open_files.parse(printed, counted)
    return {
        container: each.model_copy(update={"most_files": most_files.get(container)})
        for container, each in cgroup.parse(version, printed, machine.memory).items()
    }


@probe("usage", of=SERVICE, needs=[engine, cgroups])
def usage(target: Target, engine: EngineSession, cgroups: Mapping[str, Usage]) -> Usage:
    """The usage of a service's running container."""
    listed = engine.find(target.name)
    if listed is None or listed.state not in ("running", "paused"):
        raise UnobservedError(engine.not_running(target.name))
    return cgroups.get(listed.id) or _stats(engine.connection, listed.id)


def _stats(connection: Connection, container_id: str) -> Usage:
    path = f"/containers/{container_id}/stats"
    return parse_stats(connection.call(lambda engine: engine.get(path, _ONE_SHOT)))


def parse_stats(raw: Answer) -> Usage:
    """Parse the JSON of `GET /containers/{id}/stats`, from cgroup version 1 or 2.

    Raises:
        UnobservedError: it has no memory figures, as for a container that has stopped.
    """
    memory, throttling = raw.at("memory_stats"), raw.at("cpu_stats", "throttling_data")
    # Engines that read no cgroup report zeros, or nothing. No process does without memory.
    if not (memory.size("limit", default=0) and memory.size("usage", default=0)):
        raise UnobservedError("the engine has no memory figures of the container (has it stopped?)")
    detail, pids = memory.at("stats"), raw.at("pids_stats")
    pids_limit = pids.size("limit", default=0)
    cache = detail.number("total_inactive_file", default=-1)
    if cache < 0:
        cache = detail.number("inactive_file", default=-1)
    return Usage(
        memory_limit=memory.size("limit"),
        memory_used=cgroup.in_use(memory.size("usage"), max(0, cache)),
        includes_cache=cache < 0,
        pids=pids.count("current", default=0) or None,
        pids_limit=pids_limit if 0 < pids_limit < _UNLIMITED else None,
        cpu_periods=throttling.count("periods", default=0),
        cpu_throttled_periods=throttling.count("throttled_periods", default=0),
    )
