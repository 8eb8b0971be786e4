"""PostgreSQL: what can be declared, its commands, and its state."""

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

# One row, so that all values are from the same moment. Every role may read these; in
# pg_stat_activity, most roles see too little of other sessions.
STATE_QUERY = (
    "SELECT json_build_object("
    "'in_recovery', pg_is_in_recovery(), "
    "'read_only', current_setting('transaction_read_only')::bool, "
    "'connections', (SELECT sum(numbackends) FROM pg_stat_database), "
    "'max_connections', current_setting('max_connections')::int)"
)


UNAUTHENTICATED = "no password supplied"
"""The error of a client that has no password for a server that requires one."""
_MISMATCH = re.compile(r"^WARNING: +(.* has (?:a collation )?version mismatch)", re.MULTILINE)
_QUERY = 'psql -XAtw -U <user> -d <database> -c "$query"'
# The official image trusts its socket and loopback. Clients come over TCP from a network, as does a
# connection to the container's own address.
# libpq tries one after the other: with IPv6, the server may listen at one of them alone.
_HOSTS = "for address in $(hostname -i 2>/dev/null); do hosts=${hosts:+$hosts,}$address; done"
_READY = "pg_isready -U <user> -d <database>"
_READY_OVER_TCP = f"""\
{_HOSTS}
[ "$hosts" ] || exec {_READY}
answer=$({_READY} -t 2 -h "$hosts" 2>&1); code=$?
[ $code -ne 2 ] || {_READY} -t 1
printf '%s\\n' "$answer"; exit $code"""
_OVER_TCP = f"""\
query={shlex.quote(STATE_QUERY)}
{_HOSTS}
[ "$hosts" ] || exit 127
exec {_QUERY} -h "$hosts\""""
_SHOWN_QUERY = f"psql -XAtw -U <user> -d <database> -c {shlex.quote(STATE_QUERY)}"
_INSIDE = f"query={shlex.quote(STATE_QUERY)}\nexec {_QUERY}"
# The official image gives its password to its role when it creates the volume. If TCP fails for
# another reason than the password, the socket decides.
_AS_IN_IMAGE = f"""\
query={shlex.quote(STATE_QUERY)}
login=${{POSTGRES_PASSWORD:-$(cat -- "${{POSTGRES_PASSWORD_FILE:-/dev/null}}")}}
if [ "$login" ] && [ "${{POSTGRES_USER:-postgres}}" = <user> ]; then
export PGPASSWORD=${{login}} PGCONNECT_TIMEOUT=2
{_HOSTS}
answer=$({_QUERY} -h "$hosts" 2>&1); code=$?
case "$code $answer" in
0*|*"password authentication failed"*) printf '%s\\n' "$answer"; exit $code;;
esac
fi
exec {_QUERY}"""


@datastore("postgresql")
class Postgresql(PasswordDatastore):
    """A declared PostgreSQL server."""

    user: SingleLine
    """The role that the stack uses."""
    database: SingleLine
    """The database that the stack uses."""
    port: Port | None = None
    """The port that it listens on. Default: `PGPORT` of its container, or 5432."""
    connections_used: Ratio = 0.8
    """Share of `max_connections` that may be in use. A deploy doubles a service's connections."""

    images = frozenset(
        {
            "postgres", "postgresql", "postgresql-repmgr", "postgis", "timescaledb",
            "timescaledb-ha", "pgvector", "pgvecto-rs", "vchord-postgres",
        }
    )  # fmt: skip
    programs = frozenset({"postgres", "postgresql", "patroni"})

    @classmethod
    def of_container(cls, container: DeclaredContainer) -> Mapping[str, str]:
        """Return the role and the database that the image creates."""
        user = container.variable("POSTGRES_USER", "POSTGRESQL_USERNAME") or "postgres"
        return {
            "user": user,
            "database": container.variable("POSTGRES_DB", "POSTGRESQL_DATABASE") or user,
        }


@command(Postgresql)
def pg_isready(postgresql: Postgresql) -> Line:
    """Result of `pg_isready`, PostgreSQL's readiness probe, over TCP at the container's address."""
    ready = _line(postgresql, _READY)
    if not postgresql.over_tcp:
        return ready
    return script_line(_line(postgresql, _READY_OVER_TCP), ready)


@command(Postgresql)
def psql(postgresql: Postgresql) -> Line:
    """Result of a query by the declared role in the declared database.

    Over TCP if its password is known.
    """
    if postgresql.has_password:
        then = _line(postgresql, _OVER_TCP if postgresql.over_tcp else _INSIDE)
        inner = with_password(postgresql, then, "PGPASSWORD")
    else:
        inner = _line(postgresql, _AS_IN_IMAGE)
    return script_line(inner, _line(postgresql, _SHOWN_QUERY))


def _line(postgresql: Postgresql, text: str) -> Line:
    given = {
        "user": database_name(postgresql.user),
        "database": database_name(postgresql.database),
    }
    if postgresql.port:
        text = text.replace("-d <database>", "-d <database> -p <port>")
        given["port"] = number(postgresql.port)
    return line(text, **given)


def collation_mismatch(result: CommandResult) -> str:
    """Return the warning that the collations of the system have changed; empty if there is none."""
    found = _MISMATCH.search(result.output)
    return found[1] if found else ""


class PostgresState(Frozen):
    """State of a PostgreSQL server, as the declared role sees it."""

    in_recovery: bool
    """It is a standby: it replays what another server wrote, and refuses writes."""
    read_only: bool
    """Its transactions are read-only unless they ask for something else."""
    connections: Count
    max_connections: Annotated[Count, Field(gt=0)]


@state(psql)
def postgres_state(result: CommandResult) -> PostgresState:
    """State of the server, from the row of `STATE_QUERY`.

    Raises:
        UnobservedError: the server did not answer, or not with that row.
    """
    if result.exit_code != 0:
        raise UnobservedError(f"PostgreSQL did not answer a query: {result.error}")
    try:
        return PostgresState.model_validate_json(result.last_line)
    except ValidationError as error:
        raise UnobservedError(
            f"PostgreSQL's answer cannot be read{invalid_fields(error)}: {result.observed}"
        ) from None
