"""Declarations of probes: what each one observes, of which targets, and what it depends on.

A probe is a function with the decorator `probe`. It is called once for each target of a run, on a
thread of its own, and may raise anything: its facts are then unobserved, with the reason.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

from stackproof.environment.model import Environment
from stackproof.environment.outside import ClosedPort
from stackproof.environment.routes import Route, TlsHost
from stackproof.environment.services import Service, service_of
from stackproof.facts.snapshot import Facts
from stackproof.gate import Gate
from stackproof.shell import Line
from stackproof.unobserved import Unobserved, observed, observed_of

T = TypeVar("T")


class TargetKind(Enum):
    """What a probe observes: the environment as a whole, or each of some declared objects."""

    ENVIRONMENT = "environment"
    SERVICE = "service"
    """Each instance of a service."""
    COMPOSE_SERVICE = "service of the Compose file"
    """A service as a whole, however many instances it has."""
    NGINX = "nginx"
    """Each instance of the service of the declared nginx."""
    CADDY = "Caddy"
    """Each instance of a service that is a declared Caddy."""
    ROUTE = "route"
    TLS_HOST = "TLS host"
    CLOSED_PORT = "closed port"


ENVIRONMENT = TargetKind.ENVIRONMENT
SERVICE = TargetKind.SERVICE
COMPOSE_SERVICE = TargetKind.COMPOSE_SERVICE
NGINX = TargetKind.NGINX
CADDY = TargetKind.CADDY
ROUTE = TargetKind.ROUTE
TLS_HOST = TargetKind.TLS_HOST
CLOSED_PORT = TargetKind.CLOSED_PORT
WHOLE = ""
"""The name of the only target of a probe of the environment."""


class Target(NamedTuple):
    """One target of a probe in one run."""

    environment: Environment
    name: str = WHOLE
    gate: Gate | None = None
    """The gate of a deploy that the run is, if it is one."""
    dependents: "tuple[Need, ...]" = ()
    """The needs of this run that wait for the value of the probe."""

    @property
    def service(self) -> Service:
        """Return the declared service."""
        return self.environment.services[service_of(self.name)]

    @property
    def route(self) -> Route:
        """Return the declared route."""
        return self.environment.routes[self.name]

    @property
    def tls_host(self) -> TlsHost:
        """Return the TLS host."""
        return self.environment.tls_hosts[self.name]

    @property
    def closed_port(self) -> ClosedPort:
        """Return the declared closed port."""
        return self.environment.closed_ports[self.name]


class Dependency(NamedTuple):
    """A probe whose value another one needs, and how the value is passed."""

    probe: "Probe[Any]"
    condition: Callable[[Target], bool] | None = None
    every: bool = False

    def applies(self, target: Target) -> bool:
        """Return whether a target needs the value; otherwise None is passed."""
        return self.condition is None or self.condition(target)


def only_if(condition: Callable[[Target], bool], needed: "Probe[Any]") -> Dependency:
    """Need a probe for some targets only; for the others, None is passed."""
    return Dependency(needed, condition=condition)


def every(needed: "Probe[Any]") -> Dependency:
    """Pass what became of a probe's targets in this run: a mapping of values and `Unobserved`.

    It makes no target of that probe necessary.
    """
    return Dependency(needed, every=True)


@dataclass(frozen=True, eq=False)
class Probe(Generic[T]):
    """A declared probe; the arguments of `probe` describe the fields."""

    name: str
    observe: Callable[..., T]
    of: TargetKind
    field: str = ""
    type: Any = None
    """The type of a value, if a field of the snapshot holds it."""
    shared: bool = False
    needs: tuple[Dependency, ...] = ()
    after: "tuple[Probe[Any], ...]" = ()
    after_at_most_s: float | None = None
    patience_s: float | None = None
    from_here: bool = False
    commands: Callable[[Target], Mapping[str, Line]] | None = None
    close: Callable[[T], object] | None = None

    def key(self, target: str) -> str:
        """Return the key of a target in the field of the snapshot."""
        return f"{self.name} {target}" if self.shared else target

    def observed(self, facts: Facts, target: str = WHOLE) -> T:
        """Return the value in a snapshot.

        Raises:
            UnobservedError: the target was not observed.
        """
        held = getattr(facts, self.field)
        value: T = observed(held) if self.is_whole else observed_of(held, self.key(target))
        return value

    def all_observed(self, facts: Facts) -> Mapping[str, T | Unobserved]:
        """Return all values in a snapshot, by target; of a probe with a field of its own."""
        values: Mapping[str, T | Unobserved] = getattr(facts, self.field)
        return values

    @property
    def doc(self) -> str:
        """Return what it observes, in one line."""
        return (inspect.getdoc(self.observe) or "").partition("\n")[0]

    @property
    def is_whole(self) -> bool:
        """Return whether it observes the environment as a whole."""
        return self.of is ENVIRONMENT

    def is_from_here(self, environment: Environment, target: str) -> bool:
        """Return whether a target is observed from this machine, over the public network."""
        if self.of is ROUTE and target in environment.routes:
            return self.from_here and environment.routes[target].vantage == "here"
        return self.from_here


class Need(NamedTuple):
    """One fact that a check needs: a probe, and its target."""

    probe: Probe[Any]
    target: str = WHOLE


PROBES: dict[str, Probe[Any]] = {}
"""Every declared probe, by its name; an import of `stackproof.probes.snapshot` completes it."""


def probe(
    field: str = "",
    *,
    of: TargetKind,
    needs: Sequence[Probe[Any] | Dependency] = (),
    after: Iterable[Probe[Any]] = (),
    after_at_most_s: float | None = None,
    patience_s: float | None = None,
    from_here: bool = False,
    shared: bool = False,
    commands: Callable[[Target], Mapping[str, Line]] | None = None,
    close: Callable[[Any], object] | None = None,
    name: str = "",
) -> Callable[[Callable[..., T]], Probe[T]]:
    """Declare a function as a probe. It is called with a `Target` and the values that it needs.

    Args:
        field: the field of the snapshot that keeps its values; empty if nothing is kept.
        of: the kind of its targets.
        needs: probes of the environment or of the same kind of target. Their value for the
            target is passed. If they failed, it fails for the same reason.
        after: probes that it waits for, whatever becomes of them.
        after_at_most_s: seconds for which it waits for those.
        patience_s: seconds for which it waits for its turn; then it starts without.
        from_here: it observes what a client on this machine observes. It does not count if the
            control target is not reachable.
        shared: other probes use the same field. Its keys are then `<name> <target>`.
        commands: the commands that the probe `executed`, which it must need, runs for it.
        close: is called with the value at the end of the run.
        name: its name, if not the name of the function.

    Raises:
        TypeError: the declaration is wrong.
    """

    def declare(observe: Callable[..., T]) -> Probe[T]:
        return declared(
            Probe(
                name=name or observe.__name__,
                observe=observe,
                of=of,
                field=field,
                type=inspect.signature(observe).return_annotation,
                shared=shared,
                needs=tuple(
                    each if isinstance(each, Dependency) else Dependency(each) for each in needs
                ),
                after=tuple(after),
                after_at_most_s=after_at_most_s,
                patience_s=patience_s,
                from_here=from_here,
                commands=commands,
                close=close,
            )
        )

    return declare


def declared(new: Probe[T]) -> Probe[T]:
    """Add a probe to `PROBES`.

    Raises:
        TypeError: its name or field is taken, or its function and its needs do not fit.
    """
    if new.name in PROBES:
        raise TypeError(f"two probes are named {new.name!r}")
    for other in PROBES.values():
        if other.field == new.field and new.field and not (other.shared and new.shared):
            raise TypeError(f"probe {new.name}: {other.name} has the field {new.field!r}")
    try:
        inspect.signature(new.observe).bind(None, *new.needs)
    except TypeError as error:
        raise TypeError(f"probe {new.name}: its arguments and its needs differ: {error}") from None
    for needed in new.needs:
        fits = needed.every or needed.probe.is_whole or _same_targets(needed.probe.of, new.of)
        if not fits:
            raise TypeError(
                f"probe {new.name} of each {new.of.value} needs {needed.probe.name}, "
                f"which is of each {needed.probe.of.value}"
            )
    if new.field and (new.type is inspect.Signature.empty or isinstance(new.type, str)):
        raise TypeError(f"probe {new.name}: the snapshot needs to know the type of its values")
    PROBES[new.name] = new
    return new


def _same_targets(needed: TargetKind, of: TargetKind) -> bool:
    return needed is of or (needed is SERVICE and of in (NGINX, CADDY))
