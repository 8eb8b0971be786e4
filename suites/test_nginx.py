"""The reverse proxy: its configuration is valid, loaded, and leads where it should."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from environments.model import Environment, Nginx
from environments.routes import Route
from environments.services import Service
from fixtures.collection import critical
from fixtures.facts import CommandResult, Container, Facts
from fixtures.nginx_routing import location_of, server_of
from fixtures.observation import CannotLook
from fixtures.proxy import Alarm, ServerBlock, Worker
from reports.finding import Finding, finding
from reports.hint import command

# Of `nginx: [warn] …`, or as in its log: `2026/01/31 12:00:00 [warn] 7#7: …`.
_WARNING = re.compile(r"\[warn\] (?:\d+#\d+: )?(.+)")
_ADDRESS = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.%]+\]):\d{1,5}")
_SHOWN = 100


@critical
def test_config_valid(
    nginx: Nginx, nginx_test: CommandResult, warn: Callable[[Finding], None]
) -> None:
    """A configuration that is broken on disk takes nginx down at its next reload or restart."""
    warnings = dict.fromkeys(_WARNING.findall(nginx_test.output))
    if warnings and nginx_test.exit_code == 0:
        told = "; ".join(warnings)
        warn(finding(nginx, "configuration", expected="no warning of nginx -t", observed=told))
    assert nginx_test.exit_code == 0, finding(
        nginx,
        "configuration",
        expected="nginx -t succeeds",
        observed=nginx_test.observed,
        evidence={"nginx -t": nginx_test.output},
        hint="mend the file that it names before anything reloads or restarts nginx",
    )


def test_config_loaded(
    nginx: Nginx, config_files: Mapping[str, datetime], loaded_at: datetime
) -> None:
    """What is on disk and not loaded comes into force at the worst time: the next restart.

    The certificates count too: one that was renewed and not loaded expires all the same.
    """
    newest = max(config_files, key=lambda name: config_files[name])
    assert config_files[newest] <= loaded_at, finding(
        nginx,
        "loaded configuration",
        expected="the one on disk",
        observed=f"{newest} changed at {_time(config_files[newest])}, "
        f"after the last load at {_time(loaded_at)}",
        hint="nginx -t in its container, then nginx -s reload",
    )


def test_config_mounted(
    nginx: Nginx, config_files: Mapping[str, datetime], replaced_mounts: tuple[str, ...]
) -> None:
    """A mounted file that an editor replaces stays the old one inside, whatever is reloaded."""
    old = [
        name
        for name in sorted(config_files)
        if any(name == mount or name.startswith(f"{mount}/") for mount in replaced_mounts)
    ]
    assert not old, finding(
        nginx,
        "mounted configuration",
        expected="the files that the host has now",
        observed=f"{', '.join(old)} of before",
        hint=command(
            "docker compose restart {}; a directory that is mounted, and not each file, "
            "has no such trouble",
            nginx.service,
        ),
    )


@critical
def test_loaded_after(upstream: Service, container: Container, loaded_at: datetime) -> None:
    """Nginx keeps the addresses that it knew when it loaded: a newer container has another."""
    assert container.started_at <= loaded_at, finding(
        upstream,
        "known to nginx",
        expected=f"nginx to have loaded after it started at {_time(container.started_at)}",
        observed=f"loaded at {_time(loaded_at)}",
        hint="nginx -s reload in nginx's container, and last in every deploy",
    )


@critical
def test_resolves(
    upstream: Service, container: Container, resolved: Mapping[str, tuple[str, ...]]
) -> None:
    """A name that leads to another container, or nowhere, does so from the next reload on."""
    found = {address for addresses in resolved.values() for address in addresses}
    right = bool(found) and found <= container.own_addresses
    assert right, finding(
        upstream,
        "address in nginx's network",
        expected=" or ".join(sorted(container.own_addresses)) or "an address",
        observed=", ".join(sorted(found)) or None,
        evidence={f"getent hosts {name}": ", ".join(each) for name, each in resolved.items()},
        hint=command(
            "docker network inspect {}, and look for a second container of its name",
            sorted(container.addresses),
        )
        or command("docker inspect {}", container.name),
    )


@critical
def test_routed(
    proxied_route: Route,
    environment: Environment,
    found: Container | None,
    servers: tuple[ServerBlock, ...],
) -> None:
    """The configuration says where users end up, even where what is there answers 200."""
    service, url = environment.services[proxied_route.service], proxied_route.url
    server = server_of(servers, url, by_default=proxied_route.vantage == "server")
    location = server and location_of(server, url, follow=proxied_route.follow_redirects)
    leads_to = _addresses(location.passes_to) if location else set()
    if server and environment.nginx and not leads_to:
        leads_to = {environment.nginx.service}
    own = {service.name, service.container, *(found.own_addresses if found else ())}
    right = bool(leads_to) and all(_is_of(own, service.ports, each) for each in leads_to)
    assert right, finding(
        proxied_route,
        "in nginx's configuration",
        expected=f"to lead to {service.name}"
        + (f" at {' or '.join(map(str, service.ports))}" if service.ports else ""),
        observed=", ".join(sorted(leads_to)) or f"no server block for {urlsplit(url).hostname}",
        evidence={
            "location": location and f"{location.modifier} {location.path}".strip(),
            "server": server and " ".join(server.names),
        },
        hint="nginx -T in nginx's container, then mend the location or the server_name line",
    )


@critical
def test_workers(nginx: Nginx, workers: tuple[Worker, ...]) -> None:
    """Nginx may be up, and its ports open, with nobody there to answer."""
    stopped = sum(worker.stopped for worker in workers)
    serve = any(not (worker.stopped or worker.shutting_down) for worker in workers)
    right = serve and not stopped
    assert right, finding(
        nginx,
        "workers",
        expected="at least one, and none stopped",
        observed=f"{stopped} of {len(workers)} stopped" if stopped else "none that serves",
        evidence={"started": ", ".join(_time(worker.started_at) for worker in workers)},
        hint=command(
            "docker compose top {}, then docker compose restart {}", nginx.service, nginx.service
        ),
    )


def test_old_workers(
    nginx: Nginx, workers: tuple[Worker, ...], loaded_at: datetime, facts: Facts
) -> None:
    """Old workers keep memory and serve the old configuration to whoever stays connected."""
    draining = facts.gathered_at - loaded_at
    old = [worker for worker in workers if worker.shutting_down]
    assert not old or draining <= timedelta(seconds=nginx.drain_seconds), finding(
        nginx,
        "old workers",
        expected=f"to end within {nginx.drain_seconds} s of a reload",
        observed=f"{len(old)} still there after {draining.total_seconds():.0f} s",
        evidence={"started": ", ".join(_time(worker.started_at) for worker in old)},
        hint="find what holds their connections (ss -tnp), and set worker_shutdown_timeout",
    )


def test_log(nginx: Nginx, alarms: tuple[Alarm, ...], loaded_at: datetime) -> None:
    """Nginx says emerg, alert or crit of what it cannot work around: a failed reload, a crash.

    A reload that failed is history once a later one has succeeded.
    """
    grave = [alarm.line for alarm in alarms if "[emerg]" not in alarm.line or alarm.at > loaded_at]
    assert not grave, finding(
        nginx,
        "log",
        expected="no line of level emerg, alert or crit since it started",
        observed=grave[-1],
        evidence={"log": "\n".join(grave)},
        hint="docker logs of its container; once the cause is mended, restart it",
    )


def _addresses(passes_to: Sequence[str]) -> set[str]:
    """Where a location leads, as host and port.

    Raises:
        CannotLook: that depends on a request, or is no host and port.
    """
    for address in sorted(passes_to):
        if "$" in address:
            raise CannotLook(f"where the route leads is decided by variables: {address[:_SHOWN]}")
        if not _ADDRESS.fullmatch(address):
            raise CannotLook(f"where the route leads cannot be read: {address[:_SHOWN]}")
    return set(passes_to)


def _is_of(hosts: set[str], ports: tuple[int, ...], address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not host:  # nginx itself
        return address in hosts
    return host.strip("[]") in hosts and (not ports or port in map(str, ports))


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
