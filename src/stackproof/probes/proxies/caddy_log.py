"""Caddy's log: errors since it last loaded its configuration."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from stackproof.engine.client import EngineClient
from stackproof.engine.connection import Connection
from stackproof.facts.fields import moment
from stackproof.facts.proxy import LogEntry
from stackproof.kinds.caddy_log import Log
from stackproof.probes.containers.inspect import Inspection, inspection
from stackproof.probes.declaration import CADDY, Target, probe
from stackproof.probes.engine_session import connection
from stackproof.unobserved import UnobservedError

# A line as the engine frames it: at most the eight bytes of a binary header, its time, and what was
# logged.
_LINE = re.compile(rb"^[\s\S]{0,8}?(\d{4}-\d\d-\d\dT\S{1,40}) (.*)$")
_CAP = 32 * 1024 * 1024
_LINE_READ = 16 * 1024
_KEPT = 20
# The engine notes the start once the program runs, later if it is busy. Errors of an earlier run
# do not count, because a start of Caddy clears them.
_EARLIER_SECONDS = 10
# Only these lines are parsed: nearly all others are of requests.
_OF_INTEREST = re.compile(
    rb'"level":"(?:error|dpanic|panic|fatal)"|\t(?:\x1b\[\d+m)*(?:ERROR|DPANIC|PANIC|FATAL)'
    rb"|using provided configuration|serving initial configuration|load complete"
    rb"|admin endpoint started|redirected default logger"
    rb"|certificate (?:obtained|renewed) successfully"
)


@probe("caddy_logs", of=CADDY, needs=[connection, inspection])
def caddy_errors(
    target: Target, connection: Connection, inspection: Inspection | None
) -> tuple[LogEntry, ...]:
    """The last errors that Caddy logged since it loaded its configuration."""
    if inspection is None:
        raise UnobservedError("there is no container")
    container = inspection.container
    hosts = {urlsplit(each.url).hostname or "" for each in target.environment.routes.values()}
    path = f"/containers/{container.id}/logs"
    since = container.started_at.timestamp() - _EARLIER_SECONDS
    query = {"stdout": 1, "stderr": 1, "timestamps": 1, "since": since}

    def read(engine: EngineClient) -> Log:
        log = Log(hosts)
        for lines in _parts(engine.stream(path, 2 * _CAP, query=query)):
            log.read(_entries(lines), _KEPT)
        return log

    log = connection.call(read)
    if log.elsewhere:
        raise UnobservedError(f"Caddy does not log to its container's output: to {log.elsewhere}")
    if not log.lines:
        raise UnobservedError("Caddy has not logged to its container's output that it started")
    return log.errors


def _parts(log: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines of a log that comes in parts.

    Raises:
        UnobservedError: the log is too long.
    """
    length, rest = 0, b""
    for part in log:
        length += len(part)
        if length > _CAP:
            raise UnobservedError(
                f"Caddy has logged more than {_CAP >> 20} MiB since it started: "
                "limit the size of its log"
            )
        *whole, begun = (rest + part).split(b"\n")
        yield whole
        rest = begun[:_LINE_READ]
    yield [rest]


def _entries(lines: Iterable[bytes]) -> Iterator[tuple[datetime, str]]:
    for each in lines:
        if _OF_INTEREST.search(each) and (logged := _LINE.match(each)):
            with suppress(ValueError):  # from a malformed time
                at = moment(datetime.fromisoformat(logged[1].decode(errors="replace")))
                yield at, logged[2].decode(errors="replace").rstrip()
