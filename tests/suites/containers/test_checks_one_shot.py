"""A container that runs once is fine when it has exited with code 0."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.container import Container
from tests import shop
from tests.command_line import Ran
from tests.shop import container


@pytest.mark.parametrize(("exit_code", "results"), [(0, {}), (3, None)], ids=["done", "failed"])
def test_a_container_that_runs_once(
    tmp_path: Path, exit_code: int, results: dict[str, Any] | None
) -> None:
    done = container(name="shop", status="exited", exit_code=exit_code)
    declared = {"one_shot": True, "healthcheck": "required", "limits": shop.LIMITS}
    ran = shop.replay(
        tmp_path, {"services": {"migrate": declared}}, shop.facts(containers={"migrate": done})
    )
    if results is not None:
        assert (ran.exit_code, ran.results("shop")) == (0, results)
    else:
        line = "migrate run: expected exit code 0, observed 3"
        assert ran.results("shop")["containers.running[migrate]"] == ("FAIL", line)


def _ran(folder: Path, one_shot: bool | str, seen: Container | None) -> Ran:
    declared: dict[str, Any] = {
        "one_shot": one_shot, "healthcheck": "required", "limits": shop.LIMITS, "image": "shop:1",
        "publish": [],
    }  # fmt: skip
    observed = shop.facts(containers={"migrate": seen}, images={})
    return shop.replay(folder, {"services": {"migrate": declared}}, observed)


def test_a_job_that_has_not_ended_or_started(tmp_path: Path) -> None:
    for status, result in (
        ("running", ("UNKNOWN", "could not be evaluated: shop has not ended")),
        ("restarting", ("FAIL", "migrate run: expected exit code 0, observed restarting")),
        ("created", ("FAIL", "migrate run: expected exit code 0, observed created")),
    ):
        ran = _ran(tmp_path, True, container(status=status))
        assert ran.results("shop")["containers.running[migrate]"] == result


def test_a_job_that_was_removed(tmp_path: Path) -> None:
    line = "migrate exists: expected a container migrate, observed none"
    ran = _ran(tmp_path, True, None)
    assert (ran.exit_code, ran.results("shop")) == (0, {})
    checks = ran.verdict("shop")["checks"]
    assert {each["id"]: each["warnings"] for each in checks if each["warnings"]} == {
        "containers.exists[migrate]": [line]
    }
    results = _ran(tmp_path, "kept", None).results("shop")
    assert results["containers.exists[migrate]"] == ("FAIL", line)
    assert results["containers.restarts[migrate]"][0] == "UNKNOWN"
    # Of a service that does not end, nothing passes without its container.
    outcomes = {outcome for outcome, _ in _ran(tmp_path, False, None).results("shop").values()}
    assert outcomes == {"FAIL", "UNKNOWN"}


def test_a_container_that_may_run_once(tmp_path: Path) -> None:
    def ran(exit_code: int) -> Ran:
        ended = container(name="shop", status="exited", exit_code=exit_code)
        return shop.replay(
            tmp_path,
            {"services": {"migrate": {"may_end": True, "publish": []}}},
            shop.facts(containers={"migrate": ended}),
        )

    ended = ran(0)
    assert (ended.exit_code, ended.results("shop")) == (0, {})
    warning = "migrate running: expected running, observed exited with code 0"
    assert warning in ended.output
    line = "migrate running: expected running, observed exited with code 1"
    assert ran(1).results("shop")["containers.running[migrate]"] == ("FAIL", line)
