"""MariaDB that does not answer, lets nobody in, takes no writes, or has no connections left."""

from lab.faults.fault import Fault, checks

_OF_QUERY = ("mysql.writable[mariadb]", "mysql.connections_free[mariadb]")


def _sql(statement: str) -> str:
    """A shell line that runs a statement as root."""
    return f'docker exec kinds-mariadb mariadb -e "{statement}"'


FAULTS = (
    Fault(
        "mariadb-hung",
        "MariaDB hangs: its port is open, and nothing is answered",
        inject="docker kill --signal=STOP kinds-mariadb",
        heal="docker kill --signal=CONT kinds-mariadb",
        red=checks("mysql.ping[mariadb]", "mysql.query[mariadb]",
                   "containers.processes[mariadb]"),
        unknown=(*_OF_QUERY, "health.command[orders-table]"),
        says="mariadb ping: expected an answer, observed no answer in time",
        shape="kinds",
    ),
    Fault(
        "mariadb-password-other",
        "the secret was changed, and the volume keeps the password that it was created with",
        inject=_sql("ALTER USER app IDENTIFIED BY 'from another time'"),
        heal="docker exec kinds-mariadb sh -c 'echo \"ALTER USER app IDENTIFIED BY "
        "\\\"$(cat /run/secrets/mariadb_password)\\\"\" | mariadb'",
        red=checks("mysql.query[mariadb]"),
        unknown=_OF_QUERY,
        says="Access denied for user",
        shape="kinds",
    ),
    Fault(
        "mariadb-privileges-lost",
        "a restore brought the database back, and not the privileges of its user",
        inject=_sql("REVOKE ALL ON shop.* FROM app"),
        heal=_sql("GRANT ALL ON shop.* TO app"),
        red=checks("mysql.query[mariadb]"),
        unknown=_OF_QUERY,
        says="to database 'shop'",
        shape="kinds",
    ),
    Fault(
        "mariadb-table-missing",
        "a release was deployed without its migration",
        inject=_sql("DROP TABLE shop.orders"),
        heal=_sql("CREATE TABLE shop.orders (id INT)"),
        red=checks("health.command[orders-table]"),
        says="orders-table command: expected output with orders, observed no output",
        shape="kinds",
    ),
    Fault(
        "mariadb-read-only",
        "MariaDB was made read-only for a migration, and left so",
        inject=_sql("SET GLOBAL read_only = 1"),
        heal=_sql("SET GLOBAL read_only = 0"),
        red=checks("mysql.writable[mariadb]"),
        says="mariadb writes: expected writable, observed read-only (read_only)",
        shape="kinds",
    ),
    Fault(
        "mariadb-connections-leak",
        "a service opens connections and does not give them back",
        inject="docker exec --detach kinds-mariadb sh -c "
        "'for each in $(seq 34); do sleep 600 | mariadb & done; wait'",
        until='[ "$(docker exec kinds-mariadb pgrep -cx mariadb)" -ge 34 ]',
        heal="docker exec kinds-mariadb pkill -x \"mariadb|sleep\"",
        red=checks("mysql.connections_free[mariadb]"),
        says="mariadb connections in use: expected under 80% of 40, observed",
        shape="kinds",
    ),
)  # fmt: skip
