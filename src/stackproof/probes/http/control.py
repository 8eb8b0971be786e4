"""The control target: what must be reachable for an observation from here to count."""

import math
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from stackproof.deadlines import CONTROL_SECONDS
from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.facts.response import Response
from stackproof.facts.tls import Handshake
from stackproof.gate import Gate
from stackproof.probes.declaration import ENVIRONMENT, Need, Target, probe
from stackproof.probes.http.connections import connect, trusted
from stackproof.probes.http.errors import NO_SUCH_NAME, describe_error
from stackproof.unobserved import Unobserved, UnobservedError, reason_of

T = TypeVar("T")

# A resolver may hold it up for longer.
_WAIT_SECONDS = 3
_PORTS = {"http": 80}
_PORT = 443


@probe(of=ENVIRONMENT)
def control_target(target: Target) -> None:
    """Whether the control target is reachable; raises if it is not."""
    check(target.environment)


class Connectivity:
    """The connectivity of this machine, which decides which observations from here count."""

    def __init__(
        self, environment: Environment, checked: Future[None] | None, gate: Gate | None
    ) -> None:
        """Wait for the control target, if one is declared.

        Args:
            environment: the environment that is observed.
            checked: the result of `control_target`, if it runs.
            gate: the gate of a deploy that the run is, if it is one.
        """
        self._environment = environment
        self._checked = checked
        self._until = time.monotonic() + _WAIT_SECONDS
        self._doubts_names = gate is not None and checked is None

    def counted(self, need: Need, fact: T) -> T | Unobserved:
        """Return a fact, or the reason why it does not count."""
        if not need.probe.is_from_here(self._environment, need.target):
            return fact
        if reason := self._cut_off():
            return Unobserved(reason=reason)
        if (
            self._doubts_names
            and isinstance(fact, Response | Handshake)
            and fact.error == NO_SUCH_NAME
        ):
            return Unobserved(
                reason=f"{NO_SUCH_NAME}: the deploy or the resolver here may be the cause; "
                "declare vantage.control"
            )
        return fact

    def _cut_off(self) -> str:
        """Return why nothing observed from here counts; empty if it does."""
        if self._checked is None:
            return ""
        try:
            error = self._checked.exception(timeout=max(0, self._until - time.monotonic()))
        except TimeoutError:
            return f"the control target was not reached within {_WAIT_SECONDS} s"
        return reason_of(error) if error else ""


def doubting_names(
    environment: Environment, request: Callable[[Route], Response]
) -> Callable[[Route], Response]:
    """Make a name that does not resolve count only if the control target is reachable then."""
    lock, trouble, until = Lock(), "", -math.inf

    def cut_off() -> str:
        nonlocal trouble, until
        with lock:
            if time.monotonic() > until:
                try:
                    check(environment)
                except UnobservedError as reason:
                    trouble = str(reason)
                else:
                    trouble = ""
                until = time.monotonic() + 1
            return trouble

    def doubting(route: Route) -> Response:
        response = request(route)
        if response.error == NO_SUCH_NAME and (reason := cut_off()):
            raise UnobservedError(reason)
        return response

    return doubting


def check(environment: Environment) -> None:
    """Connect to the control target of an environment; if it is a URL, it must answer anything.

    The system resolves its name, whatever the environment overrides.

    Raises:
        UnobservedError: it cannot be reached, so that nothing observed from here counts.
    """
    target = environment.vantage.control if environment.vantage else None
    if target is None:
        return
    try:
        _reach(urlsplit(target if "://" in target else f"//{target}"), environment)
    except TimeoutError:
        trouble = f"did not answer within {CONTROL_SECONDS} s"
    except (UnobservedError, OSError) as error:
        trouble = _trouble(error)
    else:
        return
    raise UnobservedError(
        f"the control target {target} {trouble}; nothing observed from here counts"
    )


def _trouble(error: UnobservedError | OSError) -> str:
    try:
        words = str(error) if isinstance(error, UnobservedError) else describe_error(error)
    except UnobservedError as reason:
        words = str(reason)
    return "does not resolve" if words == NO_SUCH_NAME else f"cannot be reached: {words}"


def _reach(target: SplitResult, environment: Environment) -> None:
    until = time.monotonic() + CONTROL_SECONDS
    host = target.hostname or ""
    port = target.port or _PORTS.get(target.scheme, _PORT)
    context = _trust(environment) if target.scheme == "https" else None
    with connect(host, port, CONTROL_SECONDS) as connection:
        if not target.scheme:
            return
        connection.settimeout(max(0.001, until - time.monotonic()))
        stream = context.wrap_socket(connection, server_hostname=host) if context else connection
        with stream:
            request = f"GET {target.path or '/'} HTTP/1.1\r\nHost: {target.netloc}\r\n\r\n"
            stream.sendall(request.encode(errors="replace"))
            stream.settimeout(max(0.001, until - time.monotonic()))
            if not stream.recv(1):
                raise ConnectionResetError("the connection ended without an answer")


def _trust(environment: Environment) -> ssl.SSLContext:
    """Trust the system's authorities and those of the environment."""
    context = trusted(environment, "control")
    context.load_default_certs()
    return context
