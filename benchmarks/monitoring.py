"""Compare which faults of the lab ordinary monitoring notices with those that stackproof does.

`.venv/bin/python -m benchmarks.monitoring [FAULT ...]` as root, with the lab up. It needs Debian's
packages `prometheus-blackbox-exporter` and `monitoring-plugins`. All three verify what
`environments/lab.yaml` declares: routes (status and text), certificates, TCP ports of services, and
the login to PostgreSQL. Exit code 1 if the other two notice a fault that stackproof does not, or if
one of the three is red while the lab is healthy.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

import yaml

from lab import OUT, faults
from lab.engine.daemon import docker
from lab.process import LabError
from stackproof.environment.loader import load
from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.kinds.postgresql import Postgresql
from stackproof.probes.http.connections import endpoint

ROOT = Path(__file__).parents[1]
_PYTEST = str(Path(sys.executable).with_name("pytest"))
_PLUGINS = Path("/usr/lib/nagios/plugins")
_SECONDS = 10
_DAY = 24 * 3600
_LISTENS = re.compile(r'msg="Listening on" address=(\S+)')
_REDIRECTS = (301, 302, 303, 307, 308)

Probes = dict[str, Callable[[], bool]]
"""By name; each returns whether it fails."""


@dataclass(frozen=True)
class Target:
    """What a client of a declared route requests, and expects of the first response."""

    name: str
    scheme: str
    host: str
    path: str
    address: str
    port: int
    statuses: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Noticed:
    """What each of the three noticed."""

    verdict: str
    """Of stackproof."""
    blackbox: Sequence[str]
    plugins: Sequence[str]

    @property
    def by_monitoring(self) -> bool:
        """Whether one of the other two noticed something."""
        return bool(self.blackbox or self.plugins)


def _target(route: Route, environment: Environment) -> Target:
    url = urlsplit(route.url)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    texts = [each.text for each in (route.identity, route.healthy) if each and each.text]
    # To follow a redirect, the other two would have to resolve production's names.
    first = route.follow_redirects
    return Target(
        route.name, url.scheme, host, url.path or "/", *endpoint(environment.resolve, host, port),
        _REDIRECTS if first else route.expected_statuses, "" if first or not texts else texts[0],
    )  # fmt: skip


def _targets(environment: Environment) -> list[Target]:
    return [
        _target(route, environment)
        for route in environment.routes.values()
        if route.vantage == "here" and route.method == "GET" and not route.stays_open
    ]


def _ports(environment: Environment) -> dict[str, tuple[str, int]]:
    """Return the address and port of each declared port as they are now."""
    networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    found: dict[str, tuple[str, int]] = {}
    for service in environment.services.values():
        try:
            addresses = docker("inspect", f"--format={networks}", service.container).split()
        except LabError:
            addresses = []
        # The name of a container that has no address is not resolved here.
        address = addresses[0] if addresses else service.container
        found |= {f"{service.name}:{port}": (address, port) for port in service.ports}
    return found


class Blackbox:
    """The exporter, with a module for each target."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        """Write its configuration into a directory."""
        self._targets = _targets(environment)
        self._days = {host.host: host.days_left for host in environment.tls_hosts.values()}
        self._ca_file = str(environment.ca_file)
        self._url = ""
        modules = {each.name: self._module(each) for each in self._targets}
        modules[":tcp"] = {"prober": "tcp", "timeout": f"{_SECONDS}s"}
        self._file = folder / "blackbox.yml"
        self._file.write_text(yaml.safe_dump({"modules": modules}), encoding="utf-8")

    def _module(self, target: Target) -> dict[str, object]:
        http: dict[str, object] = {
            "valid_status_codes": [*target.statuses],
            "follow_redirects": False,
            "headers": {"Host": target.host},
            "fail_if_body_not_matches_regexp": [re.escape(target.text)] if target.text else [],
        }
        if target.scheme == "https":
            http["tls_config"] = {"ca_file": self._ca_file, "server_name": target.host}
        return {"prober": "http", "timeout": f"{_SECONDS}s", "http": http}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run it until the block ends."""
        command = (
            "prometheus-blackbox-exporter", f"--config.file={self._file}",
            "--web.listen-address=127.0.0.1:0",
        )  # fmt: skip
        log = self._file.with_suffix(".log")
        with (
            log.open("w") as written,
            subprocess.Popen(command, stderr=written) as process,  # noqa: S603
        ):
            try:
                while not (listens := _LISTENS.search(log.read_text())):
                    if process.poll() is not None:
                        sys.exit(log.read_text())
                    time.sleep(0.05)
                self._url = f"http://{listens[1]}/probe"
                yield
            finally:
                process.terminate()

    def probes(self, ports: Mapping[str, tuple[str, int]]) -> Probes:
        """Return its probes."""
        probes: Probes = {
            name: partial(self._fails, ":tcp", f"{address}:{port}", 0)
            for name, (address, port) in ports.items()
        }
        for each in self._targets:
            url = f"{each.scheme}://{each.address}:{each.port}{each.path}"
            days = self._days[each.host] if each.scheme == "https" else 0
            probes[each.name] = partial(self._fails, each.name, url, days)
        return probes

    def _fails(self, module: str, target: str, days: int) -> bool:
        url = f"{self._url}?module={module}&target={quote(target, safe='')}"
        with urllib.request.urlopen(url, timeout=2 * _SECONDS) as response:  # noqa: S310
            lines = response.read().decode().splitlines()
        metrics = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        ends = float(metrics.get("probe_ssl_earliest_cert_expiry", "inf"))
        return metrics["probe_success"] != "1" or ends - time.time() < days * _DAY


