"""A declared database, and how full it may be."""

from typing import Any

from pydantic import Field, model_validator

from environments.declared import Declared, named, nothing
from environments.values import Line, Share, Table


class Postgresql(Declared):
    """A PostgreSQL server, named by its service, and the role and database that the stack uses."""

    name: str
    user: Line
    database: Line
    connections_used: Share = 0.8
    """Share of `max_connections` that may be taken. A deploy doubles a service's connections."""


class Redis(Declared):
    """A Redis server, named by its service."""

    name: str
    memory_used: Share = 0.9
    """Share of `maxmemory` that may be in use. At the maximum it evicts, or refuses writes."""


class Datastores(Declared):
    """The databases of the stack, by kind and then by service."""

    postgresql: Table[Postgresql] = Field(default_factory=nothing)
    redis: Table[Redis] = Field(default_factory=nothing)

    @model_validator(mode="before")
    @classmethod
    def _name_by_key(cls, data: Any) -> Any:
        return named(data, "postgresql", "redis")
