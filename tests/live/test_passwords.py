"""Passwords of real datastores: in a volume, undeclared, wrong, and in nothing that is written."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import shapes
from lab.engine import images
from lab.engine.daemon import docker
from tests.command_line import Ran, run

pytestmark = pytest.mark.live

FIRST, SECOND = "7c1e9b04aa", "d0c6b7f4e1"
POSTGRES, REDIS = "passwords-postgres", "passwords-redis"
SECRET = "/run/secrets/postgres_password"  # noqa: S105 - a path
SERVER = {"user": "platform_admin", "database": "platform_db"}


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The password's file of a PostgreSQL and a Redis that run."""
    images.ensure(shapes.PRODUCTION)
    file = tmp_path_factory.mktemp("secrets") / "password"
    file.write_text(FIRST)
    file.chmod(0o600)
    try:
        docker(
            "run", "--detach", f"--name={POSTGRES}", f"--volume={file}:{SECRET}:ro",
            images.tag("postgres"),
        )  # fmt: skip
        docker(
            "run", "--detach", f"--name={REDIS}", f"--env=PASSWORD_OF_REDIS={FIRST}",
            images.tag("redis"), "sh", "-c", 'exec redis-server --requirepass "$PASSWORD_OF_REDIS"',
        )  # fmt: skip
        ready = "until pg_isready -q -h 127.0.0.1; do sleep 0.05; done"
        docker("exec", POSTGRES, "timeout", "30", "sh", "-c", ready, deadline=35)
        yield file
    finally:
        docker("rm", "--force", "--volumes", POSTGRES, REDIS)


Verify = Callable[..., Ran]


@pytest.fixture
def verify(secret: Path, tmp_path: Path) -> Iterator[Verify]:
    """Verifies the two servers as they are declared."""

    def check(**datastores: Any) -> Ran:
        folder = tmp_path / "environments"
        folder.mkdir(exist_ok=True)
        services = {POSTGRES: {"container": POSTGRES}, REDIS: {"container": REDIS}}
        declared = {"services": services, "datastores": datastores}
        (folder / "shop.yaml").write_text(yaml.safe_dump(declared))
        return run(tmp_path / "out", "-m", "shop and datastores", f"--environments={folder}", "-v")

    yield check
    secret.write_text(FIRST)


def _lines(ran: Ran) -> dict[str, str]:
    return {check: line for check, (_, line) in ran.results("shop").items()}


def test_a_secret_that_changed_after_the_volume_was_created(verify: Verify, secret: Path) -> None:
    """The socket trusts everyone: only a login over TCP shows that clients are refused."""
    declared = {"postgresql": {POSTGRES: {**SERVER, "password_file": SECRET}}}
    assert verify(**declared).results("shop") == {}
    secret.write_text(SECOND)
    ran = verify(**declared)
    assert ran.exit_code == 1
    line = _lines(ran)[f"datastores.query[{POSTGRES}]"]
    assert "password authentication failed for user" in line
    assert verify(postgresql={POSTGRES: SERVER}).results("shop") == {}


def test_indexes_of_another_version_of_the_collations(verify: Verify) -> None:
    for statement in (
        "DROP DATABASE IF EXISTS orders",
        "CREATE DATABASE orders TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
        "UPDATE pg_database SET datcollversion = '1' WHERE datname = 'orders'",
    ):
        docker("exec", POSTGRES, "psql", "-XqU", "platform_admin", "platform_db", "-c", statement)
    server = {**SERVER, "database": "orders", "password_file": SECRET}
    ran = verify(postgresql={POSTGRES: server})
    assert (ran.exit_code, ran.results("shop")) == (0, {})
    assert 'database "orders" has a collation version mismatch' in " ".join(ran.output.split())


def test_a_redis_that_requires_a_password(verify: Verify) -> None:
    ran = verify(redis={REDIS: {"over_tcp": False}})
    assert ran.exit_code == 6
    line = _lines(ran)[f"datastores.ping[{REDIS}]"]
    assert "declare password_file or password_variable in datastores.redis." in line
    variable = {"password_variable": "PASSWORD_OF_REDIS"}
    assert verify(redis={REDIS: variable}).results("shop") == {}
    ran = verify(redis={REDIS: {"password_variable": "HOSTNAME"}})
    assert ran.exit_code == 1
    line = _lines(ran)[f"datastores.ping[{REDIS}]"]
    assert "AUTH failed: WRONGPASS" in line


def test_no_password_is_written(verify: Verify) -> None:
    ran = verify(
        postgresql={POSTGRES: {**SERVER, "password_file": SECRET}},
        redis={REDIS: {"password_variable": "PASSWORD_OF_REDIS"}},
    )
    assert FIRST not in f"{ran.output}{ran.errors}"
    written = [path for path in ran.written.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if FIRST in path.read_text(errors="replace")]
