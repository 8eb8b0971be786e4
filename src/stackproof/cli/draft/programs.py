"""Whether a service of Compose files runs a server, or only a client from the same image."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_WRAPPERS = frozenset({"exec", "tini", "dumb-init", "env", "command", "--", "-g", "-s", "nohup"})
_AS_USER = frozenset({"gosu", "su-exec", "setpriv"})
_ENTRYPOINTS = frozenset({"docker-entrypoint.sh", "entrypoint.sh", "run.sh"})
"""Scripts with which images start their server."""
_COMMANDS = re.compile(r"[;&|\n(){}]+|\b(?:then|do|else|if|while|until)\b")
_ASSIGNMENT = re.compile(r"\w+=\S*")


def runs_server(service: Mapping[str, Any], programs: Collection[str]) -> bool:
    """Return whether a service runs one of these programs, or what its image runs.

    Args:
        service: as Compose reads it.
        programs: the names of the server's programs.
    """
    entrypoint, command = _words(service.get("entrypoint")), _words(service.get("command"))
    words = [*entrypoint, *command]
    if not words or (not entrypoint and words[0].startswith("-")):
        return True
    return any(name in programs or name in _ENTRYPOINTS for name in _programs(words))


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return list(map(str, value)) if isinstance(value, list) else []


def _programs(words: Sequence[str]) -> Iterator[str]:
    """Yield the names of the programs that a command line starts."""
    first = PurePosixPath(words[0]).name
    if first in _SHELLS:
        options = [at for at, word in enumerate(words) if re.fullmatch(r"-[a-z]*c", word)]
        script = " ".join(words[options[0] + 1 :]) if options else " ".join(words[1:])
        for part in _COMMANDS.split(script):
            if inner := part.replace('"', " ").replace("'", " ").split():
                yield from _programs(inner)
    elif first in _WRAPPERS or _ASSIGNMENT.fullmatch(words[0]):
        yield from _programs(words[1:]) if len(words) > 1 else ()
    elif first in _AS_USER:
        yield from _programs(words[2:]) if len(words) > 2 else ()
    else:
        yield first
