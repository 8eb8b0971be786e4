"""The gather: observes once, concurrently, what the selected checks need."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from stackproof.deadlines import GATHER_SECONDS
from stackproof.environment.model import Environment
from stackproof.facts.snapshot import Facts
from stackproof.gate import Gate
from stackproof.probes import snapshot
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.engine_session import connection
from stackproof.probes.executor import Executor
from stackproof.probes.http.control import Connectivity, control_target
from stackproof.probes.probe_pool import ProbePool
from stackproof.unobserved import Unobserved

NOT_NEEDED = "no selected check needs it"


def gather(
    environment: Environment,
    needs: Iterable[Need],
    run: str,
    gate: Gate | None = None,
    started: Mapping[Need, Future[Any]] | None = None,
) -> Facts:
    """Observe what is needed. Never raises: an unobserved fact has a reason.

    Args:
        environment: the environment to observe.
        needs: the facts to gather, and no others.
        run: the id of the run, see `Facts.run`.
        gate: the gate of a deploy that the run is, if it is one.
        started: probes that were started earlier, for example while checks were collected.
    """
    began, gathered_at = time.monotonic(), datetime.now(UTC)
    needs = set(needs)
    control = Need(control_target)
    is_controlled = environment.vantage and environment.vantage.control
    if is_controlled and any(need.probe.from_here for need in needs):
        needs.add(control)
    executor = Executor(ProbePool(GATHER_SECONDS), environment, needs, gate, started)
    connectivity = Connectivity(environment, executor.futures.get(control), gate)
    fields: dict[str, Any] = {
        probe.field: Unobserved(reason=NOT_NEEDED) if probe.is_whole else {}
        for probe in PROBES.values()
        if probe.field
    }
    try:
        for need in executor:
            if field := need.probe.field:
                fact = connectivity.counted(need, executor.result(need))
                if need.probe.is_whole:
                    fields[field] = fact
                else:
                    fields[field][need.probe.key(need.target)] = fact
        header = {
            "environment": environment.name,
            "run": run,
            "gathered_at": gathered_at,
            "engine": environment.engine.redacted if Need(connection) in executor else "",
            "duration_s": round(time.monotonic() - began, 3),
        }
        return _snapshot(header, fields)
    finally:
        executor.close()


def _snapshot(header: Mapping[str, Any], fields: dict[str, Any]) -> Facts:
    """Return a snapshot, in which a fact of a wrong type is unobserved."""
    try:
        return snapshot.Snapshot(**header, **fields)
    except ValidationError as error:
        for each in error.errors(include_input=False, include_url=False):
            field, *key = each["loc"]
            wrong = Unobserved(reason=f"the probe returned a wrong type: {each['msg']}")
            if isinstance(fields[str(field)], dict) and key:
                fields[str(field)][key[0]] = wrong
            else:
                fields[str(field)] = wrong
        return snapshot.Snapshot(**header, **fields)
