"""Volumes of the engine."""

from stackproof.engine.client import LIST_CAP
from stackproof.engine.connection import Connection
from stackproof.probes.declaration import ENVIRONMENT, Target, probe
from stackproof.probes.engine_session import connection


@probe("volumes", of=ENVIRONMENT, needs=[connection])
def volumes(_: Target, connection: Connection) -> tuple[str, ...]:
    """The names of all volumes."""
    found = connection.call(lambda engine: engine.get("/volumes", limit=LIST_CAP))
    return tuple(sorted(each.text("Name") for each in found.each("Volumes")))
