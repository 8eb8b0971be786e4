"""What `pytest -m ENVIRONMENT` says to GitHub, run as its runners run it."""

from pathlib import Path

import pytest

from tests import shop
from tests.in_process import run
from tests.shop import container

ENVIRONMENT = {"services": {"api": {"max_restarts": 2}, "db": {}}}


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
def test_a_failure(tmp_path: Path, workers: tuple[str, ...]) -> None:
    observed = shop.facts(containers={"api": container(restart_count=9), "db": container()})
    page = tmp_path / "summary.md"
    ran = run(
        tmp_path / "out",
        "-m",
        "shop and containers",
        *shop.save(tmp_path, ENVIRONMENT, observed),
        *workers,
        variables={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)},
    )
    assert ran.exit_code == 1
    assert "::error" not in ran.output  # a replay says nothing about now
    text = page.read_text(encoding="utf-8")
    assert text.startswith("## shop: REPLAY of 2026-11-24 07:30:30 UTC: ❌ NO-GO\n")
    assert "<code>at most 2</code> | <code>9</code> | here: <code>docker" in text
    assert {"| api | ❌ |", "| db | ✓ |"} <= set(text.splitlines())


def test_a_mistake_stops_no_commands(tmp_path: Path) -> None:
    ran = run(tmp_path / "out", "-m", "prdo", variables={"GITHUB_ACTIONS": "true"})
    assert (ran.exit_code, ran.output) == (4, "")
