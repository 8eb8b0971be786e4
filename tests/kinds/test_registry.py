"""Declarations of kinds: one name for each, and what is generated from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules
from unittest.mock import patch

import pytest

from stackproof.environment.datastores import Datastores
from stackproof.environment.model import Environment
from stackproof.fixtures import arguments
from stackproof.fixtures.session.subjects import SUBJECTS
from stackproof.kinds import registry
from stackproof.kinds.postgresql import Postgresql, pg_isready, psql
from stackproof.kinds.redis import Redis, Valkey, redis_info, redis_ping, redis_state
from stackproof.kinds.registry import Datastore
from stackproof.shell import Line, UnusableError, line

FIXTURE = type(pytest.fixture(lambda: None))


@contextmanager
def copied() -> Iterator[None]:
    """Let a test register kinds without leaving them in the registry."""
    with (
        patch.dict(registry.DATASTORES),
        patch.dict(registry.COMMANDS),
        patch.dict(registry.STATES),
    ):
        yield


@pytest.mark.parametrize("name", ["redis", "redis_ping", "redis_state"])
def test_a_name_cannot_be_used_twice(name: str) -> None:
    with copied(), pytest.raises(ValueError, match=rf"are named '{name}'$"):

        @registry.datastore(name)
        class _Other(Datastore):
            """A kind with a name that is in use."""


def test_a_command_cannot_have_the_name_of_another() -> None:
    def redis_ping(_: Redis) -> Line:
        return line("redis-cli ping")

    with copied(), pytest.raises(ValueError, match=r"are named 'redis_ping'$"):
        registry.command(Redis)(redis_ping)


def test_no_declaration_hides_another_argument() -> None:
    generated = {
        *registry.DATASTORES, *registry.COMMANDS, *registry.EXCHANGES, *registry.STATES
    }  # fmt: skip
    others = {
        name
        for module in iter_modules(arguments.__path__, f"{arguments.__name__}.")
        if not module.name.endswith(".datastores")
        for name, value in vars(import_module(module.name)).items()
        if isinstance(value, FIXTURE)
    }
    assert "container" in others
    assert generated & others == set()
    assert registry.DATASTORES.keys() <= SUBJECTS.keys()


def test_arguments_are_documented() -> None:
    assert pg_isready.doc.startswith("Result of `pg_isready`, PostgreSQL's readiness probe, over")
    assert redis_state.doc.startswith("State of the server, from its answer to INFO.")
    assert (redis_state.name, redis_state.of) == ("redis_state", redis_info)


def test_lines() -> None:
    server = Postgresql(name="db", user="app", database="shop orders")
    ready = pg_isready.line(server)
    assert ready.label == "pg_isready -U app -d 'shop orders'"
    assert """-d '"'"'shop orders'"'"' -t 2 -h "$hosts" 2>&1""" in ready
    inside = server.model_copy(update={"over_tcp": False})
    assert pg_isready.line(inside) == ready.label
    assert """exec psql -XAtw -U app -d '"'"'shop orders'"'"' "$@" -c "$query\"'""" in psql.line(
        server
    )
    assert redis_ping.line(Redis(name="cache")).label == "redis-cli ping"
    assert redis_info.line(Redis(name="cache")).label == "redis-cli info"
    assert " -p 6380 info" in redis_info.line(Redis(name="cache", port=6380))


def test_a_name_that_cannot_be_an_operand() -> None:
    server = Postgresql(name="db", user="host=elsewhere", database="shop")
    with pytest.raises(UnusableError, match="unusable database name 'host=elsewhere'"):
        pg_isready.line(server)


def test_declared_servers_of_a_kind() -> None:
    declared = Datastores.model_validate({"redis": {"cache": None, "queue": {"memory_used": 0.5}}})
    assert declared.of(Redis) == {
        "cache": Redis(name="cache"), "queue": Redis(name="queue", memory_used=0.5),
    }  # fmt: skip
    assert declared.of(Postgresql) == {}


def test_servers_of_a_kind_that_another_is_derived_from() -> None:
    declared = Datastores.model_validate({"redis": {"cache": None}, "valkey": {"queue": None}})
    assert set(declared.of(Redis)) == {"cache", "queue"}
    assert set(declared.of(Valkey)) == {"queue"}
    services = dict.fromkeys(("cache", "queue"), None)
    shop = Environment.model_validate(
        {"name": "shop", "services": services, "datastores": {"valkey": {"queue": None}}}
    )
    assert set(SUBJECTS["redis"](shop)) == {"queue"}
