"""The file systems on the engine's machine that containers write to through their mounts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from stackproof import shell
from stackproof.facts.container import Container, Mount
from stackproof.facts.machine import Capacity, FileSystem, MountSource
from stackproof.probes.mount_sources import unescape
from stackproof.shell import Line, Operand, UnusableError
from stackproof.unobserved import Unobserved

# Of a directory that the login user may not see, the nearest one that it may see is measured: it
# counts if it is in the same file system. A network file system may not answer at all: this comes
# last, and what was printed before it counts.
_SCRIPT = r"""
sed -nE -e 's#^([^ ]+ ){2}([^ ]+) [^ ]+ ([^ ]+) (r[ow])(,[^ ]*)?( [^ ]+)* - ([^ ]+) [^ ]* '\
'(r[ow]).*#point \2 \4 \8 \7 \3#p' /proc/self/mountinfo
set --
for each in <sources>; do
  if [ -e "$each" ] && [ ! -d "$each" ]; then printf 'file %s\n' "$each"; continue; fi
  at=$each
  until [ -d "$at/" ]; do at=${at%/*}; done
  if [ "$at" = "$each" ] || [ ! -x "$at/" ]; then
    printf 'data %s\nmeasured %s\n' "$each" "${at:-/}"; set -- "$@" "${at:-/}"
  else
    printf 'data %s\nnowhere\n' "$each"
  fi
done
[ $# -eq 0 ] || stat -f -c 'space %S %b %f %a %c %d %n' -- "$@" 2>&1
"""
_OF_KERNEL = ("/proc", "/sys", "/dev")
_ALWAYS_READ_ONLY = frozenset({"cramfs", "erofs", "iso9660", "romfs", "squashfs", "udf"})
_MOST_SOURCES = 200


class _Point(NamedTuple):
    """A mount point of the engine's machine."""

    device: str
    path: str
    was_made_read_only: bool
    """Whether the kernel writes nothing to it, although it was mounted for writing."""


def sources(containers: Iterable[Container], data_directory: str) -> dict[str, tuple[str, ...]]:
    """Return the paths on the machine that containers may write to, and what mounts each.

    Volumes of plugins lie where only the plugin knows.

    Args:
        containers: running containers.
        data_directory: the directory of the engine's data, with its volumes.
    """
    found: dict[str, tuple[str, ...]] = {}
    for container in containers:
        for mount in container.creation.mounts:
            if _is_measured(mount, data_directory):
                by = f"{container.name} {mount.target}"
                found[mount.source] = (*found.get(mount.source, ()), by)
    return found


def command(paths: Iterable[str]) -> Line | None:
    """Return the shell line whose output `parse` parses; None without such paths."""
    operands: list[Operand] = [shell.path(each) for each in sorted(paths)[:_MOST_SOURCES]]
    if not operands:
        return None
    return shell.line(_SCRIPT, sources=operands)


def parse(
    output: str, mounted: Mapping[str, Sequence[str]], data_directory: str
) -> tuple[MountSource, ...]:
    """Parse the output of the command. Files are left out: they are replaced, or do not grow.

    Args:
        output: what it printed.
        mounted: by path on the machine, what mounts it.
        data_directory: the directory of the engine's data.
    """
    points = list(_points(output))
    files = set(re.findall(r"^file (/.*)$", output, re.MULTILINE))
    measured = dict(re.findall(r"^data (/.*)\nmeasured (/.*)$", output, re.MULTILINE))
    missing = set(re.findall(r"^data (/.*)\nnowhere$", output, re.MULTILINE))
    spaces = {
        found[7]: tuple(map(int, found.groups()[:6])) for found in re.finditer(
            r"^space (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (/.*)$", output, re.MULTILINE)
    }  # fmt: skip
    errors = dict(re.findall(r"^stat: .*?'?(/[^'\n]*?)'?: ([A-Z][^:\n]*)$", output, re.MULTILINE))
    engine = _point(data_directory, points)

    def measure(source: str) -> FileSystem | Unobserved:
        at, point = measured.get(source, ""), _point(source, points)
        if source in missing:
            return Unobserved(reason=f"{source} is not there on the engine's machine")
        if not at or point is None or (at not in spaces and at not in errors):
            return Unobserved(reason=f"the file system of {source}: no answer in time")
        if at in errors:
            return Unobserved(reason=f"the file system of {source}: {errors[at]}")
        near = _point(at, points)
        if near is None or near.device != point.device:
            return Unobserved(reason=f"the file system of {source}: permission denied")
        block, blocks, free, available, inodes, free_inodes = spaces[at]
        return FileSystem(
            device=point.device,
            disk=Capacity(
                total=(blocks - free + available) * block,
                free=available * block,
                where=point.path,
            ),
            inodes=Capacity(total=inodes, free=free_inodes, where=point.path),
            was_made_read_only=point.was_made_read_only,
            has_engine_data=engine is not None and engine.device == point.device,
        )

    return tuple(
        MountSource(path=source, mounted_by=tuple(by), file_system=measure(source))
        for source, by in mounted.items()
        if source not in files
    )


def _points(output: str) -> Iterator[_Point]:
    for device, mount, system, kind, path in re.findall(
        r"^point (\S+) (r[ow]) (r[ow]) (\S+) (\S+)$", output, re.MULTILINE
    ):
        made = (mount, system) == ("rw", "ro") and kind not in _ALWAYS_READ_ONLY
        yield _Point(device, unescape(path), made)


def _point(path: str, points: Sequence[_Point]) -> _Point | None:
    """Return the mount point that contains a path; of several at the same place, the last one."""
    above = [each for each in points if PurePosixPath(path).is_relative_to(each.path)]
    longest = max((len(each.path) for each in above), default=0)
    return next((each for each in reversed(above) if len(each.path) == longest), None)


def _is_measured(mount: Mount, data_directory: str) -> bool:
    if mount.read_only or mount.kind not in ("bind", "volume"):
        return False
    try:
        shell.path(mount.source)
    except UnusableError:
        return False
    source = PurePosixPath(mount.source)
    if mount.kind == "volume":
        return source.is_relative_to(data_directory)
    return not any(source.is_relative_to(each) for each in _OF_KERNEL)
