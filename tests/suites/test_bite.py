"""Every check turns red where it should, says exactly what is wrong, and stays green elsewhere.

Each subject below is one case. All of them are verified in one run of the suites.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from environments.sizes import Bytes
from fixtures.creation import Mount
from fixtures.facts import CommandResult, Container, Response, Usage
from fixtures.observation import Unobserved
from tests.suites import shop
from tests.suites.command_line import Ran
from tests.suites.shop import (
    GIB,
    HEALTHY,
    LIMITS,
    MIB,
    STUCK,
    USAGE,
    answered,
    container,
    created,
    health,
    said,
    usage,
)

Told = dict[str, tuple[str, str]]


def _fail(**lines: str) -> Told:
    return {check.replace("__", "."): ("FAIL", line) for check, line in lines.items()}


def _unknown(reason: str, *checks: str) -> Told:
    return dict.fromkeys(checks, ("UNKNOWN", f"could not look: {reason}"))


@dataclass(frozen=True)
class Case:
    """A service: what is declared, what is seen, and which checks then do not pass."""

    told: Told
    container: Container | Unobserved | None = shop.CONTAINER
    usage: Usage | Unobserved = USAGE
    declared: dict[str, Any] = field(
        default_factory=lambda: {"limits": LIMITS, "healthcheck": "required"}
    )


def _only(**declared: Any) -> dict[str, Any]:
    return declared


NOT_RUNNING = Unobserved(reason="it is exited")
ALWAYS = (
    "identity.instances",
    "identity.stale",
    "network.published",
    "configuration.secret_variables",
    "configuration.privileged",
    "configuration.engine_socket",
    "configuration.host_network",
)
USED = ("resources.effective_memory", "resources.memory_free", "resources.cpu_throttled")
CHECKS = (
    "containers.exists",
    "containers.running",
    "containers.healthy",
    "containers.restarts",
    "containers.oom_killed",
    "resources.cpu_limit",
    "resources.memory_limit",
    *USED,
    "containers.health_check",
    "containers.flapping",
    *ALWAYS,
)

SERVICES: dict[str, Case] = {
    "fine": Case({}),
    # exists
    "absent": Case(
        _fail(
            containers__exists="absent exists: expected a container absent, observed none",
            containers__running="absent running: expected running, observed none",
            containers__healthy="absent health: expected healthy, observed none",
        )
        | _unknown("there is no container absent", *CHECKS[3:]),
        container=None,
        usage=Unobserved(reason="there is no container absent"),
    ),
    "stuck": Case(
        _unknown("no answer within 8 s", *CHECKS[:8], *CHECKS[10:]),
        container=STUCK,
    ),
    # running
    "exited": Case(
        _fail(
            containers__running="exited running: expected running, observed exited with code 137",
            containers__healthy="exited health: expected healthy, observed exited",
        )
        | _unknown("it is exited", *USED)
        | _unknown("shop is exited", "network.published"),
        container=container(status="exited", exit_code=137, health=health("unhealthy", "no")),
        usage=NOT_RUNNING,
    ),
    "exited-well": Case(
        _fail(
            containers__running="exited-well running: "
            "expected running, observed exited with code 0",
            containers__healthy="exited-well health: expected healthy, observed exited",
        )
        | _unknown("it is exited", *USED)
        | _unknown("shop is exited", "network.published"),
        container=container(status="exited"),
        usage=NOT_RUNNING,
    ),
    "paused": Case(
        _fail(
            containers__running="paused running: expected running, observed paused",
            containers__healthy="paused health: expected healthy, observed paused",
        ),
        container=container(status="paused"),
    ),
    "created": Case(
        _fail(
            containers__running="created running: expected running, observed created",
            containers__healthy="created health: expected healthy, observed created",
        )
        | _unknown("shop is created", "network.published"),
        container=container(status="created"),
    ),
    "crash-looping": Case(
        _fail(
            containers__running="crash-looping running: expected running, observed restarting",
            containers__healthy="crash-looping health: expected healthy, observed restarting",
            containers__restarts="crash-looping restarts: expected at most 0, observed 9",
        )
        | _unknown("shop is restarting", "network.published"),
        container=container(status="restarting", exit_code=1, restart_count=9),
    ),
    # healthy
    "unhealthy": Case(
        _fail(containers__healthy="unhealthy health: expected healthy, observed unhealthy"),
        container=container(health=health("unhealthy", "connection refused")),
    ),
    "starting": Case(
        _fail(
            containers__healthy="starting health: expected healthy, observed starting",
            containers__health_check="starting health check: "
            "expected one that runs, observed one that never ran",
        ),
        container=container(health=health("starting")),
    ),
    "no-health-check": Case(
        _fail(
            containers__healthy="no-health-check health: "
            "expected healthy, observed no health check",
            containers__health_check="no-health-check health check: "
            "expected one that runs, observed none",
        ),
        container=container(health=None, creation=created(has_health_check=False)),
    ),
    "if-present-none": Case(
        {},
        container=container(health=None, creation=created(has_health_check=False)),
        declared=_only(healthcheck="if-present"),
    ),
    "if-present-fine": Case({}, declared=_only(healthcheck="if-present")),
    "if-present-bad": Case(
        _fail(containers__healthy="if-present-bad health: expected healthy, observed unhealthy"),
        container=container(health=health("unhealthy", "no")),
        declared=_only(healthcheck="if-present"),
    ),
    "undeclared": Case(
        {},
        container=container(health=health("unhealthy"), cpu_limit=None, memory_limit=None),
        usage=usage(8 * GIB),
        declared={},
    ),
    # restarts
    "restarted-once": Case(
        _fail(containers__restarts="restarted-once restarts: expected at most 0, observed 1"),
        container=container(restart_count=1),
    ),
    "restarted-as-allowed": Case(
        {}, container=container(restart_count=2), declared=_only(max_restarts=2)
    ),
    "restarted-too-often": Case(
        _fail(containers__restarts="restarted-too-often restarts: expected at most 2, observed 3"),
        container=container(restart_count=3),
        declared=_only(max_restarts=2),
    ),
    # oom_killed
    "oom-killed": Case(
        _fail(
            containers__oom_killed="oom-killed out of memory: "
            "expected no kill, observed the kernel killed a process in it"
        ),
        container=container(oom_killed=True),
    ),
    # cpu_limit
    "cpu-less": Case(
        _fail(resources__cpu_limit="cpu-less CPU limit: expected 1.5, observed 1.499999999"),
        container=container(cpu_limit=1.499999999),
    ),
    "cpu-more": Case(
        _fail(resources__cpu_limit="cpu-more CPU limit: expected 1.5, observed 2"),
        container=container(cpu_limit=2.0),
    ),
    "cpu-none": Case(
        _fail(resources__cpu_limit="cpu-none CPU limit: expected 1.5, observed none"),
        container=container(cpu_limit=None),
    ),
    "cpu-alone": Case({}, declared=_only(limits={"cpus": 1.5}), usage=usage(8 * GIB)),
    # memory_limit and effective_memory
    "memory-less": Case(
        _fail(
            resources__memory_limit="memory-less memory limit: expected 512 MiB, observed 256 MiB",
            resources__effective_memory="memory-less effective memory limit: "
            "expected 512 MiB, observed 256 MiB",
        ),
        container=container(memory_limit=Bytes(256 * MIB)),
        usage=usage(256 * MIB),
    ),
    "memory-a-byte-less": Case(
        _fail(
            resources__memory_limit="memory-a-byte-less memory limit: "
            "expected 512 MiB, observed 512.0 MiB",
            resources__effective_memory="memory-a-byte-less effective memory limit: "
            "expected 512 MiB, observed 512.0 MiB",
        ),
        container=container(memory_limit=Bytes(512 * MIB - 1)),
        usage=usage(512 * MIB - 1),
    ),
    "memory-none": Case(
        _fail(
            resources__memory_limit="memory-none memory limit: expected 512 MiB, observed none",
            resources__effective_memory="memory-none effective memory limit: "
            "expected 512 MiB, observed 8 GiB (all of the machine)",
        ),
        container=container(memory_limit=None),
        usage=usage(8 * GIB),
    ),
    "memory-on-record-alone": Case(
        _fail(
            resources__effective_memory="memory-on-record-alone effective memory limit: "
            "expected 512 MiB, observed 1 GiB"
        ),
        usage=usage(GIB),
    ),
    "memory-above-the-machine": Case(
        {},
        container=container(memory_limit=Bytes(16 * GIB)),
        usage=usage(8 * GIB),
        declared=_only(limits={"memory": "16G"}),
    ),
    "memory-above-the-machine-too": Case(  # as cgroup v2 reports it
        {},
        container=container(memory_limit=Bytes(16 * GIB)),
        usage=usage(16 * GIB),
        declared=_only(limits={"memory": "16G"}),
    ),
    # published
    "public": Case(
        {},
        container=container(published={"443": 443}),
        declared=_only(publish=["443"]),
    ),
    "more-public": Case(
        _fail(
            network__published="more-public published ports: expected 443, "
            "observed 127.0.0.1:5432, 443"
        ),
        container=container(published={"127.0.0.1:5432": 5432, "443": 443}),
        declared=_only(publish=["443"]),
    ),
    "less-public": Case(
        _fail(network__published="less-public published ports: expected 443, observed none"),
        declared=_only(publish=["443"]),
    ),
    "elsewhere-public": Case(
        _fail(
            network__published="elsewhere-public published ports: expected 443, "
            "observed 127.0.0.1:443"
        ),
        container=container(published={"127.0.0.1:443": 443}),
        declared=_only(publish=["443"]),
    ),
    "memory-unseen": Case(_unknown("no answer within 8 s", *USED), usage=STUCK),
}

URL = "https://shop.example/"


@dataclass(frozen=True)
class RouteCase:
    """A route: what is declared, what is seen, and which checks then do not pass."""

    told: Told
    response: Response | Unobserved
    declared: dict[str, Any] = field(default_factory=dict)


SAME_HOST = {"redirects": "same-host", "follow_redirects": True}

ROUTES: dict[str, RouteCase] = {
    "answers": RouteCase({}, answered((URL, 200))),
    "bad-gateway": RouteCase(
        _fail(routes__status="bad-gateway status: expected 200, observed 502"),
        answered((URL, 502), body="<h1>502 Bad Gateway</h1>"),
    ),
    "nearly": RouteCase(
        _fail(routes__status="nearly status: expected 200, observed 201"), answered((URL, 201))
    ),
    "one-of-two": RouteCase({}, answered((URL, 308)), {"status": [301, 308]}),
    "none-of-two": RouteCase(
        _fail(routes__status="none-of-two status: expected 301 or 308, observed 302"),
        answered((URL, 302)),
        {"status": [301, 308]},
    ),
    "refused": RouteCase(
        _fail(routes__status="refused status: expected 200, observed connection refused")
        | _unknown("the route did not answer: connection refused", "routes.redirects"),
        answered(error="connection refused"),
        SAME_HOST,
    ),
    "offline": RouteCase(
        _unknown("no connection within 5 s", "routes.status", "routes.redirects"),
        Unobserved(reason="no connection within 5 s"),
        SAME_HOST,
    ),
    "last-counts": RouteCase({}, answered((URL, 302, "/login"), (f"{URL}login", 200)), SAME_HOST),
    "last-is-wrong": RouteCase(
        _fail(routes__status="last-is-wrong status: expected 200, observed 500"),
        answered((URL, 302, "/login"), (f"{URL}login", 500)),
        SAME_HOST,
    ),
    "last-does-not-answer": RouteCase(
        _fail(
            routes__status="last-does-not-answer status: "
            "expected 200, observed no answer within 5 s"
        ),
        answered((URL, 200, "/login"), error="no answer within 5 s"),
        SAME_HOST,
    ),
    "astray": RouteCase(
        _fail(
            routes__redirects="astray redirects: expected to stay on shop.example, "
            "observed https://shop.example/ -> https://evil.example/"
        ),
        answered((URL, 302, "https://evil.example/")),
        SAME_HOST | {"status": 302},
    ),
    "astray-without-scheme": RouteCase(
        _fail(
            routes__redirects="astray-without-scheme redirects: expected to stay on "
            "shop.example, observed https://shop.example/ -> //evil.example/"
        ),
        answered((URL, 302, "//evil.example/")),
        SAME_HOST | {"status": 302},
    ),
    "astray-later": RouteCase(
        _fail(
            routes__redirects="astray-later redirects: expected to stay on shop.example, "
            "observed https://shop.example/a -> https://shop.example.evil/"
        ),
        answered((URL, 302, "/a"), (f"{URL}a", 302, "https://shop.example.evil/")),
        SAME_HOST | {"status": 302},
    ),
    "back-to-http": RouteCase(
        _fail(
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
        _fail(
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

POSTGRESQL: dict[str, tuple[Told, CommandResult | Unobserved]] = {
    "pg-accepts": ({}, said(PG, 0, "/run/postgresql:5432 - accepting connections")),
    "pg-rejects": (
        _fail(
            datastores__accepts_connections="pg-rejects connections: expected accepting "
            "connections, observed /run/postgresql:5432 - rejecting connections"
        ),
        said(PG, 1, "warning\n/run/postgresql:5432 - rejecting connections"),
    ),
    "pg-hangs": (
        _fail(
            datastores__accepts_connections="pg-hangs connections: expected accepting "
            "connections, observed no answer in time"
        ),
        said(PG, 137, "", timed_out=True),
    ),
    "pg-down": (
        _fail(
            datastores__accepts_connections="pg-down connections: expected accepting "
            "connections, observed pg-down is exited"
        ),
        said(PG, None, "pg-down is exited"),
    ),
    "pg-unseen": (
        _unknown("no answer within 8 s", "datastores.accepts_connections"),
        STUCK,
    ),
}

PING = "redis-cli ping"

REDIS: dict[str, tuple[Told, CommandResult | Unobserved]] = {
    "redis-answers": ({}, said(PING, 0, "PONG")),
    "redis-loads": (
        _fail(
            datastores__ping="redis-loads PING: expected PONG, "
            "observed LOADING Redis is loading the dataset in memory"
        ),
        said(PING, 0, "LOADING Redis is loading the dataset in memory"),
    ),
    "redis-refuses": (
        _fail(
            datastores__ping="redis-refuses PING: expected PONG, observed Could not connect "
            "to Redis at 127.0.0.1:6379: Connection refused"
        ),
        said(PING, 1, "Could not connect to Redis at 127.0.0.1:6379: Connection refused"),
    ),
    "redis-hangs": (
        _fail(datastores__ping="redis-hangs PING: expected PONG, observed no answer in time"),
        said(PING, 137, "", timed_out=True),
    ),
    "redis-down": (
        _fail(
            datastores__ping="redis-down PING: expected PONG, "
            "observed there is no container redis-down"
        ),
        said(PING, None, "there is no container redis-down"),
    ),
    "redis-unseen": (
        _unknown("'redis-cli ping' ended with exit code 0 and no output", "datastores.ping"),
        Unobserved(reason="'redis-cli ping' ended with exit code 0 and no output"),
    ),
}

PUBLISHED = {"ports": [5000], "publish": [5000]}
CODE = Mount(kind="bind", source="/home/dev/shop/api", target="/app")
CONFIGURATION = Mount(kind="bind", source="/home/dev/shop/api.conf", target="/etc/api.conf")
KEPT = Mount(kind="volume", source="/var/lib/docker/volumes/modules", target="/app/node_modules")

SERVICES |= {
    # forwarded
    "leads-on": Case({}, container=container(published={"5000": 5000}), declared=PUBLISHED),
    "leads-nowhere": Case(
        _fail(
            network__forwarded="leads-nowhere published ports: "
            "expected to lead to 5000, observed 5000 to 5001"
        ),
        container=container(published={"5000": 5001}),
        declared=PUBLISHED,
    ),
    # code_mounted
    "live": Case(
        {},
        container=container(creation=created(mounts=(CONFIGURATION, CODE))),
        declared={"code": "live"},
    ),
    "not-live": Case(
        _fail(
            configuration__code_mounted="not-live code: "
            "expected mounted from the host, observed that of its image"
        ),
        container=container(creation=created(mounts=(CONFIGURATION, KEPT))),
        declared={"code": "live"},
    ),
}
NO_LIMITS = Case({}, usage=usage(8 * GIB), declared={})


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    services = SERVICES | dict.fromkeys([*POSTGRESQL, *REDIS], NO_LIMITS)
    environment = {
        "services": {name: case.declared for name, case in services.items()},
        "routes": {
            name: {"url": URL, "service": "fine", **case.declared} for name, case in ROUTES.items()
        },
        "datastores": {
            "postgresql": {name: {"user": "app", "database": "shop"} for name in POSTGRESQL},
            "redis": {name: {} for name in REDIS},
        },
    }
    observed = shop.facts(
        containers={name: case.container for name, case in services.items()},
        usage={name: case.usage for name, case in services.items()},
        responses={name: case.response for name, case in ROUTES.items()},
        commands={f"pg_isready {name}": result for name, (_, result) in POSTGRESQL.items()}
        | {f"redis_ping {name}": result for name, (_, result) in REDIS.items()}
        | {f"psql {name}": shop.psql() for name in POSTGRESQL}
        | {f"redis_info {name}": shop.redis_info() for name in REDIS},
    )
    return shop.replay(tmp_path_factory.mktemp("bite"), environment, observed)


def _told_of(ran: Ran, subject: str) -> Told:
    return {
        check.partition("[")[0]: told
        for check, told in ran.told("shop").items()
        if check.endswith(f"[{subject}]")
    }


@pytest.mark.parametrize("name", SERVICES)
def test_service(ran: Ran, name: str) -> None:
    assert _told_of(ran, name) == SERVICES[name].told


@pytest.mark.parametrize("name", ROUTES)
def test_route(ran: Ran, name: str) -> None:
    assert _told_of(ran, name) == ROUTES[name].told


@pytest.mark.parametrize("name", [*POSTGRESQL, *REDIS])
def test_datastore(ran: Ran, name: str) -> None:
    told, _ = (POSTGRESQL | REDIS)[name]
    assert _told_of(ran, name) == told


def test_only_what_is_declared_is_checked(ran: Ran) -> None:
    ids = [check["id"] for check in ran.verdict("shop")["checks"]]
    assert len(ids) == len(set(ids))
    for subject, checks in {
        "undeclared": {"containers.exists", "containers.running", "containers.restarts"}
        | {"containers.oom_killed", *ALWAYS},
        "fine": set(CHECKS),
        "cpu-alone": {*CHECKS[:2], *CHECKS[3:6], "resources.cpu_throttled", *ALWAYS},
        "answers": {"routes.status"},
        "astray": {"routes.status", "routes.redirects"},
    }.items():
        ends = f"[{subject}]"
        assert {name.removesuffix(ends) for name in ids if name.endswith(ends)} == checks


def test_no_check_broke(ran: Ran) -> None:
    evidence = [title for check in ran.verdict("shop")["checks"] for title in check["evidence"]]
    assert "traceback" not in evidence
    assert ran.exit_code == 1


def test_first_lines_stand_in_the_summary(ran: Ran) -> None:
    assert "✗ restarted-once restarts: expected at most 0, observed 1\n" in ran.output


def test_health_is_evidence(ran: Ran) -> None:
    (check,) = (
        each
        for each in ran.verdict("shop")["checks"]
        if each["id"] == "containers.healthy[unhealthy]"
    )
    assert check["evidence"] == {"health check": "exit code 1 connection refused"}
    assert check["hint"] == "docker inspect --format '{{json .State.Health}}' unhealthy"
    assert HEALTHY.status == check["expected"]
