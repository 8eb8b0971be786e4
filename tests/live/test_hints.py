"""The commands in hints run where they say: those that only read, and those that start."""

import os
import re
import subprocess
from collections.abc import Callable

import pytest

from lab import address, faults
from lab.engine import compose, daemon
from lab.shapes import Shape, ShapeName
from stackproof.outcome import Outcome
from tests.command_line import ROOT
from tests.live.warm_session import WarmSession

pytestmark = pytest.mark.live

FAULTS = [
    "certificate-expired", "container-restarted", "container-stopped", "container-undeclared",
    "database-published", "http-not-upgraded", "memory-nearly-used-up", "network-second",
    "nginx-config-not-loaded", "nginx-stopped", "nginx-worker-stopped", "postgres-read-only",
    "redis-replica", "route-degraded", "route-slow", "tls-obsolete",
]  # fmt: skip
READS = re.compile(
    r"(curl|openssl|date|df|du|ls|ps|ss)\b"
    r"|docker (logs|inspect|ps|stats|top|version|info|system df|network inspect|volume ls)\b"
    r"|docker exec \S+ (psql|redis-cli info|nginx -[tT]$|df)\b"
    r"|docker compose (-\S+ (\S+ )?)*(ps|top|logs|images|config)\b"
)
USAGE = re.compile(r"usage:|unknown (shorthand )?flag|unknown (docker )?command", re.IGNORECASE)
_NOT_RUN = {2, 125, 126, 127}
"""Exit codes of curl for wrong usage, of the engine, and of a shell without such a command."""
_SECONDS = 20


@pytest.mark.parametrize("name", FAULTS)
def test_read_only_commands_run(
    name: str, bring_up: Callable[[ShapeName], Shape], warm_session: WarmSession
) -> None:
    shape = bring_up(faults.ALL[name].shape)
    try:
        faults.inject(name)
        failed = warm_session.observe(shape.environment).replay.of(Outcome.FAIL)
        hints = {hint for check in failed.values() for hint in check.hints if hint.place}
        assert hints
        for hint in hints:
            if READS.match(hint.text):
                assert hint.place in ("here", "in the checkout")
                done = _run(hint.text, shape)
                shown = f"{hint.text}: {done.stdout[-500:]} {done.stderr[-500:]}"
                assert done.returncode not in _NOT_RUN, shown
                assert not USAGE.search(done.stderr), shown
    finally:
        faults.heal(name)


def test_the_first_hint_starts_a_stopped_container(
    bring_up: Callable[[ShapeName], Shape], warm_session: WarmSession
) -> None:
    shape = bring_up("prod")
    try:
        faults.inject("nginx-stopped")
        failed = warm_session.observe(shape.environment).replay.of(Outcome.FAIL)
        first = {check.hint for check in failed.values() if check.service == "nginx"}
        assert first == {"docker start vpn-nginx"}
        _run(first.pop(), shape)
        assert (
            daemon.docker("inspect", "--format={{.State.Status}}", "vpn-nginx").strip() == "running"
        )
    finally:
        faults.heal("nginx-stopped")


def _run(command: str, shape: Shape) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would paste it, with the Compose of the lab."""
    line = command.replace("docker compose", " ".join(compose.command()), 1)
    return subprocess.run(
        ["/bin/bash", "-c", line], cwd=ROOT, env={**os.environ, **address.variables(shape)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
