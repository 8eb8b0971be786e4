"""The state of the stack before a deploy. The gates after the deploy compare with it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime

from stackproof.environment.model import Environment
from stackproof.environment.services import service_of
from stackproof.facts.container import Container
from stackproof.facts.proxy import Proxy
from stackproof.facts.snapshot import CLOCK_TOLERANCE, Facts
from stackproof.files import model_file
from stackproof.frozen import Frozen
from stackproof.probes.containers import inspect
from stackproof.probes.http.latency import latency
from stackproof.probes.machine import machine
from stackproof.probes.nginx.proxy import proxy
from stackproof.unobserved import Unobserved, UnobservedError


class BaselineContainer(Frozen):
    """A container before the deploy."""

    name: str
    id: str
    image: str
    """The image reference in the service's configuration, by tag or by digest."""
    image_id: str
    """The image that the reference led to when the container was created."""
    config_hash: str
    """Compose's hash of the service's configuration; empty if Compose did not create it."""
    started_at: AwareDatetime
    restart_count: int
    addresses: Mapping[str, tuple[str, ...]]
    """By name of the network."""


class Baseline(Frozen):
    """The state of the stack before a deploy: the contents of `baseline.json`."""

    version: Literal[2] = 2
    """The version of the file format."""
    environment: str
    engine: str
    """The address of the engine, without secrets."""
    engine_id: str
    """The engine's own id; empty if unknown."""
    taken_at: AwareDatetime
    services: tuple[str, ...]
    """The services to be deployed, in this order."""
    containers: Mapping[str, tuple[BaselineContainer, ...]]
    """Every instance, by service. Services that could not be observed are left out."""
    latencies: Mapping[str, tuple[float, ...]]
    """By route, in milliseconds: several complete responses, all as specified."""
    outcomes: Mapping[str, str]
    """By check id, such as `containers.running[api]`: PASS, FLAKY, WAIVED, UNKNOWN or FAIL."""
    nginx_loaded_at: AwareDatetime | None
    """When nginx last loaded its configuration; None if that could not be observed."""


def read(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        ValueError: the file cannot be read, or is not a baseline; one line.
    """
    return model_file.read(Baseline, path, "baseline")


def of(facts: Facts, services: tuple[str, ...], outcomes: Mapping[str, str]) -> Baseline:
    """Return the baseline for the facts, and for the outcomes of the checks."""
    return Baseline(
        environment=facts.environment,
        engine=facts.engine,
        engine_id=_id_of(facts),
        taken_at=facts.gathered_at,
        services=services,
        containers=_containers(facts),
        latencies={
            route: sample
            for route, sample in latency.all_observed(facts).items()
            if isinstance(sample, tuple)
        },
        outcomes=outcomes,
        nginx_loaded_at=max(
            filter(None, map(_loaded_at, proxy.all_observed(facts).values())), default=None
        ),
    )


def misfit(
    baseline: Baseline, environment: Environment, services: Collection[str], now: datetime
) -> str:
    """Return why a baseline cannot be used; empty if it can.

    Args:
        baseline: the baseline of an earlier run.
        environment: the environment that is verified.
        services: the deployed services; empty if they are unknown.
        now: when the stack was observed.
    """
    if baseline.environment != environment.name:
        return f"the baseline is of {baseline.environment}"
    age = now - baseline.taken_at
    if age < -CLOCK_TOLERANCE:
        return f"the baseline is dated {baseline.taken_at:%Y-%m-%d %H:%M}, which is in the future"
    hours = environment.baseline_hours
    if age > timedelta(hours=hours):
        return (
            f"the baseline is {age.total_seconds() / 3600:.0f} hours old, "
            f"expected at most {hours:g} (deploy.baseline_hours)"
        )
    if services and set(baseline.services) != set(services):
        return f"the baseline is of a deploy of {', '.join(baseline.services)}"
    return ""


def of_another_engine(baseline: Baseline, facts: Facts) -> str:
    """Return why a baseline is not of the engine of the facts; empty if it is.

    The engine's own id decides. If one is unknown, the address decides.
    """
    ids = {baseline.engine_id, _id_of(facts)}
    if "" not in ids:
        if len(ids) == 1:
            return ""
        names = (f"{baseline.engine} ({baseline.engine_id})", f"{facts.engine} ({_id_of(facts)})")
    elif baseline.engine == facts.engine:
        return ""
    else:
        names = (baseline.engine or "none", facts.engine or "none")
    return f"the baseline is of another engine: expected {names[1]}, observed {names[0]}"


def _id_of(facts: Facts) -> str:
    try:
        return machine.observed(facts).id
    except UnobservedError:
        return ""


def _containers(facts: Facts) -> Mapping[str, tuple[BaselineContainer, ...]]:
    found: defaultdict[str, list[Container | Unobserved]] = defaultdict(list)
    for instance, container in inspect.container.all_observed(facts).items():
        found[service_of(instance)] += [] if container is None else [container]
    return {
        service: tuple(_container(each) for each in containers if isinstance(each, Container))
        for service, containers in found.items()
        if not any(isinstance(each, Unobserved) for each in containers)
    }


def _container(container: Container) -> BaselineContainer:
    return BaselineContainer(
        name=container.name,
        id=container.id,
        image=container.creation.image,
        image_id=container.creation.image_id,
        config_hash=container.creation.config_hash,
        started_at=container.started_at,
        restart_count=container.restart_count,
        addresses=container.addresses,
    )


def _loaded_at(proxy: Proxy | Unobserved) -> datetime | None:
    workers = () if isinstance(proxy, Unobserved) else proxy.workers
    if isinstance(workers, Unobserved):
        return None
    return min((each.started_at for each in workers if not each.shutting_down), default=None)
