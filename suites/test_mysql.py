"""MySQL and MariaDB respond to their own clients, accept writes, and have connections left.

The commands run in the server's container. All commands of a container share 4 seconds.
"""

import pytest

from stackproof.facts.command import CommandResult
from stackproof.finding import finding, subject_name
from stackproof.fixtures.session.collection import critical
from stackproof.hint import advice, log_of
from stackproof.kinds import mysql as mysql_kind
from stackproof.kinds.mysql import Mysql, MysqlState
from stackproof.kinds.password import require_login

pytestmark = pytest.mark.datastores


@critical
def test_ping(mysql: Mysql, mysql_ping: CommandResult, mysql_query: CommandResult) -> None:
    """A hung MySQL keeps its port open: only a response proves that it works.

    On a busy machine, the ping may take too long although a query gets its result.
    """
    assert mysql_ping.exit_code == 0 or mysql_query.exit_code == 0, finding(
        mysql,
        "ping",
        expected="an answer",
        observed=mysql_ping.error,
        evidence={"command": mysql_ping.command, "output": mysql_ping.output},
        hint=log_of(subject_name(mysql)),
    )


@critical
def test_query(mysql: Mysql, mysql_query: CommandResult) -> None:
    """The ping needs no user and no database: only a query proves that both exist.

    A volume keeps the passwords that it was created with.
    """
    require_login(mysql, mysql_query, *mysql_kind.UNAUTHENTICATED)
    assert mysql_query.exit_code == 0, finding(
        mysql,
        "query",
        expected=f"a result for user {mysql.user} in database {mysql.database}",
        observed=mysql_query.error,
        evidence={"command": mysql_query.command, "output": mysql_query.output},
        hint=log_of(subject_name(mysql)),
    )


@critical
def test_writable(mysql: Mysql, mysql_state: MysqlState) -> None:
    """A replica, or a server that someone made read-only, answers queries and refuses writes."""
    assert not mysql_state.read_only, finding(
        mysql,
        "writes",
        expected="writable",
        observed=f"read-only ({', '.join(mysql_state.read_only)})",
        hint=advice("see with SHOW REPLICA STATUS if it is a replica"),
    )


def test_connections_free(mysql: Mysql, mysql_state: MysqlState) -> None:
    """Once all connections are taken, every service that needs a new one fails."""
    used, most = mysql_state.connections, mysql_state.max_connections
    assert used < mysql.connections_used * most, finding(
        mysql,
        "connections in use",
        expected=f"under {mysql.connections_used:.0%} of {most}",
        observed=f"{used} ({used / most:.0%})",
        hint=advice("see with SHOW PROCESSLIST who keeps the connections"),
    )
