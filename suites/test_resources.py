"""CPU and memory limits are as specified, on record and in the kernel, and leave room.

A declared limit above the machine's memory cannot bind: all of the machine's memory is then
expected to be in effect. Nothing tells which CPU limit is in effect.
"""

from environments.services import Service
from environments.sizes import Bytes, cpus_in_words
from fixtures.collection import declares
from fixtures.facts import Container, Machine, Usage
from fixtures.observation import CannotLook
from reports.finding import finding
from reports.hint import command

_FEWEST_PERIODS = 100  # of a tenth of a second, as engines have them


@declares("limits.cpus")
def test_cpu_limit(service: Service, container: Container) -> None:
    """A service without its CPU limit starves its neighbours when it is busy."""
    assert container.cpu_limit == service.limits.cpus, finding(
        service,
        "CPU limit",
        expected=cpus_in_words(service.limits.cpus),
        observed=cpus_in_words(container.cpu_limit),
        hint=command(
            "docker update --cpus {} {}, then mend the compose file",
            str(service.limits.cpus),
            container.name,
        ),
    )


@declares("limits.memory")
def test_memory_limit(service: Service, container: Container) -> None:
    """A service without its memory limit can take the whole machine down."""
    assert container.memory_limit == service.limits.memory, finding(
        service,
        "memory limit",
        expected=service.limits.memory,
        observed=container.memory_limit,
        hint=_update(service, container),
    )


@declares("limits.memory")
def test_effective_memory(
    service: Service, container: Container, usage: Usage, machine: Machine
) -> None:
    """The engine's record is a promise; the kernel's figure is what will be enforced."""
    if not machine.memory:
        raise CannotLook("the engine does not say how much memory its machine has")
    # A limit above the machine's memory cannot bind: engines report the machine's own then.
    declared = min(service.limits.memory or machine.memory, machine.memory)
    effective = min(usage.memory_limit, machine.memory)
    assert effective == declared, finding(
        service,
        "effective memory limit",
        expected=Bytes(declared),
        observed=f"{Bytes(effective)} (all of the machine)"
        if effective == machine.memory
        else effective,
        evidence={"limit on record": container.memory_limit, "in use": usage.memory_used},
        hint=_update(service, container),
    )


@declares("limits.memory")
def test_memory_free(service: Service, usage: Usage) -> None:
    """At its limit, the kernel kills: a process of the service, at the worst of moments."""
    used, limit = usage.memory_used, usage.memory_limit
    if not limit:
        raise CannotLook("its memory limit in force is 0, which none can run with")
    assert used < service.limits.memory_used * limit, finding(
        service,
        "memory in use",
        expected=f"under {service.limits.memory_used:.0%} of {limit}",
        observed=f"{used} ({used / limit:.0%})",
        hint=command("docker compose top {}, then mend the leak or the limit", service.name),
    )


@declares("limits.cpus")
def test_cpu_throttled(service: Service, usage: Usage) -> None:
    """A service that its limit holds back again and again is slow, whatever its health says."""
    # A burst at start-up is not starvation: ten busy seconds at least are counted.
    share = usage.cpu_throttled_periods / max(usage.cpu_periods, _FEWEST_PERIODS)
    assert share < service.limits.cpu_throttled, finding(
        service,
        "CPU throttled",
        expected=f"in under {service.limits.cpu_throttled:.0%} of its busy periods",
        observed=f"{share:.0%}",
        evidence={
            "since it started": f"{usage.cpu_throttled_periods} of {usage.cpu_periods} periods"
        },
        hint="docker stats --no-stream, then raise its limit or its replicas",
    )


def _update(service: Service, container: Container) -> str:
    size = str(int(service.limits.memory or 0))
    return command(
        "docker update --memory {} --memory-swap {} {}, then mend the compose file",
        size,
        size,
        container.name,
    )
