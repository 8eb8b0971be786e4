"""A gate that a critical check did not run for has not verified the stack, whoever left it out."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.suites import shop
from tests.suites.command_line import run
from tests.suites.shop import answered, container

ENVIRONMENT = {
    "services": {"api": {"healthcheck": "required"}},
    "routes": {"home": {"url": "https://shop.example/", "service": "api", "budget_ms": 50}},
}
FINE = shop.facts(
    containers={"api": container()},
    responses={"home": answered(("https://shop.example/", 200))},
)
AT_A_GATE = """\
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.option.gate = "rollback"
"""
MISSING = ("UNKNOWN", "could not look: a gate needs it, and it did not run")
CRITICAL = {
    "containers.exists[api]",
    "containers.running[api]",
    "containers.healthy[api]",
    "routes.status[home]",
}


def _told(
    folder: Path, *arguments: str, variables: Mapping[str, str]
) -> tuple[int, dict[str, tuple[str, str]], str]:
    options = shop.save(folder, ENVIRONMENT, FINE)
    ran = run(folder / "out", *options, *arguments, variables=variables)
    return ran.exit_code, ran.told("shop"), ran.output


def _gate(folder: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    (folder / "at_a_gate.py").write_text(AT_A_GATE, encoding="utf-8")
    return ("-p", "at_a_gate"), {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
@pytest.mark.parametrize(
    ("selection", "left_out"),
    [
        (("-m", "shop and routes"), CRITICAL - {"routes.status[home]"}),
        (("-m", "shop", "-k", "latency"), CRITICAL),
        (("-m", "shop", "--deselect=suites/test_containers.py::test_running[shop-api]"),
         {"containers.running[api]"}),
        (("-m", "shop"), set()),
    ],
    ids=["-m", "-k", "--deselect", "all"],
)  # fmt: skip
def test_a_critical_check_that_was_deselected(
    tmp_path: Path, selection: tuple[str, ...], left_out: set[str], workers: tuple[str, ...]
) -> None:
    options, variables = _gate(tmp_path)
    code, told, output = _told(tmp_path, *selection, *options, *workers, variables=variables)
    missing = {check for check, said in told.items() if said == MISSING}
    assert missing & CRITICAL == left_out  # a gate can have critical checks of its own
    if left_out:
        assert code == 6, output
    if len(left_out) == 1:
        assert f"? {min(left_out)} {MISSING[1]}" in output


def test_without_a_gate_a_part_can_be_verified(tmp_path: Path) -> None:
    code, told, output = _told(tmp_path, "-m", "shop and routes", variables={})
    assert (code, told) == (0, {}), output


def test_a_run_that_stopped_at_a_failure_names_what_it_did_not_reach(tmp_path: Path) -> None:
    options, variables = _gate(tmp_path)
    stopped = {"api": container(status="exited")}
    declared = shop.save(tmp_path, ENVIRONMENT, FINE.model_copy(update={"containers": stopped}))
    selection = ("-m", "shop and (containers or routes)", "-x")
    ran = run(tmp_path / "out", *declared, *selection, *options, variables=variables)
    assert ran.exit_code == 1, ran.output
    assert ran.told("shop")["routes.status[home]"] == MISSING
