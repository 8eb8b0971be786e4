"""nginx as its container shows it: its workers, files and names."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.command import CommandResult
from stackproof.facts.proxy import Destination, Proxy, Worker
from stackproof.probes.declaration import Target
from stackproof.probes.nginx import proxy
from stackproof.unobserved import Unobserved
from tests import shop
from tests.probes.nginx.test_configuration import WHOLE


def process(title: str, started: int, state: str = "S") -> str:
    return f"{title} | 7 (nginx) {state} {'0 ' * 18}{started} 0 0"


@pytest.mark.parametrize(
    ("probe", "part", "output"),
    [
        ("nginx_files", "files", f"file {'9' * 20} 1 /x"),
        ("nginx_files", "files", f"file {'9' * 5000} 1 /x"),
        (
            "nginx_files",
            "destinations",
            f"configuration\n{WHOLE}http {{ upstream {{ server; }} }}",
        ),
        ("nginx_processes", "workers", f"{'9' * 400}.5\n1 1\nnginx: worker process | 7 (n) S"),
        (
            "nginx_processes",
            "workers",
            "nan.5\ninf 1\nnginx: worker process | 7 (n) S " + "0 " * 30,
        ),
        ("nginx_processes", "workers", "\u00b2.\u00b2\n1 1"),
        ("nginx_processes", "workers", "1.5\n\n" + process("nginx: worker process", 9**50)),
    ],
)
def test_figures_that_are_none_cost_their_own_part_alone(
    probe: str, part: str, output: str
) -> None:
    found = observed(**{"nginx_names": ran("172.20.0.4 web"), probe: ran(output)})
    assert isinstance(getattr(found, part), Unobserved)
    assert found.addresses == {"web": ("172.20.0.4",)}


def test_what_is_no_address_is_none() -> None:
    names = observed(nginx_names=ran("\u00b2 web\n172.20.0.4 web\n999.1.1.1 web\n = \n=\n x"))
    assert names.addresses == {"web": ("172.20.0.4",), "": ()}


ENVIRONMENT = Environment.model_validate(
    {
        "name": "shop",
        "services": {"nginx": {}, "web": {"container": "shop-web"}},
        "nginx": {"service": "nginx"},
        "routes": {"web": {"url": "https://shop.example/", "service": "web"}},
    }
)
COMMANDS = ("nginx_files", "nginx_processes", "nginx_names")


def ran(output: str, exit_code: int | None = 0) -> CommandResult:
    return CommandResult(command="x", exit_code=exit_code, output=output)


def observed(**results: CommandResult | Unobserved) -> Proxy:
    nothing = Unobserved(reason="not observed")
    given = {command: results.get(command, nothing) for command in COMMANDS}
    return proxy.parse(given, Target(ENVIRONMENT))


def test_when_workers_started() -> None:
    output = "\n".join(
        [
            "1000000.500000000", "500.00 900.00",
            process("nginx: master process nginx ", 100),
            process("nginx: worker process", 40000),
            process("nginx: worker process is shutting down", 20000),
            process("nginx: worker process", 30000, "T"),
            process("sh -c nginx: worker", 49000),
        ]
    )  # fmt: skip
    assert observed(nginx_processes=ran(output)).workers == (
        Worker(started_at=datetime.fromtimestamp(999900.5, UTC), shutting_down=False),
        Worker(started_at=datetime.fromtimestamp(999700.5, UTC), shutting_down=True),
        Worker(started_at=datetime.fromtimestamp(999800.5, UTC), shutting_down=False, stopped=True),
    )


def test_a_date_without_fractions_rounds_up() -> None:
    output = f"1000000.%N\n500.00 900.00\n{process('nginx: worker process', 40000)}"
    (worker,) = observed(nginx_processes=ran(output)).workers or ()
    assert worker.started_at == datetime.fromtimestamp(999901, UTC)  # type: ignore[union-attr]


def test_a_file_counts_as_new_when_it_was_put_in_place() -> None:
    files = observed(nginx_files=ran("file 100 200 /etc/nginx/nginx.conf\nstat: no such")).files
    assert files == {"/etc/nginx/nginx.conf": datetime.fromtimestamp(200, UTC)}


def test_what_the_host_has_replaced() -> None:
    found = observed(
        nginx_files=ran("file 100 200 /run/a.conf\nreplaced /run/a.conf\nreplaced /x y")
    )
    assert found.replaced_mounts == ("/run/a.conf", "/x y")


def test_what_stands_in_the_configuration_is_no_file_of_it() -> None:
    text = (
        "file 300 300 /x\nreplaced /y\nconfiguration\nserver { listen 80; server_name a.example; }"
    )
    found = observed(
        nginx_files=ran(f"file 100 200 /run/a.conf\nconfiguration\nhttp {{ # \n{text}}}")
    )
    assert found.replaced_mounts == ()
    assert found.files == {"/run/a.conf": datetime.fromtimestamp(200, UTC)}


def test_addresses_of_names() -> None:
    at_once = "172.20.0.4      web  front\n172.20.0.9      web\nfe80::1 n8n"
    by_themselves = "api =\nother = 172.20.0.5 cname 172.20.0.6 cname"
    names = observed(nginx_names=ran(f"{at_once}\n{by_themselves}")).addresses
    assert names == {
        "web": ("172.20.0.4", "172.20.0.9"),
        "front": ("172.20.0.4",),
        "n8n": ("fe80::1",),
        "api": (),
        "other": ("172.20.0.5", "172.20.0.6"),
    }


# Replaces the resolver of a container. For several names, it waits for one of them.
RESOLVER = """#!/bin/sh
[ $# = 2 ] || exec sleep 30
case $2 in web) echo "172.20.0.4 web";; esac
"""


def test_a_name_that_is_not_answered_for_keeps_none_from_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    getent = tmp_path / "getent"
    getent.write_text(RESOLVER)
    getent.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    asked = subprocess.run(
        shlex.split(proxy.commands(Target(ENVIRONMENT))["nginx_names"]),
        capture_output=True, text=True, check=True, timeout=10,
    )  # fmt: skip
    names = observed(nginx_names=ran(asked.stdout)).addresses
    assert names == {"web": ("172.20.0.4",), "shop-web": ()}


def test_an_invalid_configuration_shows_nothing() -> None:
    proxy = observed(nginx_files=ran("replaced /run/a.conf\nconfiguration", 1))
    assert proxy.replaced_mounts == ("/run/a.conf",)
    for part in (proxy.destinations, proxy.resolved_at_load, proxy.files):
        assert isinstance(part, Unobserved)
        assert part.reason.startswith("the configuration on disk is not valid")


SITE = """
http {
    upstream pages { server web:80; }
    server {
        listen 443;
        server_name shop.example;
        location / { proxy_pass http://pages; }
        error_log /var/log/nginx/shop.log;
    }
}
"""


def test_what_is_read_in_the_configuration() -> None:
    found = observed(
        nginx_files=ran(
            "file 1 1 /etc/nginx/nginx.conf\nlog /var/log/nginx/error.log\n"
            "link /var/log/nginx/error.log = /dev/stderr\nresolved 172.20.0.4 backend\n"
            f"configuration\n{WHOLE}{SITE}"
        ),
        nginx_names=ran("172.20.0.5 web"),
    )
    assert found.destinations == {
        "web": Destination(
            leads_to=("web:80",), server="shop.example", location="/", buffers=True,
            not_passed=("Upgrade", "Connection"), max_body=1 << 20,
        )
    }  # fmt: skip
    assert found.resolved_at_load == ("web",)
    assert found.hidden_log == "nginx logs with error_log /var/log/nginx/shop.log"
    assert found.addresses == {"web": ("172.20.0.5",), "backend": ("172.20.0.4",)}


def test_configuration_that_is_too_long_costs_no_other_fact() -> None:
    found = observed(
        nginx_files=ran("file 1 1 /etc/nginx/nginx.conf\nmaster nginx\nconfiguration\n\n"),
        nginx_names=ran("172.20.0.5 web"),
    )
    assert found.destinations == Unobserved(reason="nginx's configuration is longer than 180 kB")
    assert found.addresses == {"web": ("172.20.0.5",)}
    assert found.files


def test_defect_of_the_reader_costs_no_other_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("stackproof.probes.nginx.destinations.resolved_at_load", fails)
    found = observed(nginx_files=ran(f"file 1 1 /x\nconfiguration\n{WHOLE}http {{ }}"))
    reason = Unobserved(reason="nginx's configuration cannot be read: RecursionError: too deep")
    assert (found.destinations, found.resolved_at_load) == (reason, reason)
    assert found.files


def read_of(files: str) -> dict[str, CommandResult | Unobserved]:
    nothing: CommandResult | Unobserved = Unobserved(reason="not observed")
    return {**dict.fromkeys(COMMANDS, nothing), "nginx_files": ran(files)}


def test_nginx_reaches_itself_by_its_names() -> None:
    """The names and addresses of its container, and the name of its service."""
    site = (
        f"{WHOLE}http {{ server {{ listen 443; location / {{ proxy_pass http://HOST:81; }} }} "
        "server { listen 81; location / { proxy_pass http://web:80; } } }"
    )
    container = shop.container(name="shop-nginx-1")
    for host in ("nginx", "shop-nginx-1", "172.20.0.5", "other"):
        text = f"file 1 1 /x\nconfiguration\n{site.replace('HOST', host)}"
        given = read_of(text)
        found = proxy.parse(given, Target(ENVIRONMENT), container).destinations
        assert isinstance(found, Mapping)
        leads = found["web"]
        assert isinstance(leads, Destination)
        assert leads.leads_to == (("web:80",) if host != "other" else ("other:81",))


def test_published_ports_of_its_container() -> None:
    text = f"file 1 1 /x\nconfiguration\n{WHOLE}http {{ server {{ listen 9443; return 200; }} }}"
    given = read_of(text)
    for published, leads_to in (({"443": 9443}, ("",)), ({}, ())):
        container = shop.container(published=published)
        found = proxy.parse(given, Target(ENVIRONMENT), container).destinations
        assert isinstance(found, Mapping)
        leads = found["web"]
        assert isinstance(leads, Destination)
        assert leads.leads_to == leads_to
