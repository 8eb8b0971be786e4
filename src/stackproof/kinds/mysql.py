"""MySQL and MariaDB: what can be declared, their commands, and their state."""

import re
import shlex
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationError

from stackproof.facts.command import CommandResult
from stackproof.facts.fields import Count
from stackproof.frozen import Frozen
from stackproof.kinds.password import PasswordDatastore, with_password
from stackproof.kinds.registry import DeclaredContainer, command, datastore, invalid_fields, state
from stackproof.schema.values import Port, Ratio, SingleLine
from stackproof.shell import Line, database_name, line, number, script_line
from stackproof.unobserved import UnobservedError

# Every user may read these. Each server knows some of the variables.
STATE_QUERY = (
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('max_connections', 'read_only', "
    "'super_read_only', 'transaction_read_only', 'tx_read_only', 'innodb_read_only', "
    "'offline_mode'); SHOW GLOBAL STATUS LIKE 'Threads_connected'"
)
_READ_ONLY = (
    "read_only",
    "super_read_only",
    "transaction_read_only",
    "tx_read_only",
    "innodb_read_only",
    "offline_mode",
)
_WRITABLE = ("OFF", "0", "NO")
UNAUTHENTICATED = ("(using password: NO)", "ERROR 1698 ")
"""The errors of a client that has no password for a server that requires one."""
_VARIABLE = re.compile(r"^(\w+)\t([^\t\r\n]*)$", re.MULTILINE)
# The user that the official images create, and root.
_LOGIN_OF_IMAGE = """\
case <user> in
root) login=${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}
file=${MARIADB_ROOT_PASSWORD_FILE:-$MYSQL_ROOT_PASSWORD_FILE};;
"${MARIADB_USER:-$MYSQL_USER}") login=${MARIADB_PASSWORD:-$MYSQL_PASSWORD}
file=${MARIADB_PASSWORD_FILE:-$MYSQL_PASSWORD_FILE};;
esac
[ "$login" ] || login=$(cat -- "${file:-/dev/null}")
[ ! "$login" ] || export MYSQL_PWD="$login\""""
_PING = """\
client=$(command -v mariadb-admin || command -v mysqladmin) || \\
{ echo neither mariadb-admin nor mysqladmin is installed; exit 127; }
ask() { timeout -s KILL 2 "$client" --connect-timeout=2 -u <user> "$@" ping 2>&1; }
<asked>
printf '%s\\n' "$answer"; exit $code"""
# Its address is one of those that a user may be restricted to. If the user is refused there, the
# socket decides, which needs the password too.
_QUERY = f"""\
query={shlex.quote(STATE_QUERY)}
client=$(command -v mariadb || command -v mysql) || \\
{{ echo neither mariadb nor mysql is installed; exit 127; }}
ask() {{
timeout -s KILL 2 "$client" --connect-timeout=2 -NB -u <user> -D <database> -e "$query" "$@" 2>&1
}}
<asked>
case "$code $answer" in
*"ERROR 1045 "*|*"ERROR 1130 "*|*"ERROR 1698 "*)
inside=$(ask -h localhost) && answer=$inside code=0;;
esac
printf '%s\\n' "$answer"; exit $code"""

_INSIDE = "answer=$(ask -h localhost); code=$?"
# Where a network has IPv6, the server may listen at one of its addresses alone.
_OVER_TCP = """\
for address in $(hostname -i 2>/dev/null || echo localhost); do
answer=$(ask -h "$address" -P <port>); code=$?
case "$answer" in *"Can't connect"*) ;; *) break;; esac
done"""


@datastore("mysql")
class Mysql(PasswordDatastore):
    """A declared MySQL server."""

    user: SingleLine
    """The user that the stack uses."""
    database: SingleLine
    """The database that the stack uses."""
    port: Port = 3306
    """The port that it listens on."""
    connections_used: Ratio = 0.8
    """Share of `max_connections` that may be in use. A deploy doubles a service's connections."""

    images = frozenset({"mysql", "mysql-server", "percona", "percona-server"})
    programs = frozenset({"mysqld"})

    @classmethod
    def of_container(cls, container: DeclaredContainer) -> Mapping[str, str]:
        """Return the user and the database that the image creates."""
        user = container.variable("MYSQL_USER", "MARIADB_USER") or "root"
        database = container.variable("MYSQL_DATABASE", "MARIADB_DATABASE") or "mysql"
        return {"user": user, "database": database}


@datastore("mariadb")
class Mariadb(Mysql):
    """A declared MariaDB server. It is verified as MySQL is."""

    images = frozenset({"mariadb", "mariadb-galera"})
    programs = frozenset({"mariadbd", "mysqld"})


@command(Mysql)
def mysql_ping(mysql: Mysql) -> Line:
    """Result of a ping. It succeeds if the server refuses the user, too."""
    return _client(mysql, _PING, "mysqladmin ping")


@command(Mysql)
def mysql_query(mysql: Mysql) -> Line:
    """Result of a query by the declared user in the declared database."""
    return _client(mysql, _QUERY, f"mysql -e {shlex.quote(STATE_QUERY)}")


def _client(mysql: Mysql, body: str, label: str) -> Line:
    then = line(
        body.replace("<asked>", _OVER_TCP if mysql.over_tcp else _INSIDE),
        user=database_name(mysql.user),
        database=database_name(mysql.database),
        port=number(mysql.port),
    )
    if mysql.has_password:
        inner = with_password(mysql, then, "MYSQL_PWD")
    else:
        inner = Line(f"{line(_LOGIN_OF_IMAGE, user=database_name(mysql.user))}\n{then}")
    return script_line(inner, label)


class MysqlState(Frozen):
    """State of a MySQL server."""

    read_only: tuple[str, ...]
    """The variables that make it refuse writes."""
    connections: Count
    max_connections: Annotated[Count, Field(gt=0)]


@state(mysql_query)
def mysql_state(result: CommandResult) -> MysqlState:
    """State of the server, from the rows of `STATE_QUERY`.

    Raises:
        UnobservedError: the server did not answer, or not with those rows.
    """
    if result.exit_code != 0:
        raise UnobservedError(f"MySQL did not answer a query: {result.error}")
    rows: dict[str, str] = dict(_VARIABLE.findall(result.output))
    if "read_only" not in rows:
        raise UnobservedError(f"MySQL's answer has no read_only: {result.observed}")
    try:
        return MysqlState(
            read_only=tuple(
                name for name in _READ_ONLY if rows.get(name, "OFF").upper() not in _WRITABLE
            ),
            connections=_number(rows.get("Threads_connected")),
            max_connections=_number(rows.get("max_connections")),
        )
    except ValidationError as error:
        raise UnobservedError(f"MySQL's answer cannot be read{invalid_fields(error)}") from None


def _number(text: str | None) -> int:
    """Return a count; one that is not valid if the text has none."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else -1
