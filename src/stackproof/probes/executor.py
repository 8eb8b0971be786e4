"""The executor: runs the probes that are needed, and those that they depend on, concurrently."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from typing import Any

from stackproof.environment.model import Environment
from stackproof.gate import Gate
from stackproof.probes.declaration import WHOLE, Dependency, Need, Probe, Target
from stackproof.probes.probe_pool import ProbePool
from stackproof.unobserved import Unobserved


class Executor:
    """One run of declared probes, each once for each of its targets."""

    def __init__(
        self,
        pool: ProbePool,
        environment: Environment,
        needs: Iterable[Need],
        gate: Gate | None = None,
        started: Mapping[Need, Future[Any]] | None = None,
    ) -> None:
        """Start the probes.

        Args:
            pool: runs them, until its deadline.
            environment: the environment that they observe.
            needs: the facts to observe.
            gate: the gate of a deploy that the run is, if it is one.
            started: probes that another executor started.
        """
        self.futures: dict[Need, Future[Any]] = {}
        """What runs, by probe and target."""
        self._pool = pool
        self._environment = environment
        self._gate = gate
        self._dependents: dict[Need, list[Need]] = {}
        self._require(needs)
        self.futures.update({need: each for need, each in (started or {}).items() if need in self})
        for need in self._dependents:
            self._start(need)

    def __contains__(self, need: Need) -> bool:
        """Return whether this run observes a fact, for a check or for another probe."""
        return need in self._dependents

    def __iter__(self) -> Iterator[Need]:
        """Iterate over all facts that this run observes."""
        return iter(self._dependents)

    def result(self, need: Need) -> Any | Unobserved:
        """Wait for a fact, until the deadline at most."""
        return self._pool.result(self.futures[need])

    def close(self) -> None:
        """Close connections, now or as soon as they are open."""
        for need, future in self.futures.items():
            if need.probe.close:
                future.add_done_callback(partial(_close, need.probe.close))

    def _require(self, needs: Iterable[Need]) -> None:
        """Find all that the needs depend on."""
        for need in sorted(set(needs) - self._dependents.keys(), key=_order):
            self._dependents[need] = []
            for dependency in self._dependencies(need):
                needed = _needed(dependency, need)
                self._require([needed])
                self._dependents[needed].append(need)

    def _dependencies(self, need: Need) -> Iterator[Dependency]:
        target = Target(self._environment, need.target, self._gate)
        for dependency in need.probe.needs:
            # What fails here fails again, with its reason, when the target is observed.
            with suppress(Exception):
                if not dependency.every and dependency.applies(target):
                    yield dependency

    def _start(self, need: Need) -> Future[Any]:
        if need not in self.futures:
            probe, needed = need.probe, [_needed(each, need) for each in self._dependencies(need)]
            first = {each: self._start(each) for each in needed}
            others = {
                each: self._start(each)
                for other in (*probe.after, *(each.probe for each in probe.needs if each.every))
                for each in self._of(other)
            }
            target = Target(
                self._environment, need.target, self._gate, tuple(self._dependents[need])
            )
            self.futures[need] = self._pool.start_after(
                partial(self._values, need, first, others),
                lambda values: probe.observe(target, *values),
                patience_s=probe.patience_s,
            )
        return self.futures[need]

    def _of(self, probe: Probe[Any]) -> list[Need]:
        return [each for each in self._dependents if each.probe is probe]

    def _values(
        self, need: Need, first: Mapping[Need, Future[Any]], others: Mapping[Need, Future[Any]]
    ) -> list[Any]:
        """Wait for what a probe depends on, and return its arguments."""
        values: list[Any] = []
        for dependency in need.probe.needs:
            if dependency.every:
                values.append(
                    {
                        each.target: self._pool.result(future)
                        for each, future in others.items()
                        if each.probe is dependency.probe
                    }
                )
            else:
                future = first.get(_needed(dependency, need))
                values.append(future.result() if future else None)
        wait(others.values(), need.probe.after_at_most_s)
        return values


def _needed(dependency: Dependency, need: Need) -> Need:
    return Need(dependency.probe, WHOLE if dependency.probe.is_whole else need.target)


def _order(need: Need) -> tuple[str, str]:
    return need.probe.name, need.target


def _close(close: Callable[[Any], object], future: Future[Any]) -> None:
    if not future.exception():
        close(future.result())
