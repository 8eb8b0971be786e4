"""Scripts of clients: where servers are asked, which client is used, and what becomes of errors.

The scripts run in a real shell, with programs of the tests instead of the clients.
"""

import subprocess
from pathlib import Path

import pytest

from stackproof.facts.command import CommandResult
from stackproof.kinds.mysql import Mysql, mysql_ping, mysql_query
from stackproof.kinds.postgresql import Postgresql, pg_isready, psql
from stackproof.kinds.rabbitmq import Rabbitmq, rabbitmq_login, rabbitmq_state, rabbitmq_tools
from stackproof.kinds.redis import Redis, redis_ping, reply
from stackproof.shell import Line

VALUE = "6f0e1b7c2a"
VARIABLE = {"password_variable": "APP_PASSWORD"}
TOOLS = ("cat", "grep", "timeout", "sh", "env")


class Container:
    """A directory that is the only one in `PATH`, instead of a container."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for tool in TOOLS:
            (folder / tool).symlink_to(f"/usr/bin/{tool}")
        self.program("hostname", "echo 172.20.0.5 172.21.0.7")

    def program(self, name: str, body: str) -> None:
        (self._folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (self._folder / name).chmod(0o755)

    def run(self, line: Line, **variables: str) -> CommandResult:
        """Run a line as a command in the container is run."""
        ended = subprocess.run(
            ["/bin/sh", "-c", f"exec {line} 2>&1"],
            check=False, capture_output=True, text=True, timeout=30,
            env={"PATH": str(self._folder), **variables},
        )  # fmt: skip
        return CommandResult(command=line, exit_code=ended.returncode, output=ended.stdout.strip())


@pytest.fixture
def inside(tmp_path: Path) -> Container:
    return Container(tmp_path)


ON_LOOPBACK = 'case "$*" in *172.2*) echo "{}"; exit {};; esac; echo {}'


def test_redis_that_listens_on_loopback(inside: Container) -> None:
    refused = "Could not connect to Redis at 172.20.0.5:6379: Connection refused"
    inside.program("redis-cli", ON_LOOPBACK.format(refused, 1, "PONG"))
    result = inside.run(redis_ping.line(Redis(name="cache")))
    assert result.output == f"127.0.0.1: PONG\n{refused}"
    assert (result.last_line, reply(Redis(name="cache"), result)) == (refused, result.output)
    within = inside.run(redis_ping.line(Redis(name="cache", over_tcp=False)))
    assert within.output == "PONG"


def test_postgresql_that_listens_on_loopback(inside: Container) -> None:
    refused = "172.20.0.5:5432 - no response"
    inside.program("pg_isready", ON_LOOPBACK.format(refused, 2, "5432 - accepting connections"))
    db = Postgresql(name="db", user="app", database="shop")
    result = inside.run(pg_isready.line(db))
    assert result.output == f"5432 - accepting connections\n{refused}"
    assert (result.exit_code, result.observed) == (2, refused)
    within = inside.run(pg_isready.line(db.model_copy(update={"over_tcp": False})))
    assert within.exit_code == 0


SECOND_ALONE = 'case "$*" in *172.20.0.5*) echo "{}"; exit {};; esac; echo {}'


def test_a_server_that_listens_at_one_of_its_addresses_alone(inside: Container) -> None:
    """One that listens at IPv4 alone has an IPv6 address, too."""
    inside.program("redis-cli", SECOND_ALONE.format("Could not connect to Redis", 1, "PONG"))
    assert inside.run(redis_ping.line(Redis(name="cache"))).output == "PONG"
    server = Mysql(name="db", user="app", database="shop")
    for client, line, answer in (
        ("mysqladmin", mysql_ping.line(server), "alive"),
        ("mysql", mysql_query.line(server), "read_only"),
    ):
        inside.program(client, SECOND_ALONE.format("error: 'Can't connect to MySQL", 1, answer))
        result = inside.run(line)
        assert (result.exit_code, result.output) == (0, answer)
    inside.program("pg_isready", 'echo "$*"')
    ready = pg_isready.line(Postgresql(name="db", user="app", database="shop"))
    assert inside.run(ready).output == "-U app -d shop -t 2 -h 172.20.0.5,172.21.0.7"


def test_postgresql_at_another_port(inside: Container) -> None:
    server = Postgresql(name="db", user="app", database="shop", port=5433)
    for client in ("pg_isready", "psql"):
        inside.program(client, 'echo "$*"')
    ready, query = inside.run(pg_isready.line(server)), inside.run(psql.line(server))
    assert ready.output == "-U app -d shop -p 5433 -t 2 -h 172.20.0.5,172.21.0.7"
    assert query.output.startswith("-XAtw -U app -d shop -p 5433 -c SET ")


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (
            'psql: error: connection to server at "172.20.0.5", port 5432 failed: refused\n'
            "\tIs the server running on that host and accepting TCP/IP connections?",
            'psql: error: connection to server at "172.20.0.5", port 5432 failed: refused',
        ),
        ("x\nerror: 'Can't connect'\nCheck that mysqld is running", "error: 'Can't connect'"),
        ("ERROR 1045 (28000): Access denied", "ERROR 1045 (28000): Access denied"),
        ("FATAL:  sorry\nDETAIL:  no", "FATAL:  sorry"),
        ("errors\nlast", "last"),
        ("", "no output"),
    ],
)
def test_the_error_of_a_client(output: str, error: str) -> None:
    result = CommandResult(command="client", exit_code=1, output=output)
    assert result.error == error


def test_an_image_without_hostname(inside: Container, tmp_path: Path) -> None:
    """Then its address is unknown, and the clients ask where they do by themselves."""
    (tmp_path / "hostname").unlink()
    for client in ("redis-cli", "mysql", "pg_isready"):
        inside.program(client, 'echo "$*"')
    found = inside.run(redis_ping.line(Redis(name="cache")))
    assert found.output == "-h 127.0.0.1 -p 6379 ping"
    found = inside.run(mysql_query.line(Mysql(name="db", user="app", database="shop")))
    assert found.output.endswith("-h localhost -P 3306")
    found = inside.run(pg_isready.line(Postgresql(name="db", user="app", database="shop")))
    assert found.output == "-U app -d shop"


@pytest.mark.parametrize("client", ["redis-cli", "valkey-cli", "keydb-cli"])
def test_any_client_of_redis(client: str, inside: Container) -> None:
    inside.program(client, "echo PONG")
    assert inside.run(redis_ping.line(Redis(name="cache"))).output == "PONG"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (redis_ping.line(Redis(name="cache")), "neither redis-cli nor valkey-cli is installed"),
        (
            mysql_ping.line(Mysql(name="db", user="app", database="shop")),
            "neither mariadb-admin nor mysqladmin is installed",
        ),
        (
            mysql_query.line(Mysql(name="db", user="app", database="shop")),
            "neither mariadb nor mysql is installed",
        ),
    ],
)
def test_no_client(line: Line, why: str, inside: Container) -> None:
    result = inside.run(line)
    assert (result.exit_code, result.output) == (127, why)


MYSQL = 'echo "$0 $* MYSQL_PWD=$MYSQL_PWD"'


@pytest.mark.parametrize("client", ["mariadb", "mysql"])
def test_mysql_is_asked_over_tcp(client: str, inside: Container) -> None:
    inside.program(client, MYSQL)
    line = mysql_query.line(Mysql(name="db", user="app", database="shop", **VARIABLE))
    assert VALUE not in line
    output = inside.run(line, APP_PASSWORD=VALUE).output
    assert f"/{client} --connect-timeout=2 -NB -u app -D shop -e SHOW GLOBAL" in output
    assert output.endswith(f"-h 172.20.0.5 -P 3306 MYSQL_PWD={VALUE}")


@pytest.mark.parametrize(
    ("user", "variables", "used"),
    [
        ("app", {"MYSQL_USER": "app", "MYSQL_PASSWORD": VALUE}, VALUE),
        ("app", {"MARIADB_USER": "app", "MARIADB_PASSWORD": VALUE}, VALUE),
        ("app", {"MARIADB_USER": "app", "MARIADB_PASSWORD_FILE": "FILE"}, "from the file"),
        ("app", {"MYSQL_USER": "app", "MYSQL_PASSWORD_FILE": "FILE"}, "from the file"),
        ("root", {"MYSQL_ROOT_PASSWORD": VALUE}, VALUE),
        ("root", {"MARIADB_ROOT_PASSWORD_FILE": "FILE"}, "from the file"),
        # The password of another user.
        ("app", {"MYSQL_USER": "owner", "MYSQL_PASSWORD": VALUE}, ""),
        ("app", {"MYSQL_ROOT_PASSWORD": VALUE}, ""),
        ("app", {}, ""),
    ],
)
def test_mysql_with_the_password_of_its_image(
    user: str, variables: dict[str, str], used: str, inside: Container, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    inside.program("mysql", MYSQL)
    inside.program("mysqladmin", MYSQL)
    given = {name: str(tmp_path / "secret") if value == "FILE" else value
             for name, value in variables.items()}  # fmt: skip
    server = Mysql(name="db", user=user, database="shop")
    for line in (mysql_query.line(server), mysql_ping.line(server)):
        assert inside.run(line, **given).output.endswith(f"MYSQL_PWD={used}")


@pytest.mark.parametrize(
    "error", ["1045 (28000): Access denied", "1130 (HY000): Host is not allowed"]
)
def test_a_user_of_mysql_that_may_connect_from_elsewhere(error: str, inside: Container) -> None:
    """A user can be restricted to hosts, of which the container's own address is not one."""
    inside.program("mysql", ON_LOOPBACK.format(f"ERROR {error}", 1, "read_only"))
    result = inside.run(mysql_query.line(Mysql(name="db", user="app", database="shop")))
    assert (result.exit_code, result.output) == (0, "read_only")
    inside.program("mysql", f'echo "ERROR {error} $*"; exit 1')
    result = inside.run(mysql_query.line(Mysql(name="db", user="app", database="shop")))
    assert result.exit_code == 1
    assert result.output.endswith("-h 172.20.0.5 -P 3306")


