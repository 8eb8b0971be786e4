"""One run asks the engine once, with any number of processes, and changes nothing."""

import os
from collections import Counter
from pathlib import Path

import pytest

from lab import stack
from stackproof.environment.loader import load
from stackproof.environment.machine import DEFAULT_ENGINE
from stackproof.kinds.postgresql import Postgresql
from stackproof.kinds.redis import Redis
from tests.command_line import run
from tests.engine.engine_proxy import counting

pytestmark = pytest.mark.live

LAB = load("lab", Path(__file__).parents[2] / "environments", {})
EXEC = {"POST /containers/ID/exec", "POST /exec/ID/start"}
ENGINE = os.environ.get("DOCKER_HOST", DEFAULT_ENGINE)


@pytest.fixture(scope="module", autouse=True)
def _lab() -> None:
    if not ENGINE.startswith("unix://"):
        pytest.skip(f"the proxy stands before a unix socket, not before {ENGINE}")
    stack.up()


def _asked(folder: Path, *arguments: str) -> Counter[str]:
    folder.mkdir()
    with counting(folder / "engine.sock", ENGINE.removeprefix("unix://")) as proxy:
        ran = run(folder / "out", "-m", "lab", *arguments, variables={"DOCKER_HOST": proxy.address})
    assert ran.exit_code == 0, ran.output
    return proxy.requests()


def test_workers_share_one_gather(tmp_path: Path) -> None:
    alone = _asked(tmp_path / "alone")
    assert _asked(tmp_path / "two", "-n2") == alone
    # By default one environment goes to one worker. Otherwise a lock and a file share the facts.
    assert _asked(tmp_path / "spread", "-n2", "--dist=worksteal") == alone


def test_what_the_engine_is_asked(tmp_path: Path) -> None:
    asked = _asked(tmp_path / "alone")
    services = LAB.services.values()
    assert LAB.nginx
    with_commands = {*LAB.datastores.of(Postgresql), *LAB.datastores.of(Redis), LAB.nginx.service}
    assert asked.pop("GET /containers/ID/logs") in (1, 2)  # of nginx; 2 if its log is long
    assert asked == {
        "GET /info": 1,
        "GET /containers/json": 1,
        "GET /networks": 1,
        "GET /containers/ID/json": len(services),
        "POST /containers/ID/exec": len(with_commands),
        "POST /exec/ID/start": len(with_commands),
    } | {f"GET /images/{image}/json": 1 for image in {each.image for each in services}}
    assert {request for request in asked if not request.startswith("GET ")} == EXEC


ONE_AT_A_TIME = """
from stackproof.probes import probe_pool

probe_pool.CONCURRENT = 1
"""


def test_probes_do_not_block_what_they_wait_for(tmp_path: Path) -> None:
    """As in a stack with more services than concurrent probes."""
    (tmp_path / "one_at_a_time.py").write_text(ONE_AT_A_TIME)
    variables = {"PYTHONPATH": str(tmp_path)}
    ran = run(tmp_path / "out", "-m", "lab", "-p", "one_at_a_time", variables=variables)
    assert ran.exit_code == 0, ran.output
