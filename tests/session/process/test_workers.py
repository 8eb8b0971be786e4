"""Runs with workers: each environment stays on one worker, and its results are complete."""

import re
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stackproof.fixtures.session.scheduler import OwnEnvironments
from tests.command_line import run

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
    assert shared.untimed("shop") == alone.untimed("shop")


def test_workers_that_are_lost_before_they_collect(shops: Path, tmp_path: Path) -> None:
    (tmp_path / "losing.py").write_text(
        "import os\ndef pytest_collection_modifyitems(config):\n"
        "    hasattr(config, 'workerinput') and os._exit(3)\n"
    )
    ran = run(
        tmp_path / "out", "-m", "shop", f"--environments={shops}", "-n2", "-p", "losing",
        "--max-worker-restart=1", variables={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert ran.exit_code == 6
    said = "no check could be evaluated: the workers were lost before they started\n"
    assert ran.output.endswith(said)


def test_a_worker_that_is_lost_has_a_successor(shops: Path, tmp_path: Path) -> None:
    (tmp_path / "losing.py").write_text(
        "import os, pathlib, pytest\n"
        "once = pathlib.Path(__file__).with_name('lost')\n"
        "@pytest.hookimpl(wrapper=True)\n"
        "def pytest_runtest_setup(item):\n"
        "    if 'test_running[stall-web' in item.nodeid and not once.exists():\n"
        "        once.touch()\n        os._exit(3)\n"
        "    return (yield)\n"
    )
    ran = run(
        tmp_path / "out", "-m", "shop or stall", f"--environments={shops}", "-n2", "-p", "losing",
        "-k", "running or exists", variables={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert ran.exit_code == 6
    headlines = {check["id"]: check["headline"] for check in ran.verdict("stall")["checks"]}
    lost = "suites/services/test_containers.py::test_running[stall-web]"
    assert f"crashed while running '{lost}'" in headlines.pop(lost)
    assert set(headlines) == {
        "containers.running[api]", "containers.exists[api]", "containers.exists[web]",
    }  # fmt: skip
    assert all("none.sock" in line for line in headlines.values())


class _Worker:
    """A worker as the scheduler sees it."""

    def __init__(self, spec: object = None) -> None:
        self.given: list[str | list[int]] = []
        self.gateway = SimpleNamespace(id="gw", spec=spec or object())

    def send_runtest_all(self) -> None:
        self.given.append("all")

    def send_runtest_some(self, places: list[int]) -> None:
        self.given.append(list(places))

    def shutdown(self) -> None:
        self.given.append("shutdown")


class _Scheduled:
    """A scheduler whose workers have collected their checks."""

    def __init__(self, *collected: list[str]) -> None:
        self.session = SimpleNamespace(testscollected=0)
        config: Any = SimpleNamespace(
            getvalue=lambda _: ["popen"] * len(collected),
            pluginmanager=SimpleNamespace(get_plugin={"session": self.session}.get),
        )
        log: Any = SimpleNamespace(eachsched=lambda *_: None)
        self.scheduler: Any = OwnEnvironments(config, log)
        self.workers = [_Worker() for _ in collected]
        for worker in self.workers:
            self.scheduler.add_node(worker)
        for worker, checks in zip(self.workers, collected, strict=True):
            self.scheduler.add_node_collection(worker, checks)
        self.scheduler.schedule()

    def replace(self, lost: _Worker, checks: list[str]) -> _Worker:
        worker = _Worker(lost.gateway.spec)
        self.scheduler.add_node(worker)
        self.scheduler.add_node_collection(worker, checks)
        self.scheduler.schedule()
        return worker


A, B = [[f"test_{check}[{name}-web]" for check in "pqrs"] for name in "ab"]


def test_each_worker_runs_what_it_has_collected() -> None:
    seen = _Scheduled(A, B, [])
    assert [each.given for each in seen.workers] == [["all", "shutdown"]] * 3
    assert seen.session.testscollected == 8
    assert not seen.scheduler.tests_finished
    for worker in seen.workers[:2]:
        for place in range(4):
            seen.scheduler.mark_test_complete(worker, place)
    assert seen.scheduler.tests_finished


def test_what_lost_workers_did_not_run_is_run_by_their_successors() -> None:
    seen = _Scheduled(A, B)
    one, two = seen.workers
    seen.scheduler.mark_test_complete(one, 0)
    assert seen.scheduler.remove_node(one) == A[1]
    assert seen.scheduler.remove_node(two) == B[0]
    second = seen.replace(two, B)
    first = seen.replace(one, A)
    assert (first.given, second.given) == ([[2, 3]], [[1, 2, 3]])
    assert seen.scheduler.remove_node(first) == A[2]
    assert seen.replace(first, A).given == [[3]]
    assert seen.session.testscollected == 8
