"""The number of round trips of a run over ssh, as documented in docs/access.md."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from lab import stack
from tests.command_line import ROOT
from tests.live.production import serving

pytestmark = pytest.mark.live

# Much longer than the server takes to respond, so that concurrent requests count as one.
ROUND_TRIP_S = 0.5
PAGE = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
# One of each kind of slow probe: a container, an exec, a request to a container's address.
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


def _fewest(folder: Path, bound: int, environment: str, *arguments: str) -> int:
    """Return the round trips of the first run within the bound, or the fewest of three runs.

    On a busy machine a late response can add one: it follows a message that it does not depend on.
    """
    counts: list[int] = []
    while len(counts) < 3 and min(counts, default=bound + 1) > bound:
        counts.append(_round_trips(folder / str(len(counts)), environment, *arguments))
    return min(counts)


def _round_trips(folder: Path, environment: str, *arguments: str) -> int:
    folder.mkdir(parents=True)
    with serving(folder, round_trip_s=ROUND_TRIP_S) as server:
        ran = server.run(folder / "out", environment, *arguments)
    counts = ran.verdict(environment)["counts"]
    assert counts["PASS"], ran.output
    assert not counts["UNKNOWN"], ran.output
    assert server.wire.connections == 1
    # Closing the streams takes another round trip, which no one waits for.
    facts = json.loads((folder / "out" / environment / "facts.json").read_text(encoding="utf-8"))
    began = datetime.fromisoformat(facts["gathered_at"])
    return server.wire.round_trips_before(began.timestamp() + facts["duration_s"])


def test_the_number_of_round_trips_is_bounded(tmp_path: Path) -> None:
    documented = re.search(r"\*\*(\d+) round trips\*\*", PAGE)
    assert documented
    bound = int(documented[1])
    assert _fewest(tmp_path / "whole", bound, "prod") <= bound
    few_checks = ("-k", "test_workers or test_memory_limit")
    assert _fewest(tmp_path / "few", bound, "prod", *few_checks) <= bound
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    assert _fewest(tmp_path / "two", bound, "small", f"--environments={tmp_path}") <= bound
