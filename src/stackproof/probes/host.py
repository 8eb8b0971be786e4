"""The disk, the memory and files of the engine's machine, from one read-only shell line."""

import re
from collections.abc import Iterable, Mapping, Sequence

from stackproof import shell
from stackproof.engine.machine_commands import run_on_machine
from stackproof.facts.machine import Capacity, HostFile, HostState, Machine
from stackproof.probes import mount_sources, mount_space
from stackproof.probes.containers.inspect import Inspection, inspection
from stackproof.probes.declaration import ENVIRONMENT, Target, every, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.machine import machine
from stackproof.probes.mount_sources import Mounted
from stackproof.shell import Line, Operand, UnusableError
from stackproof.unobserved import Unobserved

Inspections = Mapping[str, Inspection | Unobserved | None]


@probe("host", of=ENVIRONMENT, needs=[engine, machine, every(inspection)])
def host(
    target: Target, engine: EngineSession, machine: Machine, inspections: Inspections
) -> HostState:
    """The engine's machine, and the files that containers mount as secrets."""
    folder = target.environment.secrets_mount
    found = [each for each in inspections.values() if isinstance(each, Inspection)]
    paths = {path for each in found for path in each.container.creation.of_host(folder).values()}
    declared = target.environment.host
    mounted = {
        each.container.id: Mounted(each.pid, each.container.creation.mounts)
        for each in found
        if each.pid and declared and declared.compare_mounts
    }
    running = [each.container for each in found if each.pid and declared]
    data = mount_space.sources(running, machine.data_directory) if declared else None
    state = observe_host(engine, machine, sorted(paths), mounted, data)
    unseen = [each for each in inspections.values() if isinstance(each, Unobserved)]
    return state.model_copy(update={"data": unseen[0]}) if unseen else state


def observe_host(
    engine: EngineSession,
    machine: Machine,
    paths: Iterable[str],
    mounted: Mapping[str, Mounted] = {},
    data: Mapping[str, Sequence[str]] | None = None,
) -> HostState:
    """Return the state of the engine's machine, with the modes of files and sources of mounts.

    Args:
        engine: the engine.
        machine: its machine.
        paths: files, or directories of files, of which the modes are needed.
        mounted: by id, containers whose mounts are compared with what lies on the machine.
        data: by path on the machine that containers may write to, what mounts it.

    Raises:
        UnobservedError: the machine cannot be reached, or may be another one.
    """
    engine.require_local_engine(machine, "its disk, its memory and its files can be observed")
    directory, why_not = _usable([machine.data_directory])
    files, unusable = _usable(paths)
    line = command(next(iter(directory), None), files)
    more = mount_sources.command(mounted.values()), mount_space.command(data or ())
    printed = run_on_machine(engine.connection, shell.lines(line, *filter(None, more)))
    space = None if data is None else mount_space.parse(printed, data, machine.data_directory)
    sources = mount_sources.parse(printed, mounted)
    state = parse(printed).model_copy(update={"sources": sources, "data": space})
    if not directory:
        unknown = Unobserved(reason=f"the engine reported an {why_not[machine.data_directory]}")
        state = state.model_copy(update={"disk": unknown, "inodes": unknown})
    return state.model_copy(update={"unusable": unusable})


def _usable(paths: Iterable[str]) -> tuple[list[Operand], dict[str, str]]:
    """Return paths as operands, and by path why the others cannot be operands."""
    usable: list[Operand] = []
    unusable: dict[str, str] = {}
    for path in paths:
        try:
            usable.append(shell.path(path))
        except UnusableError as reason:
            unusable[path] = str(reason)
    return usable, unusable


def command(directory: Operand | None, paths: Sequence[Operand]) -> Line:
    """Return the shell line whose output `parse` parses.

    Args:
        directory: the data directory of the engine; None if it is unknown.
        paths: files whose modes are needed, or directories of such files.
    """
    parts = ["export LC_ALL=C", "grep ^Mem /proc/meminfo"]
    if directory:
        parts += [
            r"""printf 'disk %s\n' "$(df -Pk -- <path> 2>&1 | tail -n 1)" """,
            r"""printf 'inodes %s\n' "$(df -Pi -- <path> 2>&1 | tail -n 1)" """,
        ]
    if paths:
        # No `--` ends what `find` takes for options; an absolute path is none.
        parts.append("find -L <paths> -type f -exec stat -L -c 'file %a %U %s %n' {} + 2>&1")
    return shell.line("\n".join(parts), path=directory or (), paths=paths)


def parse(output: str) -> HostState:
    """Parse the output of the command. What is missing in it is unobserved."""
    return HostState(
        disk=_file_system(output, "disk", 1024),
        inodes=_file_system(output, "inodes", 1),
        memory=_memory(output),
        files={
            path: HostFile(mode=int(mode, 8), owner=owner, size=int(size))
            for mode, owner, size, path in re.findall(
                r"^file (\d+) (\S+) (\d+) (.+)$", output, re.MULTILINE
            )
        },
        closed=tuple(re.findall(r"^find: '?(/.*?)'?: Permission denied$", output, re.MULTILINE)),
    )


def _file_system(output: str, name: str, unit: int) -> Capacity | Unobserved:
    row = re.search(rf"^{name} (.+)$", output, re.MULTILINE)
    output_row = row[1] if row else "no answer"
    # Total, used, free, the used percentage and the mount point. File systems that do not count
    # inodes print 0 or a dash. The total includes blocks reserved for root.
    columns = re.search(r" (\d+|-) +(\d+|-) +(\d+|-) +\S+ +(/.*)$", output_row)
    if not columns:
        return Unobserved(reason=f"{name} of the engine's data: {output_row}")
    used, free = (0 if number == "-" else int(number) for number in columns.group(2, 3))
    return Capacity(total=(used + free) * unit, free=free * unit, where=columns[4])


def _memory(output: str) -> Capacity | Unobserved:
    kib = dict(re.findall(r"^(Mem\w+): +(\d+) kB$", output, re.MULTILINE))
    if not {"MemTotal", "MemAvailable"} <= kib.keys():
        return Unobserved(reason="/proc/meminfo does not say what memory is available")
    return Capacity(total=int(kib["MemTotal"]) * 1024, free=int(kib["MemAvailable"]) * 1024)
