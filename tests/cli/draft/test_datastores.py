"""Datastores that `stackproof init` finds in images and variables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stackproof.cli.draft.draft import draft
from tests.cli.draft.conftest import Init, project_of


@pytest.mark.parametrize(
    ("image", "environment", "user", "database"),
    [
        ("postgres", {}, "postgres", "postgres"),
        ("host:5000/postgis/postgis:16", {"POSTGRES_USER": "a"}, "a", "a"),
        ("ghcr.io/immich-app/postgres:14", {"POSTGRES_DB": "immich"}, "postgres", "immich"),
        ("timescale/timescaledb-ha:pg16", {}, "postgres", "postgres"),
        ("bitnami/postgresql", {"POSTGRESQL_USERNAME": "a", "POSTGRESQL_DATABASE": "b"}, "a", "b"),
        (f"postgres:16@sha256:{'a' * 64}", {"POSTGRES_DB": "c"}, "postgres", "c"),
    ],
)
def test_postgresql(
    folder: Path, image: str, environment: dict[str, str], user: str, database: str
) -> None:
    project = project_of(folder, {"db": {"image": image, "environment": environment}})
    found = draft(project, is_local=True).datastores
    assert found == {"postgresql": {"db": {"user": user, "database": database}}}


@pytest.mark.parametrize(
    "image",
    [
        "postgres-exporter",
        "redis-commander",
        "app",
        "mypostgres",
        "bitnami/redis-exporter",
        "prodrigestivill/postgres-backup-local:16",
        "my-postgres-exporter",
        "redis-sentinel",
        "postgres/tools:1",
        "redisinsight",
    ],
)
def test_what_is_no_datastore(folder: Path, image: str) -> None:
    assert draft(project_of(folder, {"db": {"image": image}}), is_local=True).datastores == {}


@pytest.mark.parametrize(
    ("image", "runs", "is_server"),
    [
        ("postgres:16", {"command": ["postgres", "-c", "max_connections=200"]}, True),
        ("postgres:16", {"command": ["-c", "shared_buffers=1GB"]}, True),
        ("postgres:16", {"command": ["pg_dump", "-U", "postgres", "-h", "db"]}, False),
        ("postgres:16", {"command": ["sh", "-c", "pg_isready -h db && psql -U postgres"]}, False),
        (
            "postgres:16",
            {"command": ["bash", "-ec", "chown x; exec gosu postgres postgres"]},
            True,
        ),
        ("postgres:16", {"entrypoint": ["/backup.sh"]}, False),
        ("postgres:16", {"entrypoint": ["docker-entrypoint.sh"], "command": ["postgres"]}, True),
        ("postgres:16", {"entrypoint": [], "command": ["sleep", "infinity"]}, False),
        ("redis:7", {"command": ["redis-cli", "-h", "cache", "flushall"]}, False),
        ("redis:7", {"command": ["sh", "-c", "A=1 exec redis-server --save 60"]}, True),
        ("valkey/valkey:8", {"command": ["valkey-server", "--save", ""]}, True),
        ("redis:7", {"command": ["redis-sentinel", "/etc/sentinel.conf"]}, False),
    ],
)
def test_a_client_from_the_image_of_a_server(
    folder: Path, image: str, runs: dict[str, Any], is_server: bool
) -> None:
    project = project_of(folder, {"db": {"image": image, **runs}})
    found = draft(project, is_local=True)
    assert bool(found.datastores) == is_server


@pytest.mark.parametrize(
    ("image", "environment", "found"),
    [
        ("mysql:8", {}, {"mysql": {"db": {"user": "root", "database": "mysql"}}}),
        (
            "mysql:8",
            {"MYSQL_USER": "a", "MYSQL_DATABASE": "b", "MYSQL_PASSWORD": "x"},
            {"mysql": {"db": {"user": "a", "database": "b"}}},
        ),
        (
            "docker.io/library/mariadb:11@sha256:" + "a" * 64,
            {"MARIADB_USER": "a", "MARIADB_DATABASE": "b"},
            {"mariadb": {"db": {"user": "a", "database": "b"}}},
        ),
        ("mariadb", {"MYSQL_USER": "a", "MYSQL_DATABASE": "b"},
         {"mariadb": {"db": {"user": "a", "database": "b"}}}),
        ("rabbitmq:4-management", {}, {"rabbitmq": {"db": {}}}),
        (
            "rabbitmq:3",
            {"RABBITMQ_DEFAULT_USER": "a", "RABBITMQ_DEFAULT_PASS": "x"},
            {"rabbitmq": {"db": {"user": "a", "password_variable": "RABBITMQ_DEFAULT_PASS"}}},
        ),
        ("memcached:alpine", {}, {"memcached": {"db": {}}}),
        ("valkey/valkey:8", {}, {"valkey": {"db": {}}}),
        ("phpmyadmin/phpmyadmin", {}, {}),
        ("prom/mysqld-exporter", {}, {}),
    ],
)  # fmt: skip
def test_other_kinds(
    folder: Path, image: str, environment: dict[str, str], found: dict[str, Any]
) -> None:
    project = project_of(folder, {"db": {"image": image, "environment": environment}})
    assert draft(project, is_local=True).datastores == found


@pytest.mark.parametrize(
    ("image", "command", "is_server"),
    [
        ("mysql:8", ["mysqld", "--default-authentication-plugin=x"], True),
        ("mariadb:11", ["mysqld", "--character-set-server=utf8mb4"], True),
        ("mariadb:11", ["--transaction-isolation=READ-COMMITTED"], True),
        ("mariadb:11", ["mariadb-dump", "-h", "db"], False),
        ("mysql:8", ["sh", "-c", "mysqldump -h db > /backup"], False),
        ("memcached:1", ["memcached", "-m", "64"], True),
        ("memcached:1", ["-m", "64"], True),
        ("rabbitmq:3", ["rabbitmqctl", "status"], False),
    ],
)
def test_a_client_from_the_image_of_another_server(
    folder: Path, image: str, command: list[str], is_server: bool
) -> None:
    project = project_of(folder, {"db": {"image": image, "command": command}})
    assert bool(draft(project, is_local=True).datastores) == is_server


def test_permissions_that_the_file_grants(folder: Path) -> None:
    """Without them, each run warns of what someone has decided in the Compose file."""
    socket = {"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock"}
    services = {
        "proxy": {"image": "x", "volumes": [socket], "network_mode": "host"},
        "agent": {"image": "x", "privileged": True, "pid": "host", "cap_add": ["SYS_ADMIN"]},
        "backup": {"image": "x", "volumes": [{**socket, "source": "/proc/$x"}]},
        "web": {"image": "x"},
    }
    found = draft(project_of(folder, services), is_local=True).services
    assert {name: each["may"] for name, each in found.items()} == {
        "proxy": ["host-network", "engine-socket"],
        "agent": ["privileged", "cap_add: SYS_ADMIN", "pid: host"],
        "backup": ["volumes: /proc/$$x"],
    }


def test_expressions_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_OF_SHOP", "c")
    written = {"POSTGRES_USER": "${DB_USER-a}", "POSTGRES_DB": "$DB_OF_SHOP"}
    project = project_of(
        folder,
        {"db": {"image": "postgres", "environment": {"POSTGRES_USER": "a", "POSTGRES_DB": "c"}}},
        written={"db": {"environment": written}},
    )
    found = draft(project, is_local=True).datastores["postgresql"]["db"]
    assert found == {"user": "${DB_USER:-a}", "database": "${DB_OF_SHOP}"}


@pytest.mark.parametrize(
    ("service", "fields"),
    [
        ({"command": ["redis-server", "--save", "60"]}, {}),
        (
            {
                "command": ["redis-server", "--requirepass", "${PASS}"],
                "environment": {"REDIS_PASS": "${PASS}"},
            },
            {"password_variable": "REDIS_PASS"},
        ),
        (
            {"command": ["sh", "-c", 'exec redis-server --requirepass "$${PASS}"']},
            {"password_variable": "PASS"},
        ),
        (
            {"command": "sh -c 'redis-server --requirepass $$(cat /run/secrets/p)'"},
            {"password_file": "/run/secrets/p"},
        ),
        (
            {"image": "bitnami/redis:7", "environment": {"REDIS_PASSWORD": "x"}},
            {"password_variable": "REDIS_PASSWORD"},
        ),
        (
            {"command": ["--requirepass", "x"], "environment": {"REDISCLI_AUTH": "x"}},
            {},
        ),
    ],
)
def test_the_password_of_redis(folder: Path, service: dict[str, Any], fields: object) -> None:
    """Case 40."""
    found = draft(project_of(folder, {"cache": {"image": "redis", **service}}), is_local=True)
    assert found.datastores == {"redis": {"cache": fields}}


def test_a_password_that_only_the_command_line_has(folder: Path) -> None:
    service = {"image": "redis", "command": ["redis-server", "--requirepass", "k3jf83hs"]}
    found = draft(project_of(folder, {"cache": service}), is_local=True)
    assert found.datastores == {}
    (note,) = found.notes.values()
    assert note == (
        "depends on its password, which only its command has: declare password_file or "
        "password_variable"
    )


@pytest.mark.parametrize(
    ("dockerfile", "build", "kind"),
    [
        ("FROM postgres:16\nCOPY init.sql /x\n", {}, "postgresql"),
        ("ARG A\nFROM --platform=linux/amd64 docker.io/library/redis:7 AS db\n", {}, "redis"),
        ("FROM postgres AS base\nFROM node AS build\nfrom base\n", {}, "postgresql"),
        ("FROM redis AS a\nFROM node AS b\n", {"target": "a"}, "redis"),
        ("FROM node\n", {"dockerfile_inline": "FROM redis"}, "redis"),
        ("FROM postgres AS build\nFROM node\nCOPY --from=build /a /b\n", {}, ""),
        ("FROM $BASE\n", {}, ""),
        ("", {"context": "https://example.com/x.git"}, ""),
    ],
)
def test_an_image_of_its_own(
    folder: Path, dockerfile: str, build: dict[str, str], kind: str
) -> None:
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    service = {"build": {"context": str(folder), "dockerfile": "Dockerfile", **build}}
    found = draft(project_of(folder, {"db": service}), is_local=True)
    assert list(found.datastores) == ([kind] if kind else [])


def test_an_nginx_of_its_own(folder: Path) -> None:
    """It may as well be the web server of one application."""
    (folder / "Dockerfile").write_text("FROM node AS a\nFROM nginx:1.27\n", encoding="utf-8")
    port = {"target": 80, "published": "80", "protocol": "tcp"}
    service = {"build": {"context": str(folder)}, "ports": [port]}
    found = draft(project_of(folder, {"web": service}), is_local=True)
    assert found.nginx == ""
    assert list(found.notes.values()) == ["nginx: {service: web}, if it is the proxy"]


def test_a_datastore_of_unknown_user(init: Init, written: Callable[[], str]) -> None:
    compose = """\
        services:
          db: {image: postgres, environment: {POSTGRES_USER_FILE: /run/secrets/user}}
          other: {image: postgres, environment: {POSTGRES_DB: "${UNSET_DB}"}}
        """
    assert not init(compose).datastores.postgresql  # type: ignore[attr-defined]
    assert "# TODO db: depends on POSTGRES_USER_FILE" in written()
    assert "# TODO other: depends on ${UNSET_DB}" in written()


def test_datastores(init: Init) -> None:
    shop = init(
        """\
        services:
          db: {image: "host:5000/postgis/postgis:16", environment: [POSTGRES_USER=a, POSTGRES_DB=b]}
          cache:
            image: redis:7
            command: ["redis-server", "--requirepass", "${PASS:-x}"]
            environment: {REDIS_PASS: "${PASS:-x}"}
        """
    )
    db = shop.datastores.postgresql["db"]  # type: ignore[attr-defined]
    assert (db.user, db.database) == ("a", "b")
    cache = shop.datastores.redis["cache"]  # type: ignore[attr-defined]
    assert cache.model_dump(include={"password_variable"}) == {"password_variable": "REDIS_PASS"}
