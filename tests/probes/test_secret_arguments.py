"""Options whose values look like secrets are named, without their values."""

import pytest

from stackproof.probes.containers.secret_arguments import secret_arguments


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["redis-server", "--requirepass", "6f0e1b7c2a"], ["--requirepass"]),
        (["redis-server", "--requirepass=6f0e1b7c2a"], ["--requirepass"]),
        (["sh", "-c", "exec redis-server --requirepass '6f0e1b7c2a'"], ["--requirepass"]),
        (["java", "-Ddb.password=6f0e1b7c2a", "-jar", "app.jar"], ["-Ddb.password"]),
        (["sh", "-c", "DB_PASSWORD=6f0e1b7c2a ./run"], ["DB_PASSWORD"]),
        (["worker", "--broker", "redis://:6f0e1b7c2a@redis:6379/0"], ["a URL with a password"]),
        (["sh", "-c", "it's --password 6f0e1b7c2a"], ["--password"]),
    ],
)
def test_secret(arguments: list[str], names: list[str]) -> None:
    assert secret_arguments(arguments) == names
    assert "6f0e1b7c2a" not in "".join(names)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["redis-server", "--requirepass", "$REDIS_PASSWORD"],
        ["sh", "-c", 'redis-server --requirepass "$(cat /run/secrets/redis)"'],
        ["sh", "-c", "mysqladmin ping --password=${MYSQL_ROOT_PASSWORD}"],
        ["app", "--password-file", "/run/secrets/password"],
        ["app", "--require-auth-token", "--verbose"],
        ["app", "--token"],
        ["mysqladmin", "-psecret6f0e1b7c2a", "ping"],
        ["postgres", "-c", "max_connections=200"],
    ],
)
def test_no_secret(arguments: list[str]) -> None:
    assert secret_arguments(arguments) == []
