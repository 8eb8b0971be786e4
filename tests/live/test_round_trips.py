"""How often a run waits for a far server, however much there is to verify: docs/access.md."""

import re
from pathlib import Path

import pytest

from lab import stack
from tests.live.production import serving
from tests.suites.command_line import ROOT

pytestmark = pytest.mark.live

# Far longer than the server takes to answer, so that what is asked side by side is one link.
ROUND_TRIP_S = 0.2
PAGE = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
# One of each kind that takes longest: a container, an exec, an answer at a container's address.
SMALL = """
engine:
  address: ssh://${PROD_DEPLOY_USER}@${PROD_DEPLOY_HOST}:${PROD_DEPLOY_PORT}
  key: ${PROD_DEPLOY_SSH_KEY}
  host_key: ${PROD_DEPLOY_HOST_KEY}
container_prefix: vpn-
host: {clock_skew: 2}
services:
  nginx: {ports: [80]}
  api: {ports: [5000], limits: {cpus: 2.0, memory: 2G}, health: {path: /health}}
nginx: {service: nginx}
"""


@pytest.fixture(scope="module", autouse=True)
def _lab() -> None:
    stack.up()


def _round_trips(folder: Path, environment: str, *arguments: str) -> int:
    folder.mkdir()
    with serving(folder, round_trip_s=ROUND_TRIP_S) as server:
        ran = server.run(folder / "out", environment, *arguments)
    counts = ran.verdict(environment)["counts"]
    assert counts["PASS"], ran.output
    assert not counts["UNKNOWN"], ran.output
    assert server.wire.connections == 1
    return server.wire.round_trips


def test_they_do_not_grow(tmp_path: Path) -> None:
    documented = re.search(r"\*\*(\d+) round trips\*\*", PAGE)
    assert documented
    whole = _round_trips(tmp_path / "whole", "prod")
    assert whole <= int(documented[1])
    few_checks = _round_trips(tmp_path / "few", "prod", "-k", "test_workers or test_memory_limit")
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    few_services = _round_trips(tmp_path / "two", "small", f"--environments={tmp_path}")
    # What is still under way when the last is asked for moves them by one or two.
    assert whole - min(few_checks, few_services) <= 3