def test_mysql_that_listens_on_loopback(inside: Container) -> None:
    inside.program("mysql", ON_LOOPBACK.format("ERROR 2002 (HY000): Can't connect", 1, "read_only"))
    result = inside.run(mysql_query.line(Mysql(name="db", user="app", database="shop")))
    assert (result.exit_code, result.output) == (1, "ERROR 2002 (HY000): Can't connect")


BROKER = Rabbitmq(name="broker", user="app", **VARIABLE)
STATUS = (
    '{"memory": {"total": {"rss": 100}}, "vm_memory_calculation_strategy": "rss", "alarms": [], '
    '"listeners": [], "is_under_maintenance": false, "vm_memory_high_watermark_limit": 1000, '
    '"disk_free": 5000, "disk_free_limit": 50}'
)


def test_rabbitmq_reads_the_password_from_its_input(inside: Container) -> None:
    inside.program("rabbitmqctl", 'read -r given; echo "$* $given; $(env | grep -c 6f0e1b7c2a)"')
    inside.program("rabbitmq-diagnostics", f"cat; echo '{STATUS}'")
    line = rabbitmq_tools.line(BROKER)
    assert VALUE not in line
    result = inside.run(line, PASSWORD=VALUE)
    assert result.exit_code == 96
    result = inside.run(line, APP_PASSWORD=VALUE)
    login = rabbitmq_login.parse(result)
    # One variable of the container, which its own processes have anyway.
    assert (login.exit_code, login.output) == (0, f"-q authenticate_user app {VALUE}; 1")
    assert rabbitmq_state.parse(result).memory_used == 100


def test_no_hash_of_rabbitmqs_cookie(inside: Container) -> None:
    inside.program(
        "rabbitmq-diagnostics",
        "echo 'Error: no answer'; echo ' * Erlang cookie hash: x=='; exit 69",
    )
    result = inside.run(rabbitmq_tools.line(Rabbitmq(name="broker")))
    assert result.output == "Error: no answer\nexit code 69"
