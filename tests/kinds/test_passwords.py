"""Clients of datastores get their passwords in a variable, from where the environment declares."""

import os
import subprocess
from pathlib import Path

import pytest

from stackproof.facts.command import CommandResult
from stackproof.kinds.password import require_login
from stackproof.kinds.postgresql import Postgresql, collation_mismatch, psql
from stackproof.kinds.redis import Redis, redis_info, redis_ping, redis_state, reply
from stackproof.shell import Line
from stackproof.unobserved import UnobservedError
from tests import shop

VALUE = "6f0e1b7c2a"
VARIABLE = {"password_variable": "APP_PASSWORD"}
STUB = """#!/bin/sh
echo "{name} $* PGPASSWORD=$PGPASSWORD REDISCLI_AUTH=$REDISCLI_AUTH"
{more}
"""


class Container:
    """A directory with clients that print how they were called, instead of a container."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.program("psql")
        self.program("redis-cli")
        (folder / "hostname").write_text("#!/bin/sh\necho 172.20.0.5 172.21.0.7\n")
        (folder / "hostname").chmod(0o755)
        self.secret = folder / "secret"
        self.secret.write_text(f"{VALUE}\n")

    def program(self, name: str, more: str = "") -> None:
        (self._folder / name).write_text(STUB.format(name=name, more=more))
        (self._folder / name).chmod(0o755)

    def run(self, line: Line, **variables: str) -> CommandResult:
        """Run a line as a command in the container is run."""
        ended = subprocess.run(
            ["/bin/sh", "-c", f"exec {line} 2>&1"],
            check=False, capture_output=True, text=True, timeout=30,
            env={"PATH": f"{self._folder}:{os.environ['PATH']}", **variables},
        )  # fmt: skip
        return CommandResult(command=line, exit_code=ended.returncode, output=ended.stdout.strip())


@pytest.fixture
def inside(tmp_path: Path) -> Container:
    return Container(tmp_path)


def _db(**source: str) -> Postgresql:
    return Postgresql(name="db", user="app", database="shop", **source)


def test_redis_without_a_password(inside: Container) -> None:
    assert inside.run(redis_ping.line(Redis(name="cache"))).output == (
        "redis-cli -h 172.20.0.5 -p 6379 ping PGPASSWORD= REDISCLI_AUTH="
    )
    within = Redis(name="cache", over_tcp=False, port=6380)
    assert inside.run(redis_ping.line(within)).output == (
        "redis-cli -p 6380 ping PGPASSWORD= REDISCLI_AUTH="
    )


@pytest.mark.parametrize("command", [redis_ping, redis_info], ids=lambda each: each.name)
def test_redis_with_a_password(inside: Container, command: object) -> None:
    for server in (
        Redis(name="cache", password_file=str(inside.secret)),
        Redis(name="cache", **VARIABLE),
    ):
        line = command.line(server)  # type: ignore[attr-defined]
        assert VALUE not in line
        output = inside.run(line, APP_PASSWORD=VALUE).output
        assert output in (
            f"redis-cli -h 172.20.0.5 -p 6379 ping PGPASSWORD= REDISCLI_AUTH={VALUE}",
            f"redis-cli -p 6379 info PGPASSWORD= REDISCLI_AUTH={VALUE}",
        )


def test_redis_with_a_user_or_tls(inside: Container) -> None:
    server = Redis(name="cache", user="the app", tls=True, **VARIABLE)
    ping = inside.run(redis_ping.line(server), APP_PASSWORD=VALUE).output
    options = "redis-cli --tls --insecure --user the app"
    assert ping == f"{options} -h 172.20.0.5 -p 6379 ping PGPASSWORD= REDISCLI_AUTH={VALUE}"
    info = inside.run(redis_info.line(Redis(name="cache", user="$(id)"))).output
    assert info == "redis-cli --user $(id) -p 6379 info PGPASSWORD= REDISCLI_AUTH="


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"password_file": "/run/secrets/none"}, "No such file or directory"),
        ({"password_variable": "APP_PASSWORD"}, "APP_PASSWORD is not set"),
    ],
)
def test_a_password_that_cannot_be_read(
    inside: Container, source: dict[str, str], why: str
) -> None:
    for server, line in (
        (Redis(name="cache", **source), redis_ping.line(Redis(name="cache", **source))),
        (_db(**source), psql.line(_db(**source))),
    ):
        result = inside.run(line)
        assert why in result.output
        with pytest.raises(UnobservedError, match="the password cannot be read: "):
            require_login(server, result)


def test_postgresql_with_a_password_is_asked_over_tcp(inside: Container) -> None:
    for server in (
        _db(password_file=str(inside.secret)), _db(**VARIABLE)
    ):  # fmt: skip
        line = psql.line(server)
        assert VALUE not in line
        output = inside.run(line, APP_PASSWORD=VALUE).output
        assert output.startswith("psql -XAtw -U app -d shop -c SET ")
        assert " -c SELECT json_build_object('in_recovery'," in output
        assert output.endswith(f" -h 172.20.0.5,172.21.0.7 PGPASSWORD={VALUE} REDISCLI_AUTH=")


AT_ALL = "-h 172.20.0.5,172.21.0.7"
OVER_TCP, OVER_SOCKET = f" {AT_ALL} PGPASSWORD={VALUE} REDISCLI_AUTH=", ") PGPASSWORD="


def test_postgresql_with_the_password_of_its_image(inside: Container) -> None:
    line = psql.line(_db())
    for variables, way in (
        ({}, OVER_SOCKET),
        ({"POSTGRES_USER": "app", "POSTGRES_PASSWORD": VALUE}, OVER_TCP),
        ({"POSTGRES_USER": "app", "POSTGRES_PASSWORD_FILE": str(inside.secret)}, OVER_TCP),
        # The password of another role.
        ({"POSTGRES_PASSWORD": VALUE}, OVER_SOCKET),
        ({"POSTGRES_USER": "owner", "POSTGRES_PASSWORD": VALUE}, OVER_SOCKET),
    ):
        output = inside.run(line, **variables).output
        assert way in output, variables
        assert output.count("psql ") == 1


FAILS_OVER_TCP = 'case "$*" in *" -h "*) echo "FATAL:  {}"; exit 2;; esac'


def test_a_volume_with_another_password(inside: Container) -> None:
    inside.program("psql", FAILS_OVER_TCP.format("password authentication failed for user app"))
    result = inside.run(psql.line(_db()), POSTGRES_USER="app", POSTGRES_PASSWORD=VALUE)
    assert (result.exit_code, result.last_line) == (
        2, "FATAL:  password authentication failed for user app",
    )  # fmt: skip


@pytest.mark.parametrize("why", ["no pg_hba.conf entry for host", "Connection refused"])
def test_the_socket_decides_if_tcp_is_refused_for_another_reason(
    why: str, inside: Container
) -> None:
    inside.program("psql", FAILS_OVER_TCP.format(why))
    line = psql.line(_db())
    result = inside.run(line, POSTGRES_USER="app", POSTGRES_PASSWORD=VALUE)
    assert (result.exit_code, why in result.output) == (0, False)
    declared = inside.run(psql.line(_db(password_file=str(inside.secret))))
    assert (declared.exit_code, why in declared.output) == (2, True)


NOAUTH = "NOAUTH Authentication required."
WRONG = "AUTH failed: WRONGPASS invalid username-password pair or user is disabled."
NONE_SET = "AUTH failed: ERR AUTH <password> called without any password configured"


@pytest.mark.parametrize(
    ("output", "declared", "replied"),
    [
        ("PONG", False, "PONG"),
        (f"{WRONG}\n{NOAUTH}", True, WRONG),
        # Whoever declares a password expects that one is needed.
        (f"{NONE_SET}\nPONG", True, NONE_SET),
        # From REDISCLI_AUTH of the container.
        (f"{NONE_SET}\nPONG", False, "PONG"),
        ("LOADING Redis is loading", False, "LOADING Redis is loading"),
    ],
)
def test_reply(output: str, declared: bool, replied: str) -> None:
    server = Redis(name="cache", password_variable="P" if declared else None)
    assert reply(server, shop.said("redis-cli ping", 0, output)) == replied


def test_info_that_counts_refusals() -> None:
    counted = shop.redis_info()
    counted = counted.model_copy(update={"output": f"{counted.output}\nerrorstat_NOAUTH:count=1"})
    assert redis_state.parse(counted).role == "master"


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (
            'WARNING:  database "shop" has a collation version mismatch\nDETAIL:  …\n{}',
            'database "shop" has a collation version mismatch',
        ),
        (
            'WARNING:  collation "de-x-icu" has version mismatch\n{}',
            'collation "de-x-icu" has version mismatch',
        ),
        ("{}", ""),
    ],
)
def test_collation_mismatch(output: str, found: str) -> None:
    assert collation_mismatch(shop.said("psql", 0, output)) == found
