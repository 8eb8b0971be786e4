"""Limits are as specified, both configured and in effect, and are sufficient.

If a declared limit exceeds the machine's memory, all of that memory is expected to be in effect.
The CPU limit in effect cannot be observed.
"""

from stackproof.environment.services import Service
from stackproof.facts.container import Container, Usage
from stackproof.facts.machine import Limit, Machine
from stackproof.facts.settings import Settings
from stackproof.finding import finding, subject_name
from stackproof.fixtures.session.collection import as_deployed, declares
from stackproof.hint import Hint, advice, docker, recreate, server
from stackproof.sizes import Bytes, format_cpus
from stackproof.unobserved import UnobservedError, observed

_PAGES = (4 << 10, 16 << 10, 64 << 10)  # the kernel rounds a limit down to whole pages
_FEWEST_PERIODS = 100  # engines count periods of a tenth of a second


@declares("limits.cpus")
@as_deployed
def test_cpu_limit(service: Service, container: Container, machine: Machine) -> None:
    """A service without its CPU limit starves its neighbours when it is busy."""
    if container.cpu_limit == service.limits.cpus:
        _require_enforced(machine, "CPU")
    assert container.cpu_limit == service.limits.cpus, finding(
        service,
        "CPU limit",
        expected=format_cpus(service.limits.cpus),
        observed=format_cpus(container.cpu_limit),
        evidence={"engine": _why_not_enforced(machine, "CPU")},
        hint=(
            server("docker update --cpus {} {}", f"{service.limits.cpus:g}", container.name),
            *recreate("cpus", service.name),
        )
        if "CPU" not in machine.not_enforced
        else server("docker info"),
    )


@declares("limits.memory")
@as_deployed
def test_memory_limit(service: Service, container: Container, machine: Machine) -> None:
    """A service without its memory limit can take the whole machine down."""
    if container.memory_limit == service.limits.memory:
        _require_enforced(machine, "memory")
    assert container.memory_limit == service.limits.memory, finding(
        service,
        "memory limit",
        expected=service.limits.memory,
        observed=container.memory_limit,
        evidence={"engine": _why_not_enforced(machine, "memory")},
        hint=_set_memory(service, container, machine),
    )


@declares("limits.memory")
@as_deployed
def test_effective_memory(
    service: Service, container: Container, usage: Usage, machine: Machine
) -> None:
    """The engine's setting is a promise. The kernel enforces its own figure."""
    _require_enforced(machine, "memory")
    if not machine.memory:
        raise UnobservedError("the engine does not say how much memory its machine has")
    # If a limit exceeds the machine's memory, engines report the machine's memory.
    declared = min(service.limits.memory or machine.memory, machine.memory)
    effective = min(usage.memory_limit, machine.memory)
    assert effective in (declared, *(declared - declared % page for page in _PAGES)), finding(
        service,
        "effective memory limit",
        expected=Bytes(declared),
        observed=f"{Bytes(effective)} (all of the machine)"
        if effective == machine.memory
        else effective,
        evidence={"configured limit": container.memory_limit, "in use": usage.memory_used},
        hint=_set_memory(service, container, machine),
    )


@declares("limits.memory")
def test_memory_free(service: Service, usage: Usage, machine: Machine) -> None:
    """At the limit, the kernel kills a process of the service."""
    _require_enforced(machine, "memory")
    used, limit = usage.memory_used, usage.memory_limit
    if not limit:
        raise UnobservedError("its effective memory limit is 0")
    if usage.includes_cache and used >= service.limits.memory_used * limit:
        raise UnobservedError(
            f"the engine reports {used} in use including page cache, which the kernel can drop"
        )
    assert used < service.limits.memory_used * limit, finding(
        service,
        "memory in use",
        expected=f"under {service.limits.memory_used:.0%} of {limit}",
        observed=f"{used} ({used / limit:.0%})",
        hint=(docker("top", subject_name(service)), advice("fix the leak, or raise its limit")),
    )


@declares("limits.cpus")
def test_cpu_throttled(
    service: Service, container: Container, usage: Usage, machine: Machine
) -> None:
    """A service that is throttled again and again is slow, even if it is healthy."""
    _require_enforced(machine, "CPU")
    if container.cpu_limit and not usage.cpu_periods:
        # Its own start takes some.
        raise UnobservedError("no periods of its CPU limit were counted")
    # A burst at start-up is not starvation: at least ten busy seconds are counted.
    share = usage.cpu_throttled_periods / max(usage.cpu_periods, _FEWEST_PERIODS)
    assert share < service.limits.cpu_throttled, finding(
        service,
        "CPU throttled",
        expected=f"in under {service.limits.cpu_throttled:.0%} of its busy periods",
        observed=f"{share:.0%}",
        evidence={
            "since it started": f"{usage.cpu_throttled_periods} of {usage.cpu_periods} periods"
        },
        hint=(
            server("docker stats --no-stream {}", container.name),
            advice("raise its limit, or run more instances of it"),
        ),
    )


