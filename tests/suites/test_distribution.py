"""Runs with workers: an environment's checks stay together, and what they say arrives whole."""

import re
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.whole_environments import WholeEnvironments
from tests.suites.command_line import Ran, run

SHOP = """\
engine: {{address: unix://{folder}/none.sock}}
services: {{api: {{ports: [5000]}}, web: {{}}}}
"""
RAN_BY = re.compile(r"^\[(gw\d)\].* UNKNOWN suites/\S+\[((?:shop|shop-two|stall)-)", re.MULTILINE)


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    for name in ("shop", "shop-two", "stall"):
        (folder / f"{name}.yaml").write_text(SHOP.format(folder=tmp_path))
    return folder


def test_an_environment_stays_on_one_worker(shops: Path, tmp_path: Path) -> None:
    ran = run(
        tmp_path / "out", "-m", "shop or stall", f"--environments={shops}", "-n2", "-vv",
        "-k", "running or exists",
    )  # fmt: skip
    workers = defaultdict(set)
    for worker, environment in RAN_BY.findall(ran.output):
        workers[environment].add(worker)
    assert sorted(map(len, workers.values())) == [1, 1], ran.output
    assert set.union(*workers.values()) == {"gw0", "gw1"}


def test_what_a_worker_found_arrives_whole(shops: Path, tmp_path: Path) -> None:
    arguments = ("-m", "shop", f"--environments={shops}", "-k", "running or exists")
    alone = run(tmp_path / "alone", *arguments)
    shared = run(tmp_path / "shared", *arguments, "-n2")
    assert (alone.exit_code, shared.exit_code) == (6, 6)
    assert _untimed(shared) == _untimed(alone)


def _untimed(ran: Ran) -> list[dict[str, Any]]:
    return [{**check, "duration_s": 0} for check in ran.verdict("shop")["checks"]]


class _Node:
    """A worker as the scheduler sees it."""

    def __init__(self) -> None:
        self.given: list[list[int]] = []
        self.shutting_down = False
        self.gateway = SimpleNamespace(id="gw")

    def send_runtest_some(self, places: list[int]) -> None:
        self.given.append(places)

    def shutdown(self) -> None:
        self.shutting_down = True


def _scheduled(checks: list[str], workers: int) -> tuple[WholeEnvironments, list[_Node]]:
    option = SimpleNamespace(
        selected_environments=["a", "a-b", "c"], tx=["popen"] * workers, loadscopereorder=True
    )
    config: Any = SimpleNamespace(
        option=option,
        getvalue=lambda name: vars(option)[name],
        getoption=lambda name: vars(option)[name],
    )
    log: Any = SimpleNamespace(loadscopesched=lambda *_: None)
    scheduler, nodes = WholeEnvironments(config, log), [_Node() for _ in range(workers)]
    for node in nodes:
        scheduler.add_node(node)
    for node in nodes:
        scheduler.add_node_collection(node, checks)
    scheduler.schedule()
    return scheduler, nodes


CHECKS = [f"suites/test_x.py::test_{check}[{name}-web]" for name in ("a", "a-b", "c")
          for check in ("p", "q", "r", "s")]  # fmt: skip


def test_each_worker_is_given_environments_in_one_piece() -> None:
    scheduler, (one, two) = _scheduled(CHECKS, 2)
    assert (one.given, two.given) == ([[0, 1, 2, 3]], [[4, 5, 6, 7]])
    for place in (4, 5):
        scheduler.mark_test_complete(two, place)
    assert two.given == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert not scheduler.tests_finished
    for place in (6, 7, 8, 9, 10):
        scheduler.mark_test_complete(two, place)
    for place in (0, 1, 2, 3):
        scheduler.mark_test_complete(one, place)
    assert scheduler.tests_finished


def test_what_a_worker_that_crashed_did_not_run_is_run_by_another() -> None:
    scheduler, (one, two) = _scheduled(CHECKS, 2)
    scheduler.mark_test_complete(one, 0)
    assert scheduler.remove_node(one) == CHECKS[1]
    for place in (4, 5, 6, 7, 8, 9, 10, 11):
        scheduler.mark_test_complete(two, place)
    assert two.given[-1] == [1, 2, 3]
