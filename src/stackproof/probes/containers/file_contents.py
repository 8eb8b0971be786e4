"""Whether the configs and secrets of a container have the contents that Compose files specify.

Only that is kept, and no digest: a secret may be short.
"""

import re
from collections.abc import Iterator, Mapping

from stackproof import shell
from stackproof.environment.container_settings import DeclaredContent
from stackproof.facts.container import Container
from stackproof.facts.settings import short_digest
from stackproof.probes.containers import commands
from stackproof.probes.engine_session import EngineSession
from stackproof.shell import UnusableError
from stackproof.unobserved import UnobservedError, observed

_DIGEST = re.compile(r"^([0-9a-f]{64})  (/.*)$", re.MULTILINE)
_COPIED = re.compile(r"^copied (\d+) \S+ \S+\.0{9} \S+ (/.*)$", re.MULTILINE)
"""A file as Compose copies it: modified at a whole second. A program hardly ever does that."""
_COPIED_WITHIN = 5
"""Seconds between the creation of a container and of the files that Compose copies into it."""


def add_file_contents(
    engine: EngineSession,
    instance: str,
    container: Container,
    declared: Mapping[str, DeclaredContent],
) -> Container:
    """Add to a container whether its files have the declared contents.

    Args:
        engine: runs a command in the container, if there are such files and it runs.
        instance: the instance of a service that the container is.
        container: the container.
        declared: the contents by path.
    """
    compared = {path: each for path, each in declared.items() if each.digest}
    if not compared or container.status != "running":
        return container
    try:
        line = shell.line(
            "sha256sum -- <paths> 2>/dev/null; stat -L -c 'copied %Y %y %n' -- <paths> 2>/dev/null",
            paths=[shell.path(path) for path in compared],
        )
        result = observed(commands.run(engine, instance, {"contents": line})["contents"])
    except (UnobservedError, UnusableError):
        return container
    return container.model_copy(
        update={"same_files": dict(_compare(result.output, container, compared))}
    )


def _compare(
    output: str, container: Container, declared: Mapping[str, DeclaredContent]
) -> Iterator[tuple[str, bool]]:
    mounted = {mount.target for mount in container.creation.mounts}
    created = container.created_at.timestamp() if container.created_at else 0
    copied = {
        path for at, path in _COPIED.findall(output) if abs(int(at) - created) <= _COPIED_WITHIN
    }
    for digest, path in _DIGEST.findall(output):
        if path not in declared:
            continue
        is_same = short_digest(digest) == declared[path].digest
        # The program of a container may change a file that is not mounted.
        if is_same or path in mounted or path in copied:
            yield path, is_same
