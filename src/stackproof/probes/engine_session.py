"""The engine: the connection to it, its containers, and whether it runs on this machine."""

import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from stackproof.engine import locality
from stackproof.engine.connection import Connection, connect, inspect_container
from stackproof.facts.container import ListedContainer
from stackproof.facts.machine import Machine
from stackproof.probes.containers import instances, listing
from stackproof.probes.declaration import ENVIRONMENT, Target, probe
from stackproof.unobserved import UnobservedError

# The first may be stopping. That none of several runs here is no accident.
_CONTAINERS_INSPECTED = 3


@dataclass(frozen=True)
class EngineSession:
    """An engine that answered, and the containers that it listed."""

    connection: Connection
    listed: Mapping[str, ListedContainer]
    by_instance: Mapping[str, str]
    """By instance of a declared service, the name of its container; see `instances.by_instance`."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """See `Listing.unreadable`."""
    problem: str = ""
    """Why it is unknown which containers run the declared services; empty if it is known."""

    def find(self, instance: str) -> ListedContainer | None:
        """Return the container of an instance such as `web` or `web#1`, or None if there is none.

        Raises:
            UnobservedError: what the engine reports of it cannot be read, or it is unknown which
                containers run the service.
        """
        name = self.by_instance.get(instance, "")
        found = self.listed.get(name)
        reason = self.problem or instances.why_unreadable(self.unreadable, name, found is not None)
        if reason:
            raise UnobservedError(reason)
        return found

    def not_running(self, instance: str) -> str:
        """Return why the container of an instance does not run: `vpn-api is exited`."""
        listed, name = self.find(instance), self.by_instance.get(instance, "")
        if listed:
            return f"{name} is {listed.state}"
        return f"there is no container {name or f'of {instance}'}"

    def require_local_engine(
        self, machine: Machine, what: str = "a container's own address leads to it"
    ) -> None:
        """Check that this machine is the engine's, or that a connection leads there.

        Args:
            machine: the engine's machine, as the engine describes it.
            what: is possible on that machine only.

        Raises:
            UnobservedError: the engine may run elsewhere.
        """
        if not self.connection.link:
            require_local_engine(machine, self._why_elsewhere, what)

    def require_own_networks(self, machine: Machine) -> None:
        """Check that the engine's networks are networks of its machine.

        Raises:
            UnobservedError: it keeps them in a network namespace of its own.
        """
        if machine.rootless or locality.has_own_network(self.connection.peer):
            why = "rootless" if machine.rootless else "in a network namespace of its own"
            raise UnobservedError(
                f"a container's own address leads to it only where the engine runs, which is {why}"
            )

    def is_trusted(self) -> bool:
        """Return whether it is known whose engine it is: this machine's, or a server's."""
        return bool(self.connection.link) or not self._why_elsewhere

    @cached_property
    def _why_elsewhere(self) -> str:
        """Why the engine may run elsewhere; empty if it runs here."""
        if not self.connection.address.startswith("unix://"):
            return "its address is not a socket of this machine"
        return locality.why_elsewhere(self.connection.peer, self._running())

    def _running(self) -> Iterator[tuple[str, int]]:
        """Yield the ids and process ids of the first running containers."""
        running = [each.id for each in self.listed.values() if each.state == "running"]
        for container_id in running[:_CONTAINERS_INSPECTED]:
            with suppress(UnobservedError):
                raw = inspect_container(self.connection, container_id)
                yield container_id, raw.number("State", "Pid")


def require_local_engine(machine: Machine, why_elsewhere: str, what: str) -> None:
    """Check that the engine's machine is this one.

    Args:
        machine: the engine's machine, as the engine describes it.
        why_elsewhere: why the engine may run elsewhere; empty if nothing speaks for that.
        what: is possible on that machine only.

    Raises:
        UnobservedError: it may be another machine.
    """
    here = platform.node()
    if why_elsewhere or machine.name != here:
        why = why_elsewhere or f"the engine's is {machine.name}, and this is {here}"
        raise UnobservedError(
            f"{what} only on the engine's machine, which may be another one: {why}"
        )


@probe(of=ENVIRONMENT, close=Connection.close)
def connection(target: Target) -> Connection:
    """The connection to the engine."""
    return connect(target.environment.engine)


@probe(of=ENVIRONMENT, needs=[connection])
def engine(target: Target, connection: Connection) -> EngineSession:
    """The engine, and its list of containers."""
    listed, unreadable = listing.list_containers(connection)
    try:
        found = instances.by_instance(target.environment, listed)
    except UnobservedError as reason:
        return EngineSession(connection, listed, {}, unreadable, str(reason))
    return EngineSession(connection, listed, found, unreadable)


@probe("listed", of=ENVIRONMENT, needs=[engine])
def listed(_: Target, engine: EngineSession) -> Mapping[str, ListedContainer]:
    """Every container of the engine by name, declared or not."""
    for name, reason in engine.unreadable.items():
        raise UnobservedError(f"the engine's list of containers: {name or 'one of them'}: {reason}")
    return engine.listed
