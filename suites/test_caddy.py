"""Caddy: its configuration is valid and loaded, and its upstreams accept connections."""

from collections.abc import Callable

from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.environment.services import Service
from stackproof.facts.caddy import CaddyPass, CaddyUpstream
from stackproof.facts.command import CommandResult
from stackproof.facts.container import Container
from stackproof.facts.proxy import LogEntry
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import critical, declares
from stackproof.hint import advice, compose, in_container, log_of
from stackproof.kinds.caddy import NO_FILE, Caddy
from stackproof.probes.proxies.caddy_config import possible
from stackproof.unobserved import UnobservedError


@critical
def test_config_valid(caddy: Caddy, caddy_validate: CommandResult) -> None:
    """With a broken configuration file, Caddy does not start again, and reloads fail."""
    if caddy_validate.exit_code in (None, NO_FILE):
        raise UnobservedError(caddy_validate.last_line)
    assert caddy_validate.exit_code == 0, finding(
        caddy,
        "configuration",
        expected="caddy validate succeeds",
        observed=caddy_validate.observed,
        evidence={"caddy validate": caddy_validate.output},
        hint=advice("fix the file that it names before Caddy is reloaded or restarted"),
    )


@declares("has_admin")
def test_config_loaded(caddy: Caddy, caddy_difference: str) -> None:
    """A change that was not loaded takes effect at the next restart, when nobody expects it.

    A change that was made over the admin API is lost then.
    """
    assert not caddy_difference, finding(
        caddy,
        "running configuration",
        expected="the one on disk",
        observed=f"another one: {caddy_difference} differs",
        hint=in_container(subject_name(caddy), "caddy reload --config {}", _config(caddy)),
    )


@critical
@declares("has_admin")
def test_upstreams(
    caddy: Caddy,
    caddy_upstreams: tuple[CaddyUpstream, ...],
    environment: Environment,
    warn: Callable[[Finding], None],
) -> None:
    """Caddy answers 502 for an upstream that accepts no connection, or no longer uses it.

    An upstream that is no declared service is only a warning.
    """
    names = {name for each in environment.services.values() for name in _names(each)}
    broken = {each.address: text for each in caddy_upstreams if (text := _problem(each))}
    declared = {address: text for address, text in broken.items() if _host(address) in names}
    untried = [
        each.address for each in caddy_upstreams if not each.tried and _host(each.address) in names
    ]
    problem = finding(
        caddy,
        "upstreams",
        expected="each to accept a connection",
        observed=", ".join(f"{address}: {text}" for address, text in (declared or broken).items()),
        evidence={"upstreams": "\n".join(each.address for each in caddy_upstreams)},
        hint=(compose("ps"), log_of(subject_name(caddy))),
    )
    if broken and not declared:
        warn(problem)
    if untried and not declared:
        raise UnobservedError(f"{', '.join(untried)} could not be tried in Caddy's container")
    assert not declared, problem


@critical
def test_routed(
    caddy_route: Route,
    environment: Environment,
    containers: tuple[Container, ...],
    caddy_passes: tuple[CaddyPass, ...],
    identified: bool,
) -> None:
    """The configuration decides which service users reach, even if the wrong one answers 200.

    A response with the declared identity of the service proves more than the configuration.
    """
    service = environment.services[caddy_route.service]
    found = possible(caddy_passes, caddy_route.url)
    upstreams = sorted({address for each in found for address in each.upstreams})
    own = {
        *_names(service),
        *(name for each in containers for name in (each.name, *each.own_addresses)),
    }
    leads_there = any(_is_of(own, service.ports, address) for address in upstreams)
    routed = {
        name
        for each in environment.routes.values()
        for name in _names(environment.services[each.service])
    }
    if not (leads_there or identified):
        if not all(each.decided for each in found):
            raise UnobservedError(
                "Caddy decides for each request where the route leads; declare its identity"
            )
        if others := [each for each in upstreams if _host(each) not in routed]:
            raise UnobservedError(
                f"Caddy passes the route to {', '.join(others)}, which may lead to {service.name}; "
                "declare its identity"
            )
    assert leads_there or identified, finding(
        caddy_route,
        "in Caddy's configuration",
        expected=f"to lead to {service.name}"
        + (f" at {' or '.join(map(str, service.ports))}" if service.ports else ""),
        observed=", ".join(upstreams) or "no reverse_proxy",
        hint=advice("fix the site of the route in Caddy's configuration, then reload it"),
    )


def test_log(caddy: Caddy, caddy_errors: tuple[LogEntry, ...]) -> None:
    """Caddy logs errors if a certificate cannot be obtained, or a configuration not be loaded.

    Errors of single requests do not count: routes show those.
    """
    assert not caddy_errors, finding(
        caddy,
        "log",
        expected="no error since it last loaded its configuration",
        observed=caddy_errors[-1].line,
        evidence={"log": "\n".join(each.line for each in caddy_errors)},
        hint=log_of(subject_name(caddy)),
    )


def _config(caddy: Caddy) -> str:
    return caddy.config or "/etc/caddy/Caddyfile"


def _problem(upstream: CaddyUpstream) -> str:
    if upstream.error:
        return upstream.error
    if upstream.max_fails and upstream.fails >= upstream.max_fails:
        return f"not used after {upstream.fails} failed requests"
    return ""


def _names(service: Service) -> set[str]:
    aliases = (name for names in service.aliases.values() for name in names)
    return {service.name, service.container, *aliases} - {""}


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _is_of(hosts: set[str], ports: tuple[int, ...], address: str) -> bool:
    port = address.rpartition(":")[2]
    return _host(address) in hosts and (not ports or port in map(str, ports))
