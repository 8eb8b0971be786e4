"""The comparison with docs/access.md accepts what the page lists, and nothing else."""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stackproof.engine.container_exec import framed
from stackproof.environment.loader import load
from stackproof.facts.container import CgroupVersion
from stackproof.probes import host, snapshot  # noqa: F401 - snapshot imports all probes
from stackproof.probes.containers import cgroup
from stackproof.probes.declaration import PROBES, Target
from stackproof.shell import Line, container_id, path
from tests.engine.access_page import (
    undocumented_calls,
    undocumented_lines,
    unframed,
    unwrapped,
)

LAB = load("lab", Path(__file__).parents[2] / "environments", {})
SERVICES = ("postgres", "redis", "nginx")


def _lines() -> Iterator[Line]:
    for commands in (probe.commands for probe in PROBES.values() if probe.commands):
        for service in SERVICES:
            with suppress(KeyError):  # the command is for another kind of service
                yield from commands(Target(LAB, service)).values()


def test_every_command_is_listed() -> None:
    lines = list(_lines())
    assert len(set(lines)) == 9
    line = shlex.quote(
        host.command(path("/var/lib/docker"), [path("/opt/shop/secrets/a b"), path("/opt/c")])
    )
    on_the_machine = unwrapped(f"timeout -s KILL 4 sh -c {line} | head -c 262144")
    assert undocumented_lines([*unframed(framed(lines, "c0ffee")), *on_the_machine]) == set()


@pytest.mark.parametrize("version", ["1", "2"])
def test_every_line_that_reads_usage(version: CgroupVersion) -> None:
    line = shlex.quote(cgroup.command(version, map(container_id, ("0f" * 32, "1e" * 32))))
    on_the_machine = unwrapped(f"timeout -s KILL 4 sh -c {line} | head -c 262144")
    assert undocumented_lines(on_the_machine) == set()


@pytest.mark.parametrize(
    "line",
    [
        "redis-cli flushall",
        "redis-cli info; redis-cli flushall",
        "pg_isready -U shop -d $(reboot)",
        "ls -dLp /run/secrets/a > /run/secrets/b",
        "rm -f /run/secrets/a",
    ],
)
def test_an_unlisted_line(line: str) -> None:
    assert undocumented_lines([line]) == {line}


def test_an_unlisted_line_in_an_exec() -> None:
    script = framed(
        (Line("[ $code -ne 2 ] || pg_isready -U shop -d shop -t 1"), Line("sh -c 'reboot'")),
        "c0ffee",
    )
    assert undocumented_lines(unframed(script)) == {"reboot"}
    assert undocumented_lines(unframed(script.replace("} 2>", "halt\n} 2>"))) == {"reboot", "halt"}


def test_an_unlisted_line_outside_the_limits() -> None:
    line = "timeout -s KILL 4 sh -c 'export LC_ALL=C' | head -c 262144"
    assert undocumented_lines(unwrapped(line)) == set()
    for hidden in (f"{line}; reboot", line.replace("' |", "'; reboot; echo '' |")):
        assert undocumented_lines(unwrapped(hidden)) == {hidden}
    within = line.replace("export LC_ALL=C", "reboot")
    assert undocumented_lines(unwrapped(within)) == {"reboot"}


def test_unlisted_calls() -> None:
    assert undocumented_calls(
        [
            "GET /images/shop/api:1/json",
            "DELETE /containers/ID",
            "POST /containers/ID/restart",
            "POST /exec/ID/start",
        ]
    ) == {"DELETE /containers/ID", "POST /containers/ID/restart"}
