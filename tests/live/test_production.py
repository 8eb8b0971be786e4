"""Production's and staging's files, as they stand, against the lab behind a real sshd."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine import docker
from lab.faults import ALL
from tests.fixtures.access_page import undocumented_calls, undocumented_lines, unframed
from tests.fixtures.engine_proxy import counting
from tests.fixtures.test_one_gather import ENGINE
from tests.live.production import deployed, serving

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", autouse=True)
def _deployed() -> Iterator[None]:
    with deployed():
        yield


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_as_specified_over_one_connection(environment: str, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        ran = server.run(tmp_path / "out", environment)
    assert (ran.exit_code, ran.told(environment)) == (0, {}), ran.output
    assert server.link.connections == 1


def test_a_fault_turns_production_red(tmp_path: Path) -> None:
    fault = ALL["memory-limit-changed"]
    with serving(tmp_path) as server:
        try:
            fault.inject_now()
            ran = server.run(tmp_path / "out", "prod")
        finally:
            docker(*shlex.split(fault.heal)[1:])
    assert ran.exit_code == 1, ran.output
    told = ran.told("prod")
    assert told.keys() == fault.red
    assert fault.says in {headline for _, headline in told.values()}
    assert {outcome for outcome, _ in told.values()} == {"FAIL"}


def test_what_is_asked_and_run_is_listed(tmp_path: Path) -> None:
    """A recorder is the engine's socket there, and another the shell of who logs in."""
    ran_lines, shell = tmp_path / "lines", tmp_path / "shell"
    shell.write_text(
        f"""#!/bin/sh
printf '%s\\0' "$SSH_ORIGINAL_COMMAND" >>{ran_lines}
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""
    )
    shell.chmod(0o755)
    recorder = tmp_path / "engine.sock"
    engine = ENGINE.removeprefix("unix://")
    instead = (
        "unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh",
        str(recorder), engine,
    )  # fmt: skip
    with (
        counting(recorder, engine) as proxy,
        serving(tmp_path, within=instead, ForceCommand=str(shell)) as server,
    ):
        ran = server.run(tmp_path / "out", "prod")
    assert ran.exit_code == 0, ran.output
    assert undocumented_calls(proxy.requests()) == set()
    scripts = [part for *_, script in proxy.execs() for part in unframed(script)]
    assert scripts
    assert undocumented_lines(scripts) == set()
    lines = ran_lines.read_text().split("\0")
    assert any("df " in line for line in lines)
    assert undocumented_lines(lines) == set()