def _plugins(environment: Environment, ports: Mapping[str, tuple[str, int]]) -> Probes:
    """Return the probes of monitoring-plugins."""
    commands: dict[str, tuple[str, ...]] = {
        name: ("check_tcp", "-H", address, "-p", str(port))
        for name, (address, port) in ports.items()
    }
    for each in _targets(environment):
        http = ("check_http", "-I", each.address, "-p", str(each.port), "-H", each.host)
        tls = ("--ssl", "--sni") if each.scheme == "https" else ()
        text = ("-s", each.text) if each.text else ()
        statuses = ",".join(f" {status} " for status in each.statuses)
        commands[each.name] = (*http, *tls, "-u", each.path, "-e", statuses, *text)
        if tls and (host := environment.tls_hosts.get(each.host)):
            commands[f"certificate of {each.host}"] = (*http, *tls, "-C", str(host.days_left))
    for name, store in environment.datastores.of(Postgresql).items():
        address, _ = ports[f"{name}:5432"]
        login = ("-d", store.database, "-l", store.user)
        commands[f"login to {name}"] = ("check_pgsql", "-H", address, *login)
    password = (OUT / "secrets" / "postgres_password").read_text(encoding="utf-8").strip()
    variables = {**os.environ, "PGPASSWORD": password}

    def fails(plugin: str, *arguments: str) -> bool:
        command = (str(_PLUGINS / plugin), "-t", str(_SECONDS), *arguments)
        ran = subprocess.run(command, capture_output=True, env=variables, check=False)  # noqa: S603
        return ran.returncode not in (0, 1)  # a warning is none of a monitor's alerts

    return {name: partial(fails, *command) for name, command in commands.items()}


def _failed(probes: Probes) -> list[str]:
    with ThreadPoolExecutor(8) as pool:
        fails = pool.map(lambda probe: probe(), probes.values())
        return [name for name, failed in zip(probes, fails, strict=True) if failed]


def _verdict(folder: Path) -> str:
    command = (_PYTEST, "-m", "lab", "-q", f"--output={folder}")
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603
    verdict: str = json.loads((folder / "lab" / "verdict.json").read_text())["verdict"]
    return verdict


def _notice(blackbox: Blackbox, folder: Path) -> Noticed:
    environment = load("lab", ROOT / "environments")
    ports = _ports(environment)
    return Noticed(
        _verdict(folder), _failed(blackbox.probes(ports)), _failed(_plugins(environment, ports))
    )


def main() -> None:
    """Break and heal the lab, and print what each of the three notices."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitoring")
    known = [name for name, fault in faults.ALL.items() if fault.shape == "prod"]
    parser.add_argument("faults", nargs="*", choices=[*known, []], metavar="FAULT")
    names = parser.parse_args().faults or known
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        blackbox = Blackbox(load("lab", ROOT / "environments"), folder)
        with blackbox.serving():
            healthy = [_notice(blackbox, folder)]
            noticed: dict[str, Noticed] = {}
            for name in names:
                try:
                    faults.inject(name)
                    noticed[name] = each = _notice(blackbox, folder)
                finally:
                    faults.heal(name)
                print(
                    f"{name:36}{each.verdict:9}blackbox {len(each.blackbox):2}  "
                    f"plugins {len(each.plugins):2}",
                    flush=True,
                )
            healthy.append(_notice(blackbox, folder))
    missed = [name for name, each in noticed.items() if each.by_monitoring and each.verdict == "go"]
    red = [each for each in healthy if each.verdict != "go" or each.by_monitoring]
    for title, count in {
        "stackproof": sum(each.verdict != "go" for each in noticed.values()),
        "blackbox_exporter": sum(bool(each.blackbox) for each in noticed.values()),
        "monitoring-plugins": sum(bool(each.plugins) for each in noticed.values()),
    }.items():
        print(f"{title} noticed {count} of {len(noticed)} faults")
    print(f"noticed by the others only: {', '.join(missed) or 'none'}")
    print(f"red while healthy: {red or 'none'}")
    sys.exit(bool(missed or red))


if __name__ == "__main__":
    main()
