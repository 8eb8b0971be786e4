"""What a run asks of the engine, and what it runs, stands in docs/access.md: it changes nothing."""

from pathlib import Path

import pytest

from lab import address, stack
from lab.shapes import PRODUCTION
from tests.command_line import run
from tests.engine.access_page import undocumented_calls, undocumented_lines, unframed
from tests.engine.engine_proxy import counting
from tests.probes.test_gather import ENGINE

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", autouse=True)
def _lab() -> None:
    stack.up()


@pytest.mark.parametrize(
    "gate",
    [
        (),
        ("--gate=pre", "--services=api,web,nginx"),
        ("--gate=post", "--services=api,web,nginx", "--wait=5"),
        ("--gate=rollback", "--wait=5"),
    ],
    ids=["no-gate", "pre", "post", "rollback"],
)
def test_the_engine_is_asked_what_the_page_lists(gate: tuple[str, ...], tmp_path: Path) -> None:
    with counting(tmp_path / "engine.sock", ENGINE.removeprefix("unix://")) as proxy:
        variables = {**address.variables(PRODUCTION), "DOCKER_HOST": proxy.address}
        ran = run(tmp_path / "out", "-m", "lab", *gate, variables=variables)
    assert ran.verdict("lab")["counts"]["PASS"] > 0, ran.output
    asked, execs = proxy.requests(), proxy.execs()
    assert asked["GET /containers/json"]
    assert undocumented_calls(asked) == set()
    assert {tuple(words[:2]) for words in execs} == {("/bin/sh", "-c")}
    scripts = [part for _, _, script in execs for part in unframed(script)]
    assert undocumented_lines(scripts) == set()
