"""nginx's log: entries of the levels crit, alert and emerg."""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from stackproof.engine.client import EngineClient
from stackproof.engine.connection import Connection
from stackproof.facts.fields import moment
from stackproof.facts.proxy import LogEntry
from stackproof.probes.containers.inspect import Inspection, inspection
from stackproof.probes.declaration import NGINX, Target, probe
from stackproof.probes.engine_session import connection
from stackproof.probes.nginx.client_messages import CLIENT_MESSAGES
from stackproof.unobserved import UnobservedError

# A line as the engine frames it: at most the eight bytes of a binary header, its time, and what was
# logged: by nginx itself, with a time of its own or at its start. The level precedes what visitors
# sent. Each part has a length, so that no line takes long.
_ENTRY = re.compile(
    rb"^[\s\S]{0,8}?(\d{4}-\d\d-\d\dT\S{1,40}) ("
    rb"(?:nginx: |\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )\[(?:crit|alert|emerg)\] .*)",
    re.MULTILINE,
)
_LEVELS = (b"[crit] ", b"[alert] ", b"[emerg] ")
_OF_CLIENTS = re.compile(
    rb"\] (?:\d+#\d+: )?(?:\*\d+ )?(?:%s)"
    % "|".join(each.pattern for each in CLIENT_MESSAGES).encode()
)
# What the engine writes into the stream instead of lines that it cannot read.
_UNREADABLE = re.compile(rb"^[\s\S]{0,8}?Error grabbing logs: ", re.MULTILINE)
# More than three files of ten megabytes, a usual limit of a log.
_LOG_CAP = 32 * 1024 * 1024
_ENTRIES_KEPT = 20
_LINE_CAP = 300
_LINE_READ = 4096
"""Bytes of a line that continues in the next part; nginx writes no longer lines."""
_TAIL_LINES = 2000
_TAIL_CAP = _TAIL_LINES * _LINE_READ
# Each part of a line has a time, and so may what visitors send.
_TIMES = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:")
# nginx's error log in a frame of standard output.
_ERRORS_ON_STDOUT = re.compile(
    rb"\x01\0\0\0[\s\S]{4}\d{4}-\d\d-\d\dT\S{1,40} \d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] "
)


@probe("alarms", of=NGINX, needs=[connection, inspection])
def log_entries(
    _: Target, connection: Connection, inspection: Inspection | None
) -> tuple[LogEntry, ...]:
    """The last entries of level crit or worse that nginx logged since its container started."""
    if inspection is None:
        raise UnobservedError("there is no container")
    container = inspection.container
    has_terminal = inspection.has_terminal
    return read(connection, container.id, container.started_at, has_terminal=has_terminal)


def read(
    connection: Connection, container_id: str, since: datetime, *, has_terminal: bool = False
) -> tuple[LogEntry, ...]:
    """Read the last entries of level crit or worse.

    nginx logs errors to standard error, or where its configuration says so, to standard output,
    which also has the requests of all visitors. A terminal has only one stream. If the log is
    long, standard output is read only if it has errors.

    Raises:
        UnobservedError: the log cannot be read, or is too long.
    """
    every = {"stdout": 1, "stderr": 1, "timestamps": 1, "since": since.timestamp()}

    def entries(engine: EngineClient) -> tuple[LogEntry, ...]:
        return tuple(_entries(engine.stream(_path(container_id), 2 * _LOG_CAP, query=query)))

    latest = tail(connection, container_id, every)
    if len(_TIMES.findall(latest)) < _TAIL_LINES:  # all of it
        return tuple(_entries([latest]))
    mixed = has_terminal or _ERRORS_ON_STDOUT.search(latest)
    query = every if mixed else {**every, "stdout": 0}
    return connection.call(entries)


def tail(connection: Connection, container_id: str, query: Mapping[str, float]) -> bytes:
    """Read the last lines of a log, as the engine frames them.

    Args:
        connection: the engine.
        container_id: the container.
        query: which streams, and how.
    """

    def last_lines(engine: EngineClient) -> bytes:
        only_last = {**query, "tail": _TAIL_LINES}
        return b"".join(engine.stream(_path(container_id), _TAIL_CAP, query=only_last))

    return connection.call(last_lines)


def _path(container_id: str) -> str:
    return f"/containers/{container_id}/logs"


def _entries(log: Iterable[bytes]) -> deque[LogEntry]:
    """Return the last entries of a log that comes in parts.

    Raises:
        UnobservedError: the log is too long.
    """
    found: deque[LogEntry] = deque(maxlen=_ENTRIES_KEPT)
    length, rest = 0, b""
    for part in log:
        length += len(part)
        if length > _LOG_CAP:
            raise UnobservedError(
                f"nginx has logged more than {_LOG_CAP >> 20} MiB since it started: "
                "limit the size of its log"
            )
        if b"Error grabbing logs: " in part and _UNREADABLE.search(part):
            raise UnobservedError("the engine cannot read nginx's log: Error grabbing logs")
        whole, _, begun = (rest + part).rpartition(b"\n")
        found.extend(_entries_of(whole))
        rest = begun[:_LINE_READ]
    found.extend(_entries_of(rest))
    return found


def _entries_of(lines: bytes) -> list[LogEntry]:
    """Return the last entries of some lines."""
    found: list[LogEntry] = []
    if any(level in lines for level in _LEVELS):
        for logged in reversed(list(_ENTRY.finditer(lines))):
            if len(found) == _ENTRIES_KEPT:
                break
            if _OF_CLIENTS.search(logged[2]):
                continue
            with suppress(ValueError):  # from a malformed time
                at = moment(datetime.fromisoformat(logged[1].decode(errors="replace")))
                line = logged[2].decode(errors="replace").rstrip()[:_LINE_CAP]
                found.append(LogEntry(at=at, line=line))
    return found[::-1]
