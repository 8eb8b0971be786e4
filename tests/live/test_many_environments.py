"""Many environments in one run: each is looked at once, by whichever worker has its checks."""

from pathlib import Path

import pytest

from benchmarks.fleet import write
from lab import stack
from tests.command_line import run
from tests.engine.engine_proxy import counting
from tests.probes.test_gather import ENGINE, LAB

pytestmark = pytest.mark.live

ENVIRONMENTS = 5
RUN_SECONDS = 60


@pytest.mark.parametrize("workers", [2, 4])
def test_each_is_gathered_once(workers: int, tmp_path: Path) -> None:
    if not ENGINE.startswith("unix://"):
        pytest.skip(f"the proxy stands before a unix socket, not before {ENGINE}")
    stack.up()
    folder = tmp_path / "environments"
    folder.mkdir()
    names = write(folder, ENVIRONMENTS)
    with counting(tmp_path / "engine.sock", ENGINE.removeprefix("unix://")) as proxy:
        ran = run(
            tmp_path / "out", "-m", " or ".join(names), f"-n{workers}",
            f"--environments={folder}", variables={"DOCKER_HOST": proxy.address},
            deadline=RUN_SECONDS,
        )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    asked = proxy.requests()
    assert asked["GET /containers/json"] == ENVIRONMENTS
    assert asked["GET /containers/ID/json"] == ENVIRONMENTS * len(LAB.services)
    verdicts = [ran.verdict(name) for name in names]
    assert len({verdict["run"] for verdict in verdicts}) == 1
    assert {verdict["counts"]["PASS"] for verdict in verdicts} == {len(verdicts[0]["checks"])}
