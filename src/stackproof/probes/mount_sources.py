"""Whether what a container mounts is still what lies on the host, from the kernel's mount tables.

The table of a process names each mounted file or directory by its present place in its file system,
and says if it was deleted. Compared with the place to which the path leads now, that shows every
way of replacing it: renamed, deleted and created again, or linked to another one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from stackproof import shell
from stackproof.facts.container import Mount
from stackproof.facts.machine import SourceState
from stackproof.shell import Line, Operand, UnusableError
from stackproof.unobserved import Unobserved

_SCRIPT = r"""
sed -nE 's#^([^ ]+ ){2}([^ ]+ [^ ]+ [^ ]+) .*#here \2#p' /proc/self/mountinfo
for each in <sources>; do
  printf 'source %s\nleads %s\n' "$each" "$(readlink -f -- "$each")"
  [ ! -x "${each%/*}/" ] || [ -e "$each" ] || printf 'gone %s\n' "$each"
done
grep -sH '' <tables> | \
sed -nE 's#^/proc/([0-9]+)/[a-z]+:([^ ]+ ){2}([^ ]+ [^ ]+ [^ ]+) .*#mount \1 \3#p' | \
grep -vE '^mount [0-9]+ [^ ]+ [^ ]+ /((proc|sys|dev)(/.*)?)?$'
"""
_OF_KERNEL = ("/proc", "/sys", "/dev")
_DELETED = "//deleted"
GONE = "deleted without a new one"
"""What became of a source that is no longer there: the container cannot start again."""
_MOST_SOURCES = 200


class Mounted(NamedTuple):
    """What a running container mounts."""

    pid: int
    """Of its first process, on the engine's machine."""
    mounts: tuple[Mount, ...]


class _Place(NamedTuple):
    """A place in a file system."""

    device: str
    path: str


def command(containers: Iterable[Mounted]) -> Line | None:
    """Return the shell line whose output `parse` parses; None if nothing is to be compared."""
    tables: list[Operand] = []
    sources: dict[str, Operand] = {}
    for each in containers:
        compared = [mount for mount in each.mounts if _is_compared(mount)]
        if each.pid > 0 and compared:
            tables.append(shell.path(f"/proc/{each.pid}/mountinfo"))
            sources |= {mount.source: shell.path(mount.source) for mount in compared}
    if not tables:
        return None
    return shell.line(_SCRIPT, tables=tables, sources=list(sources.values())[:_MOST_SOURCES])


def parse(output: str, containers: Mapping[str, Mounted]) -> dict[str, dict[str, SourceState]]:
    """Parse the output: by container and path in it, what became of the source of the mount."""
    here = [(_Place(dev, unescape(path)), unescape(point)) for dev, path, point in re.findall(
        r"^here (\S+) (\S+) (\S+)$", output, re.MULTILINE)]  # fmt: skip
    leads = dict(re.findall(r"^source (.+)\nleads (.*)$", output, re.MULTILINE))
    gone = set(re.findall(r"^gone (.+)$", output, re.MULTILINE))
    tables: dict[int, dict[str, _Place]] = {}
    for pid, device, path, target in re.findall(
        r"^mount (\d+) (\S+) (\S+) (\S+)$", output, re.MULTILINE
    ):
        tables.setdefault(int(pid), {})[unescape(target)] = _Place(device, unescape(path))
    return {
        container: {
            mount.target: _compare(
                mount,
                tables.get(each.pid, {}),
                leads.get(mount.source, ""),
                here,
                is_gone=mount.source in gone,
            )
            for mount in each.mounts
            if _is_compared(mount)
        }
        for container, each in containers.items()
    }


def _compare(
    mount: Mount,
    table: Mapping[str, _Place],
    leads: str,
    here: Sequence[tuple[_Place, str]],
    *,
    is_gone: bool,
) -> SourceState:
    """Return what became of a source; an empty text if it is what is mounted."""
    mounted, now = table.get(mount.target), _place(leads or mount.source, here)
    if mounted is None:
        # A link on the way to the target, such as /var/run, leads elsewhere in the container.
        if leads and now in table.values():
            return ""
        return Unobserved(
            reason=f"the mount at {mount.target} was not observed: "
            "only root on the engine's machine can"
        )
    if mounted.path.endswith(_DELETED):
        return GONE if is_gone else "deleted"
    if now == mounted:
        return ""
    if now is None or not leads:
        return Unobserved(
            reason=f"{mount.source} is not there, or permission denied, on the engine's machine"
        )
    if now.device != mounted.device:
        return Unobserved(reason=f"{mount.source} and the mount of it are on other file systems")
    return f"moved to {mounted.path}"


def _place(path: str, here: Sequence[tuple[_Place, str]]) -> _Place | None:
    """Return the place of a path in its file system; None if no mount contains it."""
    above = [each for each in here if PurePosixPath(path).is_relative_to(each[1])]
    if not above:
        return None
    longest = max(len(point) for _, point in above)
    place, point = [each for each in above if len(each[1]) == longest][-1]
    below = PurePosixPath(path).relative_to(point)
    return _Place(place.device, str(PurePosixPath(place.path) / below))


def _is_compared(mount: Mount) -> bool:
    if mount.kind not in ("bind", "volume"):
        return False
    for path in (mount.source, mount.target):
        try:
            shell.path(path)
        except UnusableError:
            return False
        if any(PurePosixPath(path).is_relative_to(each) for each in _OF_KERNEL):
            return False
    return True


def unescape(escaped: str) -> str:
    r"""Return a text of a mount table, in which `\040` is a space."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), escaped)
