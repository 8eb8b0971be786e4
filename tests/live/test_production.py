"""Production's and staging's files, as they stand, against the lab behind a real sshd."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from lab import HERE, address
from lab.engine.daemon import docker
from lab.faults import ALL
from lab.shapes import PRODUCTION
from tests.command_line import ROOT, Ran
from tests.engine.access_page import (
    undocumented_calls,
    undocumented_lines,
    unframed,
    unwrapped,
)
from tests.engine.engine_proxy import counting
from tests.live.leftovers import leftovers
from tests.live.production import COMPOSE_FILE, RUN_SECONDS, deployed, overrides, serving
from tests.probes.test_gather import ENGINE

pytestmark = pytest.mark.live

WIDE = "500"  # columns, so that no line is wrapped
IN_THE_MIDDLE = 20_000
"""Bytes of the server: the handshake is done, and most of what the engine says is still to come."""
SLOW_S = 0.05
SOCKET = ENGINE.removeprefix("unix://")


@pytest.fixture(scope="module", autouse=True)
def _deployed() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("root alone makes a checkout in /opt, and mounts one file over another")
    with deployed():
        yield


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_as_specified_over_one_connection(environment: str, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        ran = server.run(tmp_path / "out", environment)
    assert (ran.exit_code, ran.results(environment)) == (0, {}), ran.output
    assert server.wire.connections == 1


def test_workers_share_the_connection(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        ran = server.run(tmp_path / "out", "prod", "-n2", "--dist=load")
    assert (ran.exit_code, ran.results("prod")) == (0, {}), ran.output
    assert server.wire.connections == 1


def test_both_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        ran = server.run(tmp_path / "out", "staging or prod", "-n2")
    assert (ran.exit_code, ran.results("prod"), ran.results("staging")) == (0, {}, {}), ran.output
    # Two workers, or one where it came to both.
    assert server.wire.connections <= 2


def test_a_run_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, round_trip_s=SLOW_S) as server, leftovers() as left:
        command = [sys.executable, "-m", "pytest", f"--output={tmp_path}", "-m", "prod"]
        running = subprocess.Popen(
            [*command, *overrides()], cwd=ROOT, stdout=subprocess.DEVNULL,
            env={**os.environ, **server.variables, **left.variables},
        )  # fmt: skip
        with once(lambda: server.wire.received > IN_THE_MIDDLE, running.kill):
            assert running.wait(RUN_SECONDS) == -signal.SIGKILL
        assert left.none(), f"{left.processes()} {left.files()}"


def test_a_fault_turns_production_red(tmp_path: Path) -> None:
    fault = ALL["memory-limit-changed"]
    with serving(tmp_path) as server:
        try:
            fault.inject_now()
            ran = server.run(tmp_path / "out", "prod")
        finally:
            docker(*shlex.split(fault.heal)[1:])
    assert ran.exit_code == 1, ran.output
    results = ran.results("prod")
    assert results.keys() == fault.red
    assert {outcome for outcome, _ in results.values()} == {"FAIL"}
    assert fault.says in {headline for _, headline in results.values()}


def test_the_gates_before_a_deploy_and_after_a_rollback(tmp_path: Path) -> None:
    """Nothing is deployed between them; the lab's machine is too small for production."""
    override = tmp_path / "override.yaml"
    scaled = ("api", "web", "python-api")
    names = "".join(f"  {name}: {{container_name: !reset null}}\n" for name in scaled)
    override.write_text(f"services:\n{names}")
    before = (
        "--gate=pre", f"--services={','.join(scaled)},nginx", f"--compose-file={COMPOSE_FILE}",
        f"--compose-file={override}", f"--project-dir={HERE}",
    )  # fmt: skip
    variables = address.variables(PRODUCTION)
    with serving(tmp_path) as server:
        ran = server.run(tmp_path / "out", "prod", *before, **variables)
        [(check, (outcome, line))] = ran.results("prod").items()
        assert server.wire.connections == 1
        undone = server.run(tmp_path / "out", "prod", "--gate=rollback", "--wait=20")
        assert server.wire.connections == 2
    assert ran.exit_code == 1, ran.output
    assert (check, outcome) == ("predeploy.limits_together[host]", "FAIL")
    assert line.endswith("observed 19 CPUs and 24 GiB")
    assert (undone.exit_code, undone.results("prod")) == (0, {}), undone.output