@declares("limits.pids")
@as_deployed
def test_pids_limit(
    service: Service, container: Container, settings: Settings, machine: Machine
) -> None:
    """Without its limit, a service that starts processes without end stops the whole machine."""
    declared = service.limits.pids or -1
    if (settings.pids or -1) == declared > 0:
        _require_enforced(machine, "process")
    assert (settings.pids or -1) == declared, finding(
        service,
        "process limit",
        expected=declared if declared > 0 else "unlimited",
        observed=settings.pids or "unlimited",
        hint=(
            server("docker update --pids-limit {} {}", str(max(declared, 0)), container.name),
            *recreate("pids_limit", service.name),
        ),
    )


@declares("limits.pids")
def test_pids_free(service: Service, usage: Usage) -> None:
    """At the limit, no process and no thread starts: requests fail, and so do health checks."""
    if usage.pids is None:
        raise UnobservedError("its processes and threads were not counted")
    limit = usage.pids_limit
    assert limit is None or usage.pids < service.limits.pids_used * limit, finding(
        service,
        "processes and threads",
        expected=f"under {service.limits.pids_used:.0%} of {limit}",
        observed=f"{usage.pids} ({usage.pids / (limit or 1):.0%})",
        hint=(
            docker("top", subject_name(service)),
            advice("find out what starts them, or raise its limit"),
        ),
    )


@declares("limits.files_used")
def test_files_free(service: Service, usage: Usage) -> None:
    """At the limit, a process accepts no connection and opens no file: "too many open files"."""
    if usage.most_files is None:
        raise UnobservedError("its open files were not counted")
    most, share = observed(usage.most_files), service.limits.files_used or 1
    assert most.limit is None or most.used < share * most.limit, finding(
        service,
        "open files",
        expected=f"under {share:.0%} of {most.limit}",
        observed=f"{most.used} ({most.ratio:.0%}) of {most.name}",
        hint=(
            docker("top", subject_name(service)),
            advice("fix the leak, or raise nofile in ulimits of {}", service.name),
        ),
    )


@declares("ulimits")
@as_deployed
def test_ulimits(service: Service, settings: Settings) -> None:
    """With fewer files than it needs, a database or a proxy fails under load, and only then."""
    declared = {name: str(each) for name, each in (service.ulimits or {}).items()}
    observed = {name: str(settings.ulimits.get(name, "the engine's")) for name in declared}
    assert observed == declared, finding(
        service,
        "ulimits",
        expected=", ".join(f"{name} {text}" for name, text in declared.items()),
        observed=", ".join(f"{name} {text}" for name, text in observed.items()),
        hint=recreate("ulimits", service.name),
    )


@declares("shm_size")
@as_deployed
def test_shm_size(service: Service, settings: Settings) -> None:
    """With the default of 64 MiB, parallel queries and browsers fail with "no space left"."""
    assert settings.shm_size == service.shm_size, finding(
        service,
        "shared memory",
        expected=service.shm_size,
        observed=settings.shm_size,
        hint=recreate("shm_size", service.name),
    )


def _require_enforced(machine: Machine, limit: Limit) -> None:
    """Raise an error if the engine cannot enforce limits of a kind.

    Raises:
        UnobservedError: it reports that it cannot.
    """
    if why := _why_not_enforced(machine, limit):
        raise UnobservedError(f"the engine {why}")


def _why_not_enforced(machine: Machine, limit: Limit) -> str:
    if limit not in machine.not_enforced:
        return ""
    return f"reports that it cannot enforce {limit} limits (docker info)"


def _set_memory(service: Service, container: Container, machine: Machine) -> tuple[Hint, ...]:
    if "memory" in machine.not_enforced:
        return (server("docker info"),)
    size = int(service.limits.memory or 0)
    # Without a declared limit of memory and swap, the engine takes twice the memory for a new
    # container. `docker update` keeps the previous one, and refuses a limit above it.
    declared = service.options.get("memswap_limit", "0 B")
    swap = 0 if declared == "unlimited" else int(Bytes.parse(declared)) or 2 * size
    return (
        server(
            "docker update --memory {} --memory-swap {} {}", str(size), str(swap), container.name
        )
        if swap
        else server("docker update --memory {} --memory-swap -1 {}", str(size), container.name),
        *recreate("mem_limit", service.name),
    )
