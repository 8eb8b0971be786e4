"""Every declared container is there, runs, is healthy, and has not been dying meanwhile.

With `healthcheck: if-present`, a container without a health check is right. One that is
`starting` is not healthy. With `one_shot: true`, one that exited with code 0 is right.
"""

from collections.abc import Callable
from itertools import dropwhile

from environments.services import Service
from fixtures.collection import critical, declares
from fixtures.facts import Container, Health, Probe
from fixtures.settling import is_done
from reports.finding import Finding, finding
from reports.hint import command


@critical
def test_exists(service: Service, found: Container | None) -> None:
    """A service without its container serves nobody, whatever compose printed."""
    assert found is not None, finding(
        service,
        "exists",
        expected=f"a container {service.container}",
        observed=None,
        hint=command("docker compose up -d {}", service.name),
    )


@critical
def test_running(service: Service, found: Container | None) -> None:
    """A container that was created and then stopped, paused or crashed is down."""
    status = found.status if found else None
    if found and is_done(service, found):
        return
    ended = f"exited with code {found.exit_code}" if found and status == "exited" else None
    assert status == "running", finding(
        service,
        "running",
        expected="running",
        observed=ended or status,
        evidence={"log": "\n".join(found.log_tail)} if found else None,
        hint=_absent(service)
        if found is None
        else command(
            "docker unpause {}" if status == "paused" else "docker logs --tail 50 {}", found.name
        ),
    )


@critical
@declares("healthcheck")
def test_healthy(service: Service, found: Container | None) -> None:
    """A process can run and still not serve; its own health check knows first."""
    without = found and found.health is None and service.healthcheck == "if-present"
    if without or (found and is_done(service, found)):
        return
    if found is None or found.status != "running":
        status = found.status if found else None
    else:
        status = found.health.status if found.health else "no health check"
    assert status == "healthy", finding(
        service,
        "health",
        expected="healthy",
        observed=status,
        evidence={
            "health check": _runs(found.health if found else None),
            "log": "\n".join(found.log_tail) if found else "",
        },
        hint=command("docker inspect --format '{{{{json .State.Health}}}}' {}", found.name)
        if found
        else _absent(service),
    )


@declares("healthcheck")
def test_health_check(service: Service, container: Container) -> None:
    """Without a health check that runs, a deploy takes a hung service for a well one."""
    has_one, ran = container.creation.has_health_check, container.health and container.health.log
    if not has_one and service.healthcheck == "if-present":
        return
    fine = has_one and (ran or container.status != "running")
    assert fine, finding(
        service,
        "health check",
        expected="one that runs",
        observed="one that never ran" if has_one else None,
        evidence={"started": container.started_at.isoformat(timespec="seconds")},
        hint=command(
            "mend its healthcheck in the compose file (is its interval too long?), "
            "then docker compose up -d {}",
            service.name,
        ),
    )


@declares("healthcheck")
def test_flapping(service: Service, container: Container, warn: Callable[[Finding], None]) -> None:
    """Healthy now, ill a moment ago: users met the failures that the engine forgave.

    One failure only warns: a busy machine makes one, and then another is a while away.
    """
    failures = _forgiven_failures(container)
    kept = len(container.health.log) if container.health else 0
    if len(failures) == 1:
        warn(
            finding(
                service,
                "recent health",
                expected="no failure",
                observed=f"1 in its latest {kept} runs",
            )
        )
    assert len(failures) <= 1, finding(
        service,
        "recent health",
        expected="at most 1 failure",
        observed=f"{len(failures)} in its latest {kept} runs",
        evidence={"health check": _runs(container.health)},
        hint=command("docker logs --since 5m {}", container.name),
    )


@declares("restart")
def test_restart_policy(service: Service, container: Container) -> None:
    """With another policy it stays down after a crash or a reboot, or comes back unasked."""
    assert container.creation.restart == service.restart, finding(
        service,
        "restart policy",
        expected=service.restart,
        observed=container.creation.restart,
        hint=command(
            "docker update --restart {} {}, then mend the compose file",
            service.restart or "no",
            container.name,
        ),
    )


def test_restarts(service: Service, container: Container) -> None:
    """Every restart by the engine was a crash, even where all looks well between two of them."""
    assert container.restart_count <= service.max_restarts, finding(
        service,
        "restarts",
        expected=f"at most {service.max_restarts}",
        observed=container.restart_count,
        evidence={
            "last start": container.started_at.isoformat(timespec="seconds"),
            "last exit code": container.exit_code,
            "log": "\n".join(container.log_tail),
        },
        hint=command("docker logs --tail 50 {}", container.name),
    )


def test_oom_killed(service: Service, container: Container) -> None:
    """The kernel killed a process of it for want of memory, and will again."""
    assert not container.oom_killed, finding(
        service,
        "out of memory",
        expected="no kill",
        observed="the kernel killed a process in it",
        evidence={
            "memory limit": container.memory_limit,
            "log": "\n".join(container.log_tail),
        },
        hint=command(
            "docker stats --no-stream {}, then raise its limit or mend the leak", container.name
        ),
    )


def _absent(service: Service) -> str:
    return command("docker ps --all --filter name={}", service.container)


def _forgiven_failures(container: Container) -> list[Probe]:
    """Failures among the latest runs of the health check that the engine keeps.

    Only of a container that is healthy now: that another is not is told already. Those before the
    first success that is kept do not count: it may have been starting.
    """
    health = container.health
    if health is None or (container.status, health.status) != ("running", "healthy"):
        return []
    runs = [run for run in health.log if run.at >= container.started_at]
    return [run for run in dropwhile(_failed, runs) if _failed(run)]


def _failed(run: Probe) -> bool:
    return run.exit_code != 0


def _runs(health: Health | None) -> str:
    return "\n".join(
        f"exit code {run.exit_code} {run.output}".strip() for run in (health.log if health else ())
    )
