"""Traefik: it uses every router, service and middleware, and its servers are up."""

from collections.abc import Callable, Set

from stackproof.environment.model import Environment
from stackproof.facts.traefik import Traefik as Api
from stackproof.facts.traefik import TraefikItem
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import critical
from stackproof.hint import advice, compose, log_of
from stackproof.kinds.traefik import Traefik
from stackproof.unobserved import UnobservedError


@critical
def test_routers(
    traefik: Traefik, traefik_api: Api, environment: Environment, starting_behind: str
) -> None:
    """Without any router, Traefik answers 404 for everything: it cannot read what is declared.

    It leaves out containers that are starting: UNKNOWN.
    """
    routed = any(each.service != traefik.name for each in environment.routes.values())
    fine = bool(traefik_api.routers) or not routed
    if starting_behind and not fine:
        raise UnobservedError(starting_behind)
    assert fine, finding(
        traefik,
        "routers",
        expected="at least one",
        observed="none apart from its own",
        hint=(log_of(subject_name(traefik)), advice("check that it can read its provider")),
    )


@critical
def test_configuration(
    traefik: Traefik, traefik_api: Api, foreign_names: Set[str], warn: Callable[[Finding], None]
) -> None:
    """Traefik starts with an invalid router, service or middleware, and does not use it: 404.

    What only containers of other projects declare is a warning.
    """
    wrong = [each for each in traefik_api.problems if each.name.lower() not in foreign_names]
    red = [each for each in wrong if each.status != "warning"]
    shown = red or [each for each in traefik_api.problems if each not in red]
    problem = finding(
        traefik,
        "configuration",
        expected="every router, service and middleware to be enabled",
        observed="; ".join(map(_describe, shown)),
        hint=(
            log_of(subject_name(traefik)),
            advice("fix the labels or the file that declare it"),
        ),
    )
    if shown and not red:
        warn(problem)
    assert not red, problem


@critical
def test_servers(
    traefik: Traefik, traefik_api: Api, foreign_names: Set[str], warn: Callable[[Finding], None]
) -> None:
    """Traefik answers 503 for a service whose servers all fail its health check.

    If only some of them do, or only containers of other projects declare it, this is a warning.
    """
    down = {
        service: [server for server, status in servers.items() if status == "DOWN"]
        for service, servers in traefik_api.servers.items()
    }
    red = [
        name
        for name, its in down.items()
        if its and len(its) == len(traefik_api.servers[name]) and name.lower() not in foreign_names
    ]
    shown = {name: down[name] for name in red or [name for name, its in down.items() if its]}
    problem = finding(
        traefik,
        "servers",
        expected="one of each service that is UP",
        observed="; ".join(f"{name}: {', '.join(its)} DOWN" for name, its in shown.items()),
        hint=(compose("ps"), log_of(subject_name(traefik))),
    )
    if shown and not red:
        warn(problem)
    assert not red, problem


def _describe(item: TraefikItem) -> str:
    return f"{item.kind} {item.name} {item.status}" + (f": {item.problem}" if item.problem else "")
