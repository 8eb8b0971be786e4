"""A server of a kind that stackproof does not know, which reports that it is not well."""

from lab.faults.fault import Fault, checks

_HEALTH = "/srv/_cluster/health"


def _reports(status: str) -> str:
    return f'docker exec kinds-search sed -i s/:.*/:\\ \\"{status}\\"}}/ {_HEALTH}'


FAULTS = (
    Fault(
        "search-red",
        "a search engine has lost part of its data, and answers every request with 200",
        inject=_reports("red"),
        heal=_reports("green"),
        red=checks("health.request[search-health]"),
        says="search-health /_cluster/health: expected status: green, observed status: red",
        shape="kinds",
    ),
)
