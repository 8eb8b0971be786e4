"""Cgroup files on the engine's machine: memory, CPU time and processes of containers.

The engine's own figures take up to a second: until the next tick of its collector.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from stackproof import shell
from stackproof.facts.container import CgroupVersion, Process, Usage
from stackproof.shell import Line, Operand
from stackproof.sizes import Bytes

# The cgroup of a container is the deepest one with its ID in its name, whatever the layout:
# `/docker/ID`, `/system.slice/docker-ID.scope`, `/machine.slice/libpod-ID.scope/container`, below a
# user's slice or a parent of the operator's choice. `conmon` is Podman's monitor of the container.
_CGROUP = r"/(([^/]*/)*[^/]*[0-9a-f]{64}[^/]*).*"
_FIND = """cd /sys/fs/cgroup && grep -sHF $(printf -- '-e %s ' <ids>) /proc/[0-9]*/cgroup | \\
sed -nE -e '/conmon-/d' {} | sort -u | tr '\\n' '\\0' | \\
xargs -0 grep -sHE '^([0-9]+|max|{} .*|nr_(periods|throttled) .*|oom_kill .*)$' --"""
# Processes that a signal stopped and dead first processes, with what tells whose they are.
_STOPPED = r"""
for each in $(grep -lsE '^State:[[:space:]]+[TZ]' /proc/[0-9]*/status | head -n 50); do
  up=${each%/*/status}
  above=$(sed -n 's/^PPid:[[:space:]]*//p' "$each" 2>/dev/null)
  echo 'process'; sed -nE 's/^(Name|State|NSpid):[[:space:]]*/\1 /p' "$each"
  sed -nE 's/^NSpid:[[:space:]]*/above /p' "$up/$above/status"
  grep -sF $(printf -- '-e %s ' <ids>) "${each%status}cgroup"
done 2>/dev/null
"""
# The output is sorted: what a container can do without comes first, and truncated output lacks its
# end.
_PIDS = ("pids.current", "pids.max")
_MEMORY: Mapping[CgroupVersion, tuple[str, str, str, str]] = {
    "1": ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "memory.oom_control"),
    "2": ("memory.max", "memory.current", "memory.stat", "memory.events"),
}
_CACHE: Mapping[CgroupVersion, str] = {"1": "total_inactive_file", "2": "inactive_file"}
_PROCESS = re.compile(
    r"^process\nName (.*)\nState (\w).*\nNSpid (.+)\n(?:above (.+)\n)?"
    r"(?:\d+:[^:\n]*:.*?([0-9a-f]{64})(?!.*[0-9a-f]{64}).*\n)",
    re.MULTILINE,
)
_LINE = re.compile(r"^\S*([0-9a-f]{64})\S*?/([\w.]+):(?:(\w+) )?(\d+|max)\n", re.MULTILINE)


def command(version: CgroupVersion, ids: Iterable[Operand]) -> Line:
    """Return the shell line whose output `parse` parses.

    Args:
        version: the version of the machine's cgroups.
        ids: the full ids of running containers.
    """
    if version == "1":
        cpu = _files(r"([^:]*,)?cpu(,[^:]*)?:", r"cpu/\3", "cpu.stat")
        memory = _files(r"([^:]*,)?memory(,[^:]*)?:", r"memory/\3", *_MEMORY[version])
        pids = _files(r"([^:]*,)?pids(,[^:]*)?:", r"pids/\3", *_PIDS)
        expressions = f"{cpu} {memory} {pids}"
    else:
        expressions = _files(":", r"\1", "cpu.stat", *_MEMORY[version], *_PIDS)
    found = list(ids)
    figures = shell.line(_FIND.format(expressions, _CACHE[version]), ids=found)
    return shell.lines(figures, shell.line(_STOPPED, ids=found))


def _files(controllers: str, directory: str, *names: str) -> str:
    """Return the option of sed that turns a line of `/proc/PID/cgroup` into paths of files."""
    paths = r"\n".join(f"{directory}/{name}" for name in names)
    return f"-e 's#^[^:]*:[0-9]+:{controllers}{_CGROUP}#{paths}#p'"


def parse(version: CgroupVersion, output: str, machine_memory: Bytes) -> dict[str, Usage]:
    """Parse the output of the command: the usage of each container with all figures."""
    figures: dict[str, dict[str, str]] = defaultdict(dict)
    for container, file, field, value in _LINE.findall(output):
        figures[container][field or file] = value
    limit, usage, *_ = _MEMORY[version]
    stopped = _stopped(output)
    return {
        container: Usage(
            memory_limit=Bytes(min(_number(of[limit]), machine_memory)),
            memory_used=in_use(int(of[usage]), int(of[_CACHE[version]])),
            cpu_periods=int(of.get("nr_periods", 0)),
            cpu_throttled_periods=int(of.get("nr_throttled", 0)),
            oom_kills=int(of["oom_kill"]) if "oom_kill" in of else None,
            pids=int(of["pids.current"]) if of.keys() >= set(_PIDS) else None,
            pids_limit=int(of["pids.max"]) if of.get("pids.max", "max") != "max" else None,
            stopped=tuple(stopped[container]),
        )
        for container, of in figures.items()
        if {limit, usage, _CACHE[version]} <= of.keys()
    }


def _stopped(output: str) -> Mapping[str, list[Process]]:
    """Return the stopped processes of each container: its first one, and those that this started.

    Those of `docker exec` are left out: somebody may have stopped a program of theirs. So are dead
    processes whose parent has not asked how they ended, except the first one.
    """
    found: dict[str, list[Process]] = defaultdict(list)
    for name, state, pids, above, container in _PROCESS.findall(output):
        own, parent = pids.split(), above.split()
        is_first = own[-1] == "1" and len(own) > 1
        is_child = parent[-1:] == ["1"] and len(parent) == len(own) > 1
        if is_first or (is_child and state == "T"):
            found[container].append(Process(name=name, pid=int(own[-1]), is_dead=state == "Z"))
    return found


def in_use(usage: int, cache: int) -> Bytes:
    """Return the memory in use, as `docker stats` does: without page cache that can be dropped."""
    return Bytes(max(0, usage - cache))


def _number(limit: str) -> float:
    return float("inf") if limit == "max" else int(limit)
