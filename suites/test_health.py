"""Services report that they are healthy, asked directly in their network, without a proxy."""

from collections.abc import Callable
from datetime import timedelta

from stackproof.environment.own_requests import DeclaredCommand, DeclaredRequest
from stackproof.environment.services import Health, Service
from stackproof.facts.command import CommandResult
from stackproof.facts.container import Container
from stackproof.facts.response import Listening, Response
from stackproof.facts.snapshot import Facts
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import as_deployed, critical, declares
from stackproof.hint import in_container, log_of
from stackproof.probes.containers.command_output import command_mismatch
from stackproof.probes.http.content import mismatch
from stackproof.unobserved import UnobservedError

_START = timedelta(seconds=60)
"""A service without a health check may need so long until it opens its port."""
_BODY_SHOWN = 500
_SHOWN = 3


@critical
@declares("health")
def test_answers(service: Service, health: Health, health_result: Response, starting: str) -> None:
    """A proxy's cache or error page can hide that a service is down, so it is asked directly.

    While its container is starting, that it does not respond yet is UNKNOWN.
    """
    fine = health_result.status in health.status
    if starting and not fine:
        raise UnobservedError(starting)
    assert fine, finding(
        service,
        f"{health.path} status",
        expected=" or ".join(map(str, health.status)),
        observed=health_result.error or health_result.status,
        evidence=_describe(health_result),
        hint=log_of(subject_name(service)),
    )


@declares("health.content")
def test_says(service: Service, health: Health, health_response: Response, starting: str) -> None:
    """A service can answer 200 and report in the body that it is degraded."""
    expected, observed = mismatch(health, health_response)
    if starting and observed != expected:
        raise UnobservedError(starting)
    assert observed == expected, finding(
        service,
        f"{health.path} says",
        expected=expected,
        observed=observed,
        evidence=_describe(health_response),
        hint=log_of(subject_name(service)),
    )


@critical
@declares("listens")
@as_deployed
def test_listens(
    service: Service,
    running: Container,
    listening: Listening,
    facts: Facts,
    warn: Callable[[Finding], None],
) -> None:
    """Without a health check, an open port is all that shows that a service serves anyone."""
    if running.health is not None:
        return  # its image has a health check
    closed = ", ".join(f"{port} {why}" for port, why in listening.closed.items())
    age = facts.gathered_at - running.started_at
    if not listening.open and age < _START:
        raise UnobservedError(f"it started {max(age.total_seconds(), 0):.0f} s ago: {closed}")
    if listening.open and closed:
        warn(finding(service, "ports", expected="open", observed=closed))
    assert listening.open, finding(
        service,
        "ports",
        expected="one that accepts connections",
        observed=closed,
        hint=log_of(subject_name(service)),
    )


@critical
def test_command(declared_command: DeclaredCommand, command_result: CommandResult) -> None:
    """A server of any kind is verified by its own client, with a command that you declare."""
    expected, observed = command_mismatch(declared_command, command_result)
    assert observed == expected, finding(
        declared_command,
        "command",
        expected=expected,
        observed=observed,
        evidence={"command": command_result.command, "output": command_result.output},
        hint=log_of(declared_command.service),
    )


@critical
def test_request(declared_request: DeclaredRequest, request_result: Response) -> None:
    """A server of any kind is verified by its own interface, with a request that you declare."""
    expected, observed = " or ".join(map(str, declared_request.status)), ""
    if request_result.status in declared_request.status:
        expected, observed = mismatch(declared_request, request_result)
    else:
        observed = request_result.error or str(request_result.status)
    assert observed == expected, finding(
        declared_request,
        declared_request.path,
        expected=expected,
        observed=observed,
        evidence=_describe(request_result),
        hint=log_of(declared_request.service),
    )


@declares("models")
def test_models(service: Service, installed_models: frozenset[str]) -> None:
    """Without its model, ollama is healthy and refuses every request."""
    expected = [name if ":" in name else f"{name}:latest" for name in service.models]
    missing = [name for name in expected if name not in installed_models]
    assert not missing, finding(
        service,
        "models",
        expected=", ".join(expected),
        observed=f"no {', '.join(missing)}",
        evidence={"present": ", ".join(sorted(installed_models))},
        hint=[
            in_container(subject_name(service), "ollama pull {}", name) for name in missing[:_SHOWN]
        ],
    )


def _describe(response: Response) -> dict[str, object]:
    return {
        "request": response.hops[-1].url if response.hops else None,
        "body": response.body[:_BODY_SHOWN],
        "time": f"{response.elapsed_ms:.0f} ms",
    }
