"""The reverse proxy: its configuration is valid and loaded, and leads to the right services."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from stackproof.environment.model import Environment, Nginx
from stackproof.environment.routes import Route
from stackproof.environment.services import Service
from stackproof.facts.command import CommandResult
from stackproof.facts.container import Container, ListedContainer
from stackproof.facts.proxy import Destination, LogEntry, Worker
from stackproof.facts.snapshot import Facts
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import critical, declares
from stackproof.hint import advice, docker, in_container, log_of, server
from stackproof.probes.containers.instances import of_all
from stackproof.probes.nginx import upstream_hosts
from stackproof.probes.nginx.error_log import NOT_SHOWN
from stackproof.unobserved import Unobserved, UnobservedError, observed

# `nginx: [warn] …`, or as in its log: `2026/01/31 12:00:00 [warn] 7#7: …`.
_WARNING = re.compile(r"\[warn\] (?:\d+#\d+: )?(.+)")
# What nginx says before `test failed`.
_ERROR = re.compile(r"\[(?:emerg|alert|crit)\] (?:\d+#\d+: )?(.+)")
_ADDRESS = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.%]+\]):\d{1,5}")
_SHOWN = 100
_RESPAWN = timedelta(seconds=1)


@critical
def test_config_valid(
    nginx: Nginx, nginx_test: CommandResult, warn: Callable[[Finding], None]
) -> None:
    """A broken configuration file takes nginx down at its next reload or restart."""
    warnings = dict.fromkeys(_WARNING.findall(nginx_test.output))
    if warnings and nginx_test.exit_code == 0:
        lines = "; ".join(warnings)
        warn(finding(nginx, "configuration", expected="no warning from nginx -t", observed=lines))
    error = _ERROR.search(nginx_test.output)
    assert nginx_test.exit_code == 0, finding(
        nginx,
        "configuration",
        expected="nginx -t succeeds",
        observed=error[1] if error and not nginx_test.timed_out else nginx_test.observed,
        evidence={"nginx -t": nginx_test.output},
        hint=(
            in_container(subject_name(nginx), "nginx -t"),
            advice("fix the file that it names before nginx is reloaded or restarted"),
        ),
    )


def test_config_loaded(
    nginx: Nginx,
    config_files: Mapping[str, datetime],
    included_folders: Mapping[str, datetime],
    loaded_at: datetime,
) -> None:
    """A change that was not loaded takes effect at the next restart, when it is not expected.

    This includes certificates: one that was renewed but not loaded still expires. If a file may be
    gone from a folder that is included, such as `conf.d/*.conf`, it is unknown.
    """
    newest = max(config_files, key=lambda name: config_files[name])
    assert config_files[newest] <= loaded_at, finding(
        nginx,
        "loaded configuration",
        expected="the one on disk",
        observed=f"{newest} changed at {_time(config_files[newest])}, "
        f"after the last load at {_time(loaded_at)}",
        hint=(
            in_container(subject_name(nginx), "nginx -t"),
            in_container(subject_name(nginx), "nginx -s reload"),
        ),
    )
    folder = max(included_folders, key=lambda name: included_folders[name], default="")
    if folder and included_folders[folder] > loaded_at:
        raise UnobservedError(
            f"a file that nginx loaded may be gone: {folder} changed at "
            f"{_time(included_folders[folder])}, after the last load at {_time(loaded_at)}"
        )


def test_config_mounted(
    nginx: Nginx, config_files: Mapping[str, datetime], replaced_mounts: tuple[str, ...]
) -> None:
    """If an editor replaces a mounted file, the container keeps the old one, despite reloads."""
    old = [
        name
        for name in sorted(config_files)
        if any(name == mount or name.startswith(f"{mount}/") for mount in replaced_mounts)
    ]
    assert not old, finding(
        nginx,
        "mounted configuration",
        expected="the current files on the host",
        observed=f"an old {', an old '.join(old)}",
        hint=(
            docker("restart", subject_name(nginx)),
            advice("to avoid this, mount the directory instead of single files"),
        ),
    )


@critical
def test_loaded_after(
    upstream: Service,
    container: Container,
    loaded_at: datetime,
    resolved_at_load: tuple[str, ...] | Unobserved | None,
    environment: Environment,
) -> None:
    """Nginx keeps the addresses that it resolved when it loaded. Newer containers have others.

    A name in a variable, or of a server with `resolve`, is resolved again and again.
    """
    keeps_address = True
    if container.started_at > loaded_at and resolved_at_load is not None:
        names = upstream_hosts.names_of(upstream, (container,), environment)
        keeps_address = not names.isdisjoint(observed(resolved_at_load))
    assert container.started_at <= loaded_at or not keeps_address, finding(
        upstream,
        "known to nginx",
        expected=f"nginx to have loaded after it started at {_time(container.started_at)}",
        observed=f"loaded at {_time(loaded_at)}",
        hint=(
            in_container(_proxy(environment), "nginx -s reload"),
            advice("do this last in every deploy"),
        ),
    )


@critical
def test_resolves(
    upstream: Service,
    some_containers: tuple[Container, ...],
    upstream_addresses: Mapping[str, tuple[str, ...]],
    listed: Mapping[str, ListedContainer],
    environment: Environment,
) -> None:
    """If a name resolves to another container or none, requests fail after the next reload."""
    found = {address for addresses in upstream_addresses.values() for address in addresses}
    own = {address for each in some_containers for address in each.own_addresses}
    if upstream.instances > 1:  # another check verifies the number of them
        its = of_all(environment, listed)[upstream.name]
        own |= {listed[name].address for name in its} - {""}
    right = bool(found) and found <= own
    assert right, finding(
        upstream,
        "address in nginx's network",
        expected=" or ".join(sorted(own)) or "an address",
        observed=", ".join(f"{each}{_owner(each, listed)}" for each in sorted(found)) or None,
        evidence={
            f"getent hosts {name}": ", ".join(each) for name, each in upstream_addresses.items()
        },
        hint=(
            server(
                "docker network inspect {}",
                sorted({network for each in some_containers for network in each.addresses}),
            )
            or server("docker inspect {}", [each.name for each in some_containers]),
            advice("look for a second container with its name"),
        ),
    )


@critical
def test_routed(
    proxied_route: Route,
    environment: Environment,
    containers: tuple[Container, ...],
    destination: Destination | Unobserved,
    is_identified: bool,
) -> None:
    """The configuration decides which service users reach, even if the wrong one answers 200.

    If a response proves who answered, that counts more than what is read in the configuration.
    """
    if isinstance(destination, Unobserved):
        if is_identified:
            return
        raise UnobservedError(destination.reason)
    service = environment.services[proxied_route.service]
    itself = _proxy(environment)
    places = [each or itself for each in destination.leads_to]
    right = [
        place == service.name == itself
        or upstream_hosts.leads_to(place, service, containers, environment)
        for place in places
    ]
    if is_identified and (destination.depends_on or not any(right)):
        return
    if any(right) and not all(right) and destination.depends_on:
        raise UnobservedError(
            f"{destination.depends_on} decides where the route leads: {_shown(places)}"
        )
    unreadable = [each for each in destination.leads_to if each and not _ADDRESS.fullmatch(each)]
    if unreadable:
        raise UnobservedError(f"where the route leads cannot be read: {unreadable[0][:_SHOWN]}")
    is_right = bool(right) and all(right)
    nowhere = not places or (destination.is_default and places == [itself])
    assert is_right, finding(
        proxied_route,
        "in nginx's configuration",
        expected=f"to lead to {service.name}"
        + (f" at {' or '.join(map(str, service.ports))}" if service.ports else ""),
        observed=f"no server block for {urlsplit(proxied_route.url).hostname}"
        if nowhere
        else _shown(places),
        evidence={"location": destination.location or None, "server": destination.server},
        hint=(
            in_container(itself, "nginx -T"),
            advice("fix the location or the server_name line"),
        ),
    )


def _shown(places: Sequence[str]) -> str:
    return ", ".join(sorted(places))


@critical
def test_workers(nginx: Nginx, workers: tuple[Worker, ...]) -> None:
    """Nginx may run with open ports and still have no worker that answers."""
    stopped = sum(worker.stopped for worker in workers)
    serve = any(not (worker.stopped or worker.shutting_down) for worker in workers)
    right = serve and not stopped
    assert right, finding(
        nginx,
        "workers",
        expected="at least one, and none stopped",
        observed=f"{stopped} of {len(workers)} stopped"
        if stopped
        else "none that accepts requests",
        evidence={"started": ", ".join(_time(worker.started_at) for worker in workers)},
        hint=(docker("top", subject_name(nginx)), docker("restart", subject_name(nginx))),
    )


def test_old_workers(
    nginx: Nginx, workers: tuple[Worker, ...], loaded_at: datetime, facts: Facts
) -> None:
    """Old workers use memory and serve the old configuration to clients that stay connected."""
    draining = facts.gathered_at - loaded_at
    old = [worker for worker in workers if worker.shutting_down]
    assert not old or draining <= timedelta(seconds=nginx.drain_seconds), finding(
        nginx,
        "old workers",
        expected=f"to end within {nginx.drain_seconds} s of a reload",
        observed=f"{len(old)} still there after {draining.total_seconds():.0f} s",
        evidence={"started": ", ".join(_time(worker.started_at) for worker in old)},
        hint=(
            docker("top", subject_name(nginx)),
            advice("find who holds their connections, and set worker_shutdown_timeout"),
        ),
    )


@declares("log")
def test_log(
    nginx: Nginx, log_entries: tuple[LogEntry, ...], loaded_at: datetime, hidden_log: str
) -> None:
    """Nginx logs emerg, alert or crit if a reload fails, a worker crashes, or the like.

    What it logged before its last load is over: a failed reload no longer counts once a later
    one has succeeded.
    """
    severe = [entry.line for entry in log_entries if _counts(entry, loaded_at)]
    if hidden_log and not severe:
        raise UnobservedError(f"{hidden_log}, {NOT_SHOWN}")
    assert not severe, finding(
        nginx,
        "log",
        expected="no line of level emerg, alert or crit since it last loaded",
        observed=severe[-1],
        evidence={"log": "\n".join(severe)},
        hint=(log_of(subject_name(nginx)), advice("fix the cause, then reload nginx")),
    )


def _proxy(environment: Environment) -> str:
    return environment.nginx.service if environment.nginx else ""


def _owner(address: str, listed: Mapping[str, ListedContainer]) -> str:
    """Return which container has an address: ` of vpn-api`; empty if it is unknown."""
    owners = [name for name in sorted(listed) if address in _all_addresses(listed[name])]
    return f" of {owners[0]}" if owners else ""


def _all_addresses(listed: ListedContainer) -> set[str]:
    return {listed.address, *(each.address for each in listed.endpoints)}


def _counts(entry: LogEntry, loaded_at: datetime) -> bool:
    """Return whether an entry is of the time since the last load."""
    # If its only worker crashes, the next one starts at once: that is no load.
    if "exited" in entry.line and "[alert]" in entry.line:
        return entry.at > loaded_at - _RESPAWN
    return entry.at > loaded_at


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
