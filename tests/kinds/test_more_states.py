"""States of MySQL, RabbitMQ and memcached, and answers from which they cannot be read."""

import json
from typing import Any

import pytest

from stackproof.facts.reply import Reply
from stackproof.kinds import memcached
from stackproof.kinds.mysql import mysql_state
from stackproof.kinds.rabbitmq import error_of, greets, rabbitmq_login, rabbitmq_state
from stackproof.unobserved import UnobservedError
from tests import shop

VARIABLES = {"max_connections": "151", "read_only": "OFF"}


def _mysql(code: int = 0, status: str = "Threads_connected\t7", **variables: Any) -> Any:
    rows = "".join(f"{name}\t{value}\n" for name, value in (VARIABLES | variables).items())
    return shop.said("mysql", code, f"mysql: [Warning] MYSQL_PWD is deprecated\n{rows}{status}")


def test_mysql() -> None:
    state = mysql_state.parse(_mysql())
    assert (state.read_only, state.connections, state.max_connections) == ((), 7, 151)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("read_only", "ON", True),
        ("read_only", "NO_LOCK_NO_ADMIN", True),
        ("super_read_only", "1", True),
        ("offline_mode", "ON", True),
        ("transaction_read_only", "ON", True),
        ("tx_read_only", "0", False),
        ("innodb_read_only", "off", False),
    ],
)
def test_mysql_that_refuses_writes(name: str, value: str, found: bool) -> None:
    changed: dict[str, Any] = {name: value}
    assert mysql_state.parse(_mysql(**changed)).read_only == ((name,) if found else ())


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (_mysql(1), "MySQL did not answer a query: Threads_connected\t7"),
        (shop.said("mysql", 0, "hello"), "MySQL's answer has no read_only: hello"),
        (_mysql(status=""), r"MySQL's answer cannot be read \(connections\)"),
        (_mysql(max_connections="0"), r"cannot be read \(max_connections\)"),
        (_mysql(max_connections="9" * 30), r"cannot be read \(max_connections\)"),
    ],
)
def test_mysql_that_cannot_be_read(result: Any, why: str) -> None:
    with pytest.raises(UnobservedError, match=why):
        mysql_state.parse(result)


STATUS: dict[str, Any] = {
    "alarms": [],
    "disk_free": 5000,
    "disk_free_limit": 50,
    "is_under_maintenance": False,
    "listeners": [
        {"interface": "[::]", "port": 25672, "protocol": "clustering"},
        {"interface": "[::]", "port": 5672, "protocol": "amqp"},
    ],
    "memory": {"total": {"erlang": 60, "rss": 120}},
    "vm_memory_calculation_strategy": "rss",
    "vm_memory_high_watermark_limit": 1000,
}


def _rabbitmq(login: str = "", code: int = 0, **changes: Any) -> Any:
    status = f"{json.dumps(STATUS | changes)}\nexit code {code}"
    return shop.said("rabbitmq-diagnostics status", 0, f"{status}\n{login}".strip())


def test_rabbitmq() -> None:
    state = rabbitmq_state.parse(_rabbitmq())
    assert (state.listeners, state.alarms) == (("[::]:5672",), ())
    assert (state.memory_used, state.memory_limit) == (120, 1000)
    assert not state.is_on_loopback
    older = rabbitmq_state.parse(_rabbitmq(memory={"total": 90}))
    assert older.memory_used == 90


@pytest.mark.parametrize(
    ("interfaces", "loopback"),
    [
        (["127.0.0.1"], True),
        (["[::1]", "127.0.0.1"], True),
        (["localhost"], True),
        (["127.0.0.1", "[::]"], False),
        (["0.0.0.0"], False),  # noqa: S104 - it is read, not bound
        ([], False),
    ],
)
def test_where_rabbitmq_listens(interfaces: list[str], loopback: bool) -> None:
    listeners = [{"interface": each, "port": 5671, "protocol": "amqp/ssl"} for each in interfaces]
    assert rabbitmq_state.parse(_rabbitmq(listeners=listeners)).is_on_loopback is loopback


