"""The checks of containers fail where they should, and say exactly what is wrong."""

import pytest

from stackproof.facts.container import Process
from stackproof.unobserved import Unobserved
from tests.command_line import Ran
from tests.shop import (
    GIB,
    HEALTHY,
    STUCK,
    USAGE,
    container,
    created,
    health,
    usage,
)
from tests.suites import service_cases
from tests.suites.expectations import fail, failures_of, unknown
from tests.suites.service_cases import ALWAYS, CHECKS, NOT_RUNNING, USED, Case, only

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
        unknown("no answer within 8 s", *CHECKS[:8], *CHECKS[9:]),
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
        declared=only(healthcheck="if-present"),
    ),
    "if-present-fine": Case({}, declared=only(healthcheck="if-present")),
    "if-present-bad": Case(
        fail(containers__healthy="if-present-bad health: expected healthy, observed unhealthy"),
        container=container(health=health("unhealthy", "no")),
        declared=only(healthcheck="if-present"),
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
        {}, container=container(restart_count=2), declared=only(max_restarts=2)
    ),
    "restarted-too-often": Case(
        fail(containers__restarts="restarted-too-often restarts: expected at most 2, observed 3"),
        container=container(restart_count=3),
        declared=only(max_restarts=2),
    ),
    # oom_killed
    "oom-killed": Case(
        fail(
            containers__oom_killed="oom-killed out of memory: "
            "expected no kill, observed the kernel killed a process in it"
        ),
        container=container(oom_killed=True),
    ),
    "worker-oom-killed": Case(
        fail(
            containers__oom_killed="worker-oom-killed out of memory: "
            "expected no kill, observed the kernel killed a process in it"
        ),
        usage=USAGE.model_copy(update={"oom_kills": 1}),
    ),
    # processes
    "hung": Case(
        fail(
            containers__processes="hung processes: expected none that is stopped, "
            "observed nginx (PID 1) stopped by a signal, worker (PID 7) stopped by a signal"
        ),
        usage=USAGE.model_copy(
            update={"stopped": (Process(name="nginx", pid=1), Process(name="worker", pid=7))}
        ),
    ),
    "without-its-leader": Case(
        fail(
            containers__processes="without-its-leader processes: expected none that is stopped, "
            "observed nginx (PID 1) dead"
        ),
        usage=USAGE.model_copy(update={"stopped": (Process(name="nginx", pid=1, is_dead=True),)}),
    ),
    "no-process-stopped": Case({}, usage=USAGE.model_copy(update={"stopped": ()})),
    "no-kills-counted": Case({}, usage=USAGE.model_copy(update={"oom_kills": 0})),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return service_cases.replay(tmp_path_factory.mktemp("services"), SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_service(ran: Ran, name: str) -> None:
    assert failures_of(ran, name) == SERVICES[name].results


def test_only_what_is_declared_is_checked(ran: Ran) -> None:
    ids = [check["id"] for check in ran.verdict("shop")["checks"]]
    assert len(ids) == len(set(ids))
    for subject, checks in {
        "undeclared": {"containers.exists", "containers.running", "containers.restarts"}
        | {"containers.oom_killed", *ALWAYS},
        "fine": set(CHECKS),
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
