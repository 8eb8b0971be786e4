"""A gate that a critical check did not run for has not verified the stack, whoever left it out."""

from pathlib import Path

import pytest

from tests import shop
from tests.in_process import run
from tests.shop import answered, container

ENVIRONMENT = {
    "services": {"api": {"healthcheck": "required"}},
    "routes": {"home": {"url": "https://shop.example/", "service": "api", "budget_ms": 50}},
}
FINE = shop.facts(
    containers={"api": container()},
    responses={"home": answered(("https://shop.example/", 200))},
)
MISSING = ("UNKNOWN", "could not be evaluated: a gate needs it, and it did not run")
CRITICAL = {
    "containers.exists[api]",
    "containers.running[api]",
    "containers.processes[api]",
    "containers.healthy[api]",
    "routes.status[home]",
    "deploy.settled[shop]",
    "rollback.image[api]",
}
GATE = "--gate=rollback"


def _verify(folder: Path, *arguments: str) -> tuple[int, dict[str, tuple[str, str]], str]:
    options = shop.save(folder, ENVIRONMENT, FINE)
    ran = run(folder / "out", *options, *arguments)
    return ran.exit_code, ran.results("shop"), ran.output


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
@pytest.mark.parametrize(
    ("selection", "left_out"),
    [
        (("-m", "shop and routes"), CRITICAL - {"routes.status[home]"}),
        (("-m", "shop", "-k", "latency"), CRITICAL),
        (("-m", "shop", "--deselect=suites/services/test_containers.py::test_running[shop-api]"),
         {"containers.running[api]"}),
        (("-m", "shop"), set()),
    ],
    ids=["-m", "-k", "--deselect", "all"],
)  # fmt: skip
def test_a_critical_check_that_was_deselected(
    tmp_path: Path, selection: tuple[str, ...], left_out: set[str], workers: tuple[str, ...]
) -> None:
    code, results, output = _verify(tmp_path, *selection, GATE, *workers)
    assert {check for check, result in results.items() if result == MISSING} == left_out
    if left_out:
        assert code == 6, output
    if len(left_out) == 1:
        assert f"? {min(left_out)} {MISSING[1]}" in output


def test_without_a_gate_a_part_can_be_verified(tmp_path: Path) -> None:
    code, results, output = _verify(tmp_path, "-m", "shop and routes")
    assert (code, results) == (0, {}), output


def test_a_run_that_stopped_at_a_failure_names_what_it_did_not_reach(tmp_path: Path) -> None:
    stopped = {"api": container(status="exited")}
    declared = shop.save(tmp_path, ENVIRONMENT, FINE.model_copy(update={"containers": stopped}))
    selection = ("-m", "shop and (containers or routes)", "-x")
    ran = run(tmp_path / "out", *declared, *selection, GATE)
    assert ran.exit_code == 1, ran.output
    assert ran.results("shop")["routes.status[home]"] == MISSING