def test_alarms_of_rabbitmq() -> None:
    alarms = [{"node": "rabbit@a", "resource": "disk", "type": "resource_limit"}, "memory"]
    assert rabbitmq_state.parse(_rabbitmq(alarms=alarms)).alarms == ("disk", "memory")


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (_rabbitmq(code=137), "RabbitMQ's command line tool did not end in time"),
        (shop.said("x", 0, "Error: no epmd\nexit code 69"), "got no answer: no epmd"),
        (shop.said("x", 137, "", timed_out=True), "got no answer: no answer in time"),
        (shop.said("x", 96, "P is not set"), "the password cannot be read: P is not set"),
        (shop.said("x", 0, "[]\nexit code 0"), "RabbitMQ's status cannot be read"),
        (shop.said("x", 0, "{}\nexit code 0"), "RabbitMQ's status cannot be read"),
        (_rabbitmq(listeners=7), "RabbitMQ's status cannot be read"),
        (_rabbitmq(disk_free="NaN"), r"RabbitMQ's status cannot be read \(disk_free\)"),
    ],
)
def test_rabbitmq_that_cannot_be_read(result: Any, why: str) -> None:
    with pytest.raises(UnobservedError, match=why):
        rabbitmq_state.parse(result)


def test_login_of_rabbitmq() -> None:
    refused = 'Error:\nError: failed to authenticate user "app"\nuser - invalid\nexit code 65'
    result = rabbitmq_login.parse(_rabbitmq(refused))
    assert (result.exit_code, error_of(result)) == (65, 'failed to authenticate user "app"')
    assert rabbitmq_login.parse(_rabbitmq("Success\nexit code 0")).exit_code == 0
    with pytest.raises(UnobservedError, match="tool got no answer"):
        rabbitmq_login.parse(_rabbitmq("Error: the app must run\nexit code 64"))
    with pytest.raises(UnobservedError, match="did not end in time"):
        rabbitmq_login.parse(_rabbitmq("\nexit code 137"))
    with pytest.raises(UnobservedError, match="tool got no answer"):
        rabbitmq_login.parse(_rabbitmq())


def _reply(text: str, error: str = "") -> Reply:
    return Reply(sent="stats", address="172.20.0.5:11211", text=text, error=error)


def test_greeting_of_rabbitmq() -> None:
    assert greets(_reply("\x01\x00\x00\x00\x00"))
    assert not greets(_reply("AMQP\x00\x00\x09\x01"))
    assert not greets(_reply("\x01\x00\x00", "the connection ended"))
    assert not greets(_reply("", "connection refused"))
    with pytest.raises(UnobservedError, match=r"172[.]20[.]0[.]5:11211 expects TLS"):
        greets(_reply("\x15\x03\x03\x00", "the connection ended"))


STATS = (
    "STAT pid 1\r\nSTAT version 1.6.18\r\nSTAT curr_connections 3\r\nSTAT max_connections 1024\r\n"
    "STAT reserved_fds 24\r\nSTAT total_items 60\r\nSTAT evictions 45\r\nEND\r\n"
)


def test_memcached() -> None:
    state = memcached.memcached_state.parse(_reply(STATS))
    assert (state.curr_connections, state.most_clients) == (3, 1000)
    assert (state.total_items, state.evictions) == (60, 45)
    older = memcached.memcached_state.parse(_reply(STATS.replace("STAT reserved_fds 24\r\n", "")))
    assert older.most_clients == 1024


@pytest.mark.parametrize(
    ("reply", "observed"),
    [
        (_reply("", "connection refused"), "connection refused"),
        (_reply("", "no answer in time"), "no answer in time"),
        (
            _reply("ERROR Too many open connections\r\n", "the connection ended"),
            "ERROR Too many open connections",
        ),
        (_reply("STAT pid 1\r\n", "no answer in time"), "no answer in time"),
        (_reply("HTTP/1.1 400 Bad Request\r\nEND\r\n"), "HTTP/1.1 400 Bad Request"),
    ],
)
def test_memcached_that_does_not_answer(reply: Reply, observed: str) -> None:
    assert not memcached.is_stats(reply)
    assert memcached.observed(reply) == observed
    with pytest.raises(UnobservedError, match=f"memcached did not answer stats: {observed}"):
        memcached.memcached_state.parse(reply)


def test_memcached_without_what_every_version_reports() -> None:
    with pytest.raises(UnobservedError, match=r"cannot be read \(evictions\)"):
        memcached.memcached_state.parse(_reply(STATS.replace("STAT evictions 45\r\n", "")))
