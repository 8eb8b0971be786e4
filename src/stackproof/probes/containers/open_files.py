"""The files and connections that processes of containers have open, on the engine's machine."""

import re
from collections.abc import Iterable, Mapping

from stackproof import shell
from stackproof.facts.container import OpenFiles
from stackproof.shell import Line, Operand
from stackproof.unobserved import Unobserved

# Numbers of processes are those of the machine.
_COUNT = r"""
own=$(grep -lsF $(printf -- '-e %s ' <ids>) /proc/[0-9]*/cgroup)
own=$(for each in $own; do printf '%s ' "${each%/cgroup}"; done)
if [ "$own" ]; then
  grep -sHF -m 1 $(printf -- '-e %s ' <ids>) $(printf '%s/cgroup ' $own)
  grep -sH '' $(printf '%s/comm ' $own)
  grep -sH '^Max open files' $(printf '%s/limits ' $own)
  LC_ALL=C find $(printf '%s/fd ' $own) -mindepth 1 2>&1 | sed -nE \
    -e 's#^find: .*/proc/([0-9]+)/fd.*: Permission denied$#denied \1#p' \
    -e 's#^/proc/([0-9]+)/fd/.*#open \1#p' | sort | uniq -c
fi
"""


def command(ids: Iterable[Operand]) -> Line:
    """Return the shell line whose output `parse` parses.

    Args:
        ids: the full ids of running containers.
    """
    return shell.line(_COUNT, ids=list(ids))


def parse(output: str, containers: Iterable[str]) -> Mapping[str, OpenFiles | Unobserved]:
    """Parse the output: for each container, its process that is nearest to its limit."""
    owner = _by_process(output, r"cgroup:.*([0-9a-f]{64})(?!.*[0-9a-f]{64}).*")
    names = _by_process(output, r"comm:(.*)")
    limits = _by_process(output, r"limits:Max open files +(\d+|unlimited) .*")
    counts = {pid: int(number) for number, pid in _counts(output, "open")}
    denied = {pid for _, pid in _counts(output, "denied")}
    found: dict[str, OpenFiles | Unobserved] = {}
    for container in containers:
        own = [pid for pid, each in owner.items() if each == container]
        # A process that has ended meanwhile, or a dead one, has no files.
        counted = [pid for pid in own if pid in counts and pid in limits and pid in names]
        if any(pid in denied for pid in own):
            reason = "permission denied: only root on the engine's machine can count open files"
            found[container] = Unobserved(reason=reason)
        elif not counted:
            found[container] = Unobserved(reason="its open files were not counted")
        else:
            each_of = (_open_files(names[pid], counts[pid], limits[pid]) for pid in counted)
            found[container] = max(each_of, key=lambda each: (each.ratio, each.used))
    return found


def _open_files(name: str, used: int, limit: str) -> OpenFiles:
    return OpenFiles(name=name, used=used, limit=None if limit == "unlimited" else int(limit))


def _by_process(output: str, pattern: str) -> dict[str, str]:
    return dict(re.findall(rf"^/proc/(\d+)/{pattern}$", output, re.MULTILINE))


def _counts(output: str, what: str) -> list[tuple[str, str]]:
    return re.findall(rf"^ *(\d+) {what} (\d+)$", output, re.MULTILINE)
