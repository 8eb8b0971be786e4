"""Servers that require a password: UNKNOWN without one, FAIL if the declared one is refused."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.command import CommandResult
from tests import shop
from tests.shop import psql, said

SOURCE = {"password_file": "/run/secrets/password"}
NOAUTH = "NOAUTH Authentication required."
REFUSED = "AUTH failed: WRONGPASS invalid username-password pair or user is disabled."
WRONG = 'FATAL:  password authentication failed for user "app"'
QUERY = "server query: expected a result for role app in database shop, observed "


def _pong(output: str) -> CommandResult:
    return said("redis-cli ping", 0, output)


@pytest.mark.parametrize(
    ("kind", "source", "result", "expected"),
    [
        ("redis", {}, _pong("PONG"), ("PASS", "")),
        (
            "redis", {}, _pong(NOAUTH),
            ("UNKNOWN", "could not be evaluated: server refuses clients without authentication; "
             "declare password_file or password_variable in datastores.redis.server"),
        ),
        (
            "redis", SOURCE, _pong(f"{REFUSED}\n{NOAUTH}"),
            ("FAIL", f"server PING: expected PONG, observed {REFUSED}"),
        ),
        (
            "redis", SOURCE, said("sh -c '…'", 96, "cat: /run/secrets/password: No such file"),
            ("UNKNOWN", "could not be evaluated: the password cannot be read: "
             "cat: /run/secrets/password: No such file"),
        ),
        ("postgresql", SOURCE, psql(), ("PASS", "")),
        ("postgresql", {}, said("psql", 2, WRONG), ("FAIL", f"{QUERY}{WRONG}")),
        (
            "postgresql", {}, said("psql", 2, "psql: error: fe_sendauth: no password supplied"),
            ("UNKNOWN", "could not be evaluated: server refuses clients without authentication; "
             "declare password_file or password_variable in datastores.postgresql.server"),
        ),
    ],
)  # fmt: skip
def test_password(
    kind: str,
    source: dict[str, str],
    result: CommandResult,
    expected: tuple[str, str],
    tmp_path: Path,
) -> None:
    (check,) = _checks(tmp_path, kind, source, result)
    assert check["outcome"] == expected[0]
    assert expected[0] == "PASS" or check["headline"].split() == expected[1].split()


def test_collations(tmp_path: Path) -> None:
    row = psql()
    warned = 'WARNING:  database "shop" has a collation version mismatch\nDETAIL:  …\n'
    result = row.model_copy(update={"output": warned + row.output})
    (check,) = _checks(tmp_path, "postgresql", {}, result)
    assert (check["outcome"], check["warnings"]) == (
        "PASS",
        ['server collations: expected those that its indexes were sorted by, '
         'observed database "shop" has a collation version mismatch'],
    )  # fmt: skip


def _checks(
    folder: Path, kind: str, source: dict[str, str], result: CommandResult
) -> list[dict[str, Any]]:
    needed = {"user": "app", "database": "shop"} if kind == "postgresql" else {}
    environment = {
        "services": {"server": {}},
        "datastores": {kind: {"server": {**needed, **source}}},
    }
    name = "psql" if kind == "postgresql" else "redis_ping"
    observed = shop.facts(commands={f"{name} server": result})
    ran = shop.replay(folder, environment, observed, "-k", "test_ping or test_query")
    checks: list[dict[str, Any]] = ran.verdict("shop")["checks"]
    return checks


@pytest.mark.parametrize(
    ("source", "script"),
    [
        ({"password_file": "/run/secrets/a b"}, "login=$(cat -- '/run/secrets/a b') || exit 96; "),
        (
            {"password_variable": "REDIS_PASSWORD"},
            '[ "$REDIS_PASSWORD" ] || { echo REDIS_PASSWORD is not set; exit 96; }; '
            "login=$REDIS_PASSWORD; ",
        ),
    ],
)
def test_hint_reads_the_password_in_the_container(
    source: dict[str, str], script: str, tmp_path: Path
) -> None:
    environment = {"services": {"server": {}}, "datastores": {"redis": {"server": source}}}
    observed = shop.facts(
        containers={"server": shop.container()},
        commands={"redis_info server": shop.redis_info(role="slave")},
    )
    ran = shop.replay(tmp_path, environment, observed, "-k", "test_master")
    (check,) = ran.verdict("shop")["checks"]
    assert shlex.split(check["hint"]) == [
        "docker", "exec", "server", "sh", "-c",
        f"{script}export REDISCLI_AUTH=${{login}}; exec redis-cli info replication",
    ]  # fmt: skip