def test_what_is_asked_and_run_is_listed(tmp_path: Path) -> None:
    """A recorder is the engine's socket there, and another the shell of who logs in."""
    ran_lines, shell, recorder = (tmp_path / name for name in ("lines", "shell", "engine.sock"))
    shell.write_text(
        f"""#!/bin/sh
printf '%s\\0' "$SSH_ORIGINAL_COMMAND" >>{ran_lines}
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""
    )
    shell.chmod(0o755)
    with (
        counting(recorder, SOCKET) as proxy,
        serving(tmp_path, within=instead(recorder, SOCKET), ForceCommand=str(shell)) as server,
    ):
        ran = server.run(tmp_path / "out", "prod")
    assert (ran.exit_code, ran.results("prod")) == (0, {}), ran.output
    assert undocumented_calls(proxy.requests()) == set()
    scripts = [part for *_, script in proxy.execs() for part in unframed(script)]
    assert scripts
    assert undocumented_lines(scripts) == set()
    lines = [part for line in ran_lines.read_text().split("\0") for part in unwrapped(line)]
    assert any("df " in line for line in lines)
    assert undocumented_lines(lines) == set()


def test_a_connection_that_drops_is_made_again(tmp_path: Path) -> None:
    with (
        serving(tmp_path, round_trip_s=SLOW_S) as server,
        once(lambda: server.wire.received > IN_THE_MIDDLE, server.wire.cut),
    ):
        ran = server.run(tmp_path / "out", "prod")
    assert (ran.exit_code, ran.results("prod")) == (0, {}), ran.output
    assert server.wire.connections == 2


def test_sshd_is_killed_in_the_middle(tmp_path: Path) -> None:
    with (
        serving(tmp_path, round_trip_s=SLOW_S) as server,
        once(lambda: server.wire.received > IN_THE_MIDDLE, server.sshd.stop),
    ):
        ran = server.run(tmp_path / "out", "prod", COLUMNS=WIDE)
    is_unknown(ran, f"engine {server.engine}: ")


@pytest.mark.parametrize(
    ("after", "said"),
    [(0, "no connection within 5 s"), (1000, "no connection within 5 s"),
     (IN_THE_MIDDLE, "no answer within 5 s")],
    ids=["greeting", "handshake", "middle"],
)  # fmt: skip
def test_nothing_passes_any_more(after: int, said: str, tmp_path: Path) -> None:
    with serving(tmp_path, stall_after=after) as server:
        ran = server.run(tmp_path / "out", "prod", COLUMNS=WIDE)
    is_unknown(ran, f"engine {server.engine}: {said}")


def test_the_engine_is_stopped(tmp_path: Path) -> None:
    [engine] = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/comm")
        if path.read_text() == "dockerd\n"
    ]
    os.kill(engine, signal.SIGSTOP)
    try:
        with serving(tmp_path) as server:
            ran = server.run(tmp_path / "out", "prod", COLUMNS=WIDE)
    finally:
        os.kill(engine, signal.SIGCONT)
    is_unknown(ran, f"engine {server.engine}: no answer within ")


def test_a_wrong_key(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with serving(tmp_path) as server, serving(tmp_path / "other") as other:
        ran = server.run(tmp_path / "out", "prod", COLUMNS=WIDE, PROD_DEPLOY_SSH_KEY=other.sshd.key)
    is_unknown(ran, f"engine {server.engine}: ")


def test_an_unknown_host_key(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        ran = server.run(tmp_path / "out", "prod", COLUMNS=WIDE, PROD_DEPLOY_HOST_KEY="")
    is_unknown(ran, f"engine {server.engine}: ")


def test_a_host_key_that_changed(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        pinned = server.sshd.host_key
        server.sshd.change_host_key()
        ran = server.run(tmp_path / "out", "prod", COLUMNS=WIDE, PROD_DEPLOY_HOST_KEY=pinned)
    is_unknown(ran, f"engine {server.engine}: ")


def test_a_user_who_may_not_use_the_socket() -> None:
    """There is one such user on the machine that sshd sees, and on no other."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # sshd reads the keys of a user as that user
        users = folder / "passwd"
        users.write_text(
            Path("/etc/passwd").read_text() + "deploy:*:54321:54321::/nonexistent:/bin/sh\n"
        )
        with serving(folder, "deploy", instead(users, "/etc/passwd")) as server:
            ran = server.run(folder / "out", "prod", COLUMNS=WIDE)
        is_unknown(ran, f"engine {server.engine}: {SOCKET} cannot be reached on the server: ")
        assert "permission denied" in ran.output


def instead(path: Path, of: str) -> str:
    """A command that mounts one file over another, only for what follows it."""
    mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    return shlex.join(["unshare", "--mount", "sh", "-c", mount, "sh", str(path), of])


def is_unknown(ran: Ran, reason: str) -> None:
    """Nothing is wrong, what needs the server could not be seen, and one line says why."""
    assert ran.exit_code == 6, ran.output
    assert {outcome for outcome, _ in ran.results("prod").values()} == {"UNKNOWN"}
    said, *others = [line for line in ran.output.splitlines() if line.startswith("? ")]
    assert not others, "\n".join((said, *others))
    print(said)
    assert f" checks could not be evaluated: {reason}" in said


@contextmanager
def once(holds: Callable[[], bool], act: Callable[[], object]) -> Iterator[None]:
    """Do something as soon as a condition holds, while the block runs."""
    over = Event()

    def watch() -> None:
        while not over.is_set():
            if holds():
                act()
                return
            time.sleep(0.001)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
