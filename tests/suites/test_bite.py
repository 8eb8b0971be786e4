"""The checks of a service turn red where they should, and say exactly what is wrong; else green.

Each service below is one case. All of them are verified in one run of the suites.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from environments.sizes import Bytes
from fixtures.creation import Mount
from fixtures.facts import Container, Usage
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
    container,
    created,
    health,
    usage,
)
from tests.suites.told import Told, fail, told_of, unknown


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
        fail(
            containers__exists="absent exists: expected a container absent, observed none",
            containers__running="absent running: expected running, observed none",
            containers__healthy="absent health: expected healthy, observed none",
        )
        | unknown("there is no container absent", *CHECKS[3:]),
        container=None,
        usage=Unobserved(reason="there is no container absent"),
    ),
    "stuck": Case(
        unknown("no answer within 8 s", *CHECKS[:8], *CHECKS[10:]),
        container=STUCK,
    ),
    # running
    "exited": Case(
        fail(
            containers__running="exited running: expected running, observed exited with code 137",
            containers__healthy="exited health: expected healthy, observed exited",
        )
        | unknown("it is exited", *USED)
        | unknown("shop is exited", "network.published"),
        container=container(status="exited", exit_code=137, health=health("unhealthy", "no")),
        usage=NOT_RUNNING,
    ),
    "exited-well": Case(
        fail(
            containers__running="exited-well running: "
            "expected running, observed exited with code 0",
            containers__healthy="exited-well health: expected healthy, observed exited",
        )
        | unknown("it is exited", *USED)
        | unknown("shop is exited", "network.published"),
        container=container(status="exited"),
        usage=NOT_RUNNING,
    ),
    "paused": Case(
        fail(
            containers__running="paused running: expected running, observed paused",
            containers__healthy="paused health: expected healthy, observed paused",
        ),
        container=container(status="paused"),
    ),
    "created": Case(
        fail(
            containers__running="created running: expected running, observed created",
            containers__healthy="created health: expected healthy, observed created",
        )
        | unknown("shop is created", "network.published"),
        container=container(status="created"),
    ),
    "crash-looping": Case(
        fail(
            containers__running="crash-looping running: expected running, observed restarting",
            containers__healthy="crash-looping health: expected healthy, observed restarting",
            containers__restarts="crash-looping restarts: expected at most 0, observed 9",
        )
        | unknown("shop is restarting", "network.published"),
        container=container(status="restarting", exit_code=1, restart_count=9),
    ),
    # healthy
    "unhealthy": Case(
        fail(containers__healthy="unhealthy health: expected healthy, observed unhealthy"),
        container=container(health=health("unhealthy", "connection refused")),
    ),
    "starting": Case(
        fail(
            containers__healthy="starting health: expected healthy, observed starting",
            containers__health_check="starting health check: "
            "expected one that runs, observed one that never ran",
        ),
        container=container(health=health("starting")),
    ),
    "no-health-check": Case(
        fail(
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
        fail(containers__healthy="if-present-bad health: expected healthy, observed unhealthy"),
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
        fail(containers__restarts="restarted-once restarts: expected at most 0, observed 1"),
        container=container(restart_count=1),
    ),
    "restarted-as-allowed": Case(
        {}, container=container(restart_count=2), declared=_only(max_restarts=2)
    ),
    "restarted-too-often": Case(
        fail(containers__restarts="restarted-too-often restarts: expected at most 2, observed 3"),
        container=container(restart_count=3),
        declared=_only(max_restarts=2),
    ),
    # oom_killed
    "oom-killed": Case(
        fail(
            containers__oom_killed="oom-killed out of memory: "
            "expected no kill, observed the kernel killed a process in it"
        ),
        container=container(oom_killed=True),
    ),
    # cpu_limit
    "cpu-less": Case(
        fail(resources__cpu_limit="cpu-less CPU limit: expected 1.5, observed 1.499999999"),
        container=container(cpu_limit=1.499999999),
    ),
    "cpu-more": Case(
        fail(resources__cpu_limit="cpu-more CPU limit: expected 1.5, observed 2"),
        container=container(cpu_limit=2.0),
    ),
    "cpu-none": Case(
        fail(resources__cpu_limit="cpu-none CPU limit: expected 1.5, observed none"),
        container=container(cpu_limit=None),
    ),
    "cpu-alone": Case({}, declared=_only(limits={"cpus": 1.5}), usage=usage(8 * GIB)),
    # memory_limit and effective_memory
    "memory-less": Case(
        fail(
            resources__memory_limit="memory-less memory limit: expected 512 MiB, observed 256 MiB",
            resources__effective_memory="memory-less effective memory limit: "
            "expected 512 MiB, observed 256 MiB",
        ),
        container=container(memory_limit=Bytes(256 * MIB)),
        usage=usage(256 * MIB),
    ),
    "memory-a-byte-less": Case(
        fail(
            resources__memory_limit="memory-a-byte-less memory limit: "
            "expected 512 MiB, observed 512.0 MiB",
            resources__effective_memory="memory-a-byte-less effective memory limit: "
            "expected 512 MiB, observed 512.0 MiB",
        ),
        container=container(memory_limit=Bytes(512 * MIB - 1)),
        usage=usage(512 * MIB - 1),
    ),
    "memory-none": Case(
        fail(
            resources__memory_limit="memory-none memory limit: expected 512 MiB, observed none",
            resources__effective_memory="memory-none effective memory limit: "
            "expected 512 MiB, observed 8 GiB (all of the machine)",
        ),
        container=container(memory_limit=None),
        usage=usage(8 * GIB),
    ),
    "memory-on-record-alone": Case(
        fail(
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
        fail(
            network__published="more-public published ports: expected 443, "
            "observed 127.0.0.1:5432, 443"
        ),
        container=container(published={"127.0.0.1:5432": 5432, "443": 443}),
        declared=_only(publish=["443"]),
    ),
    "less-public": Case(
        fail(network__published="less-public published ports: expected 443, observed none"),
        declared=_only(publish=["443"]),
    ),
    "elsewhere-public": Case(
        fail(
            network__published="elsewhere-public published ports: expected 443, "
            "observed 127.0.0.1:443"
        ),
        container=container(published={"127.0.0.1:443": 443}),
        declared=_only(publish=["443"]),
    ),
    "memory-unseen": Case(unknown("no answer within 8 s", *USED), usage=STUCK),
}

PUBLISHED = {"ports": [5000], "publish": [5000]}
CODE = Mount(kind="bind", source="/home/dev/shop/api", target="/app")
CONFIGURATION = Mount(kind="bind", source="/home/dev/shop/api.conf", target="/etc/api.conf")
KEPT = Mount(kind="volume", source="/var/lib/docker/volumes/modules", target="/app/node_modules")

SERVICES |= {
    # forwarded
    "leads-on": Case({}, container=container(published={"5000": 5000}), declared=PUBLISHED),
    "leads-nowhere": Case(
        fail(
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
        fail(
            configuration__code_mounted="not-live code: "
            "expected mounted from the host, observed that of its image"
        ),
        container=container(creation=created(mounts=(CONFIGURATION, KEPT))),
        declared={"code": "live"},
    ),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    environment = {"services": {name: case.declared for name, case in SERVICES.items()}}
    observed = shop.facts(
        containers={name: case.container for name, case in SERVICES.items()},
        usage={name: case.usage for name, case in SERVICES.items()},
    )
    return shop.replay(tmp_path_factory.mktemp("bite"), environment, observed)


@pytest.mark.parametrize("name", SERVICES)
def test_service(ran: Ran, name: str) -> None:
    assert told_of(ran, name) == SERVICES[name].told


def test_only_what_is_declared_is_checked(ran: Ran) -> None:
    ids = [check["id"] for check in ran.verdict("shop")["checks"]]
    assert len(ids) == len(set(ids))
    for subject, checks in {
        "undeclared": {"containers.exists", "containers.running", "containers.restarts"}
        | {"containers.oom_killed", *ALWAYS},
        "fine": set(CHECKS),
        "cpu-alone": {*CHECKS[:2], *CHECKS[3:6], "resources.cpu_throttled", *ALWAYS},
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
    assert check["hint"] == "docker inspect --format '{{json .State.Health}}' shop"
    assert HEALTHY.status == check["expected"]
