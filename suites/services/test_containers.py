"""Every declared container exists, runs, is healthy and did not crash.

With `healthcheck: if-present`, a container without a health check passes. A container that is
`starting` is UNKNOWN until its health check has had its start period and its retries, and is not
healthy from then on. With `one_shot`, a container must have exited with code 0.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from stackproof.deploy.flapping import is_flapping, recent_failures
from stackproof.deploy.settling import is_done
from stackproof.environment.model import Environment
from stackproof.environment.practices import Practice
from stackproof.environment.services import Service
from stackproof.facts.container import Container, HealthState, ListedContainer, Process
from stackproof.facts.options import OF_A_REMOVED_ONE
from stackproof.facts.snapshot import Facts
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import as_deployed, critical, declares
from stackproof.hint import Hint, advice, recreate, server, start_container, up
from stackproof.probes.containers.instances import describe, renamed
from stackproof.unobserved import UnobservedError

_RECENT = timedelta(hours=1)
"""Restarts longer ago do not fail."""
_STARTUP = timedelta(minutes=5)
"""How long a service may crash because what it needs has not started."""
_LONGEST_CRASH = timedelta(seconds=30)


@critical
def test_exists(
    service: Service,
    inspected: Container | None,
    environment: Environment,
    listed: Mapping[str, ListedContainer],
    is_new: bool,
    warn: Callable[[Finding], None],
) -> None:
    """A service without its container serves no request, whatever Compose printed.

    The container of a job may have been removed after it ended, and that of a service that is about
    to be deployed for the first time is not there yet: a warning.
    """
    other = "" if inspected else renamed(environment, listed, service)
    problem = finding(
        service,
        "exists",
        expected=f"a container {describe(environment, subject_name(service))}",
        observed=f"its container under the name {other}" if other else None,
        hint=server("docker rename {} {}", other, service.container) or up(service.name),
    )
    if inspected is None and (service.may_be_removed or is_new):
        warn(problem)
        return
    assert inspected is not None, problem


@critical
def test_running(
    service: Service, inspected: Container | None, warn: Callable[[Finding], None]
) -> None:
    """A container that was created and then stopped, paused or crashed is down.

    A job must have exited with code 0. With `may_end`, it is a warning that it did.
    """
    if inspected is None and service.may_be_removed:
        return
    status = inspected.status if inspected else None
    if service.one_shot and inspected and status == "running":
        raise UnobservedError(f"{inspected.name} has not ended")
    is_fine = status == "running" or bool(inspected and is_done(service, inspected))
    if is_fine and (status == "running" or service.one_shot):
        return
    observed = status
    if inspected and status == "exited":
        words = "{}" if service.one_shot else "exited with code {}"
        observed = words.format(inspected.exit_code)
    problem = finding(
        service,
        "run" if service.one_shot else "running",
        expected="exit code 0" if service.one_shot else "running",
        observed=observed,
        evidence={"log": "\n".join(inspected.log_tail)} if inspected else None,
        hint=_start(service, inspected, "docker logs --tail 50 {}"),
    )
    if is_fine:
        warn(problem)
    assert is_fine, problem


@critical
def test_processes(
    service: Service, container: Container, stopped_processes: tuple[Process, ...]
) -> None:
    """A stopped first process seems alive: its port is open, but nothing is done.

    If its children go on to serve, it no longer reloads, reaps or restarts anything.
    """
    assert not stopped_processes, finding(
        service,
        "processes",
        expected="none that is stopped",
        observed=", ".join(map(str, stopped_processes)),
        hint=(
            server("docker top {}", container.name),
            advice("find out who stopped it, then continue it with the signal CONT"),
        ),
    )


@critical
@declares("healthcheck")
def test_healthy(service: Service, inspected: Container | None, starting: str) -> None:
    """A process can run and still not serve. Its own health check notices first."""
    if inspected is None and service.may_be_removed:
        return
    if starting:
        raise UnobservedError(starting)
    without = inspected and inspected.health is None and service.healthcheck == "if-present"
    if without or (inspected and is_done(service, inspected)):
        return
    if inspected is None or inspected.status != "running":
        status = inspected.status if inspected else None
    else:
        status = inspected.health.status if inspected.health else "no health check"
    assert status == "healthy", finding(
        service,
        "health",
        expected="healthy",
        observed=status,
        evidence={
            "health check": _runs(inspected.health if inspected else None),
            "log": "\n".join(inspected.log_tail) if inspected else "",
        },
        hint=_start(service, inspected, "docker inspect --format '{{json .State.Health}}' {}"),
    )


def test_health_check(
    service: Service,
    container: Container,
    environment: Environment,
    starting: str,
    tolerated: Callable[[Practice, Finding], bool],
) -> None:
    """Without a health check that runs, a deploy cannot tell a hung service from a working one.

    If the environment declares neither `healthcheck` nor another way to ask, it is a warning.
    """
    has_one, ran = container.creation.has_health_check, container.health and container.health.log
    problem = finding(
        service,
        "health check",
        expected="one that runs",
        observed="one that never ran" if has_one else None,
        evidence={"started": container.started_at.isoformat(timespec="seconds")},
        hint=_add_health_check(service, container),
    )
    if service.health_check_required or (service.healthcheck and has_one):
        if starting and not ran:
            raise UnobservedError(starting)
        fine = bool(has_one and (ran or container.status != "running"))
    else:
        # Compose files leave open whether the image has one.
        declared = service.healthcheck and environment.compose is None
        optional = has_one or declared or environment.can_be_asked(service)
        fine = bool(optional or tolerated("no-health-check", problem))
    assert fine, problem


@declares("healthcheck")
def test_flapping(service: Service, container: Container, warn: Callable[[Finding], None]) -> None:
    """Healthy now, unhealthy a moment ago: users saw the failures that the engine tolerated.

    A single failure only warns, because a busy machine can cause one. So do several, once two runs
    in a row have succeeded.
    """
    failures, flaps = recent_failures(container), is_flapping(container)
    runs = container.health.log if container.health else ()
    problem = finding(
        service,
        "recent health",
        expected="at most 1 failure" if flaps else "no failure",
        observed=f"{len(failures)} in its latest {len(runs)} runs",
        evidence={"health check": _runs(container.health)},
        hint=server("docker logs --since 5m {}", container.name),
    )
    if failures and not flaps:
        warn(problem)
    assert not flaps, problem


@as_deployed
def test_restart_policy(
    service: Service, container: Container, tolerated: Callable[[Practice, Finding], bool]
) -> None:
    """With another policy it stays down after a crash or a reboot, or starts when it should not.

    A policy of `no` is a warning, unless the service runs once.
    """
    observed = container.creation.restart
    right = service.restart in (None, observed)
    problem = finding(
        service,
        "restart policy",
        expected="one that restarts it" if right else service.restart,
        observed=observed,
        hint=(
            server(
                "docker update --restart {} {}",
                "unless-stopped" if right else service.restart or "no",
                container.name,
            ),
            *(
                (advice("fix restart of {} in the compose file", service.name),)
                if right
                else recreate("restart", service.name)
            ),
        ),
    )
    if right and observed == "no" and not service.one_shot:
        right = tolerated("no-restart-policy", problem)
    assert right, problem


def test_restarts(
    service: Service,
    container: Container,
    restarts_before: int,
    facts: Facts,
    warn: Callable[[Finding], None],
) -> None:
    """Every restart by the engine was a crash, even if the service is healthy in between.

    A warning if the last one was more than an hour ago, or if the service crashed only in its first
    minutes and has been up for much longer since. At a gate, restarts before the deploy do not
    count.
    """
    restarts = container.restart_count - restarts_before
    problem = finding(
        service,
        "restarts",
        expected=f"at most {service.max_restarts}",
        observed=restarts,
        evidence={
            "last start": container.started_at.isoformat(timespec="seconds"),
            "last exit code": container.exit_code,
            "log": "\n".join(container.log_tail),
        },
        hint=server("docker logs --tail 50 {}", container.name),
    )
    fine = restarts <= service.max_restarts
    if not fine and _has_recovered(container, facts.gathered_at):
        warn(problem)
        fine = True
    assert fine, problem


def test_oom_killed(service: Service, container: Container, oom_kills: int) -> None:
    """Memory ran out and the kernel killed a process in the container. It will do so again.

    The engine notices if the container ends. If only a worker was killed, the kernel has counted
    it.
    """
    killed = container.oom_killed or oom_kills > 0
    assert not killed, finding(
        service,
        "out of memory",
        expected="no kill",
        observed="the kernel killed a process in it",
        evidence={
            "memory limit": container.memory_limit,
            "kills since its start": oom_kills or None,
            "log": "\n".join(container.log_tail),
        },
        hint=(
            start_container(container.name, container.status),
            server("docker stats --no-stream {}", container.name),
            advice("raise its limit, or fix the leak"),
        ),
    )


def _add_health_check(service: Service, container: Container) -> tuple[Hint, ...]:
    if container.creation.has_health_check:
        return (
            server("docker inspect --format '{{json .Config.Healthcheck}}' {}", container.name),
            advice("shorten the interval of its health check"),
        )
    if service.healthcheck_test is not None:
        return recreate("healthcheck", service.name)
    return advice("add a healthcheck to {} in the compose file", service.name), up(service.name)


def _start(service: Service, inspected: Container | None, then: str) -> tuple[Hint, ...]:
    """Return how to start a container, and a command that shows why it was down."""
    if inspected is None:
        return (up(service.name),)
    if _needs_a_removed_one(inspected) and not service.may_have_ended:
        # The engine cannot start it.
        return up(service.name, "--force-recreate"), server(then, inspected.name)
    # Whether a job may run again is unknown.
    start = (
        Hint("") if service.may_have_ended else start_container(inspected.name, inspected.status)
    )
    return start, server(then, inspected.name)


def _needs_a_removed_one(container: Container) -> bool:
    """Return whether a container has a namespace of one that no longer exists."""
    other, settings = container.namespace, container.creation.settings
    options = ((settings and settings.options) or {}).values()
    is_removed = any(each.shown == OF_A_REMOVED_ONE for each in options)
    return is_removed or bool(other and not other.name)


def _has_recovered(container: Container, at: datetime) -> bool:
    """Return whether the restarts of a container are over: by now it would have crashed again."""
    up = at - container.started_at
    if container.status != "running" or container.created_at is None:
        return container.status == "running" and up >= _RECENT
    crashing = container.started_at - container.created_at
    each_run = crashing / max(container.restart_count, 1)
    outlived = up >= max(_LONGEST_CRASH, 3 * each_run)
    return up >= _RECENT or (crashing <= _STARTUP and outlived)


def _runs(health: HealthState | None) -> str:
    return "\n".join(
        f"exit code {run.exit_code} {run.output}".strip() for run in (health.log if health else ())
    )
