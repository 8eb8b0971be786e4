"""The checks of what routes and databases answer turn red where they should, and nowhere else.

Each route and each database below is one case. All of them are verified in one run of the suites.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from stackproof.facts.command import CommandResult
from stackproof.facts.response import Response
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import Ran
from tests.shop import STUCK, answered, said
from tests.suites.expectations import Failures, fail, failures_of, unknown

URL = "https://shop.example/"


@dataclass(frozen=True)
class RouteCase:
    """A route: what is declared, what is seen, and which checks then do not pass."""

    results: Failures
    response: Response | Unobserved
    declared: dict[str, Any] = field(default_factory=dict)


SAME_HOST = {"redirects": "same-host", "follow_redirects": True}

ROUTES: dict[str, RouteCase] = {
    "answers": RouteCase({}, answered((URL, 200))),
    "bad-gateway": RouteCase(
        fail(routes__status="bad-gateway status: expected 200, observed 502"),
        answered((URL, 502), body="<h1>502 Bad Gateway</h1>"),
    ),
    "nearly": RouteCase(
        fail(routes__status="nearly status: expected 200, observed 201"), answered((URL, 201))
    ),
    "one-of-two": RouteCase({}, answered((URL, 308)), {"status": [301, 308]}),
    "none-of-two": RouteCase(
        fail(routes__status="none-of-two status: expected 301 or 308, observed 302"),
        answered((URL, 302)),
        {"status": [301, 308]},
    ),
    "refused": RouteCase(
        fail(routes__status="refused status: expected 200, observed connection refused")
        | unknown("the route did not answer: connection refused", "routes.redirects"),
        answered(error="connection refused"),
        SAME_HOST,
    ),
    "offline": RouteCase(
        unknown("no connection within 5 s", "routes.status", "routes.redirects"),
        Unobserved(reason="no connection within 5 s"),
        SAME_HOST,
    ),
    "last-counts": RouteCase({}, answered((URL, 302, "/login"), (f"{URL}login", 200)), SAME_HOST),
    "last-is-wrong": RouteCase(
        fail(routes__status="last-is-wrong status: expected 200, observed 500"),
        answered((URL, 302, "/login"), (f"{URL}login", 500)),
        SAME_HOST,
    ),
    "last-does-not-answer": RouteCase(
        fail(
            routes__status="last-does-not-answer status: "
            "expected 200, observed no answer within 5 s"
        ),
        answered((URL, 200, "/login"), error="no answer within 5 s"),
        SAME_HOST,
    ),
    "astray-at-the-second-hop": RouteCase(
        fail(
            routes__redirects="astray-at-the-second-hop redirects: "
            "expected to stay on shop.example, "
            "observed https://shop.example/login -> http://shop.example/"
        ),
        answered((URL, 302, "/login"), (f"{URL}login", 302, "http://shop.example/")),
        SAME_HOST | {"status": 302},
    ),
    "astray": RouteCase(
        fail(
            routes__redirects="astray redirects: expected to stay on shop.example, "
            "observed https://shop.example/ -> https://evil.example/"
        ),
        answered((URL, 302, "https://evil.example/")),
        SAME_HOST | {"status": 302},
    ),
    "astray-without-scheme": RouteCase(
        fail(
            routes__redirects="astray-without-scheme redirects: expected to stay on "
            "shop.example, observed https://shop.example/ -> //evil.example/"
        ),
        answered((URL, 302, "//evil.example/")),
        SAME_HOST | {"status": 302},
    ),
    "astray-later": RouteCase(
        fail(
            routes__redirects="astray-later redirects: expected to stay on shop.example, "
            "observed https://shop.example/a -> https://shop.example.evil/"
        ),
        answered((URL, 302, "/a"), (f"{URL}a", 302, "https://shop.example.evil/")),
        SAME_HOST | {"status": 302},
    ),
    "back-to-http": RouteCase(
        fail(
            routes__redirects="back-to-http redirects: expected to stay on shop.example, "
            "observed https://shop.example/ -> http://shop.example/login"
        ),
        answered((URL, 302, "http://shop.example/login")),
        SAME_HOST | {"status": 302},
    ),
    "up-to-https": RouteCase(
        {},
        answered(("http://shop.example/", 301, URL)),
        {"redirects": "same-host", "status": 301, "url": "http://shop.example/"},
    ),
    "same-host-in-capitals": RouteCase(
        {}, answered((URL, 302, "https://SHOP.example/a")), SAME_HOST | {"status": 302}
    ),
    "location-is-no-url": RouteCase(
        fail(
            routes__redirects="location-is-no-url redirects: expected to stay on "
            "shop.example, observed https://shop.example/ -> http://[nonsense/"
        ),
        answered((URL, 302, "http://[nonsense/")),
        SAME_HOST | {"status": 302},
    ),
    "astray-unwatched": RouteCase(
        {}, answered((URL, 302, "https://evil.example/")), {"status": 302}
    ),
}

PG = "pg_isready -U app -d shop"

POSTGRESQL: dict[str, tuple[Failures, CommandResult | Unobserved]] = {
    "pg-accepts": ({}, said(PG, 0, "/run/postgresql:5432 - accepting connections")),
    "pg-rejects": (
        fail(
            datastores__accepts_connections="pg-rejects connections: expected accepting "
            "connections, observed /run/postgresql:5432 - rejecting connections"
        ),
        said(PG, 1, "warning\n/run/postgresql:5432 - rejecting connections"),
    ),
    "pg-hangs": (
        fail(
            datastores__accepts_connections="pg-hangs connections: expected accepting "
            "connections, observed no answer in time"
        ),
        said(PG, 137, "", timed_out=True),
    ),
    "pg-down": (
        fail(
            datastores__accepts_connections="pg-down connections: expected accepting "
            "connections, observed pg-down is exited"
        ),
        said(PG, None, "pg-down is exited"),
    ),
    "pg-unseen": (
        unknown("no answer within 8 s", "datastores.accepts_connections"),
        STUCK,
    ),
}

PING = "redis-cli ping"

REDIS: dict[str, tuple[Failures, CommandResult | Unobserved]] = {
    "redis-answers": ({}, said(PING, 0, "PONG")),
    "redis-loads": (
        fail(
            datastores__ping="redis-loads PING: expected PONG, "
            "observed LOADING Redis is loading the dataset in memory"
        ),
        said(PING, 0, "LOADING Redis is loading the dataset in memory"),
    ),
    "redis-refuses": (
        fail(
            datastores__ping="redis-refuses PING: expected PONG, observed Could not connect "
            "to Redis at 127.0.0.1:6379: Connection refused"
        ),
        said(PING, 1, "Could not connect to Redis at 127.0.0.1:6379: Connection refused"),
    ),
    "redis-hangs": (
        fail(datastores__ping="redis-hangs PING: expected PONG, observed no answer in time"),
        said(PING, 137, "", timed_out=True),
    ),
    "redis-down": (
        fail(
            datastores__ping="redis-down PING: expected PONG, "
            "observed there is no container redis-down"
        ),
        said(PING, None, "there is no container redis-down"),
    ),
    "redis-unseen": (
        unknown("'redis-cli ping' ended with exit code 0 and no output", "datastores.ping"),
        Unobserved(reason="'redis-cli ping' ended with exit code 0 and no output"),
    ),
}

DATABASES = POSTGRESQL | REDIS


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    environment = {
        "services": {name: {} for name in ["web", *DATABASES]},
        "routes": {
            name: {"url": URL, "service": "web", **case.declared} for name, case in ROUTES.items()
        },
        "datastores": {
            "postgresql": {name: {"user": "app", "database": "shop"} for name in POSTGRESQL},
            "redis": {name: {} for name in REDIS},
        },
    }
    observed = shop.facts(
        containers=dict.fromkeys(POSTGRESQL, shop.container()),
        responses={name: case.response for name, case in ROUTES.items()},
        commands={f"pg_isready {name}": result for name, (_, result) in POSTGRESQL.items()}
        | {f"redis_ping {name}": result for name, (_, result) in REDIS.items()}
        | {f"psql {name}": shop.psql() for name in POSTGRESQL}
        | {f"postgres_df {name}": shop.postgres_df() for name in POSTGRESQL}
        | {f"redis_info {name}": shop.redis_info() for name in REDIS},
    )
    folder = tmp_path_factory.mktemp("answers")
    return shop.replay(folder, environment, observed, "-m", "shop and (routes or datastores)")


@pytest.mark.parametrize("name", ROUTES)
def test_route(ran: Ran, name: str) -> None:
    assert failures_of(ran, name) == ROUTES[name].results


@pytest.mark.parametrize("name", DATABASES)
def test_datastore(ran: Ran, name: str) -> None:
    results, _ = DATABASES[name]
    assert failures_of(ran, name) == results


def test_only_what_is_declared_is_checked(ran: Ran) -> None:
    ids = {check["id"] for check in ran.verdict("shop")["checks"]}
    of_routes = {each for each in ids if each.endswith(("[answers]", "[astray]"))}
    assert of_routes == {
        "routes.status[answers]",
        "routes.status[astray]",
        "routes.redirects[astray]",
    }
