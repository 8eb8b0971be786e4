"""What is compared with the baseline: failures that are new, and latency; none without one."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.fixtures.session.gates import baseline as baselines
from tests import shop
from tests.shop import AT
from tests.suites.gates.deploys import (
    BASELINE,
    ENVIRONMENT,
    SAMPLES,
    UNTOUCHED,
    after,
    before,
    facts,
    judge,
    results,
)

TAKE = "before a deploy, take one: pytest --gate=pre -m shop --services=api,web,proxy"


def test_every_failure_says_whether_it_is_new(tmp_path: Path) -> None:
    ill = {
        "db": UNTOUCHED.model_copy(update={"oom_killed": True}),
        "api": after("api", status="paused"),
        "web": after("web", status="paused"),
    }
    ran = judge(tmp_path, facts(ill), environment={"routes": {}})
    since = {c["id"]: c["since"] for c in ran.verdict("shop")["checks"] if c["outcome"] == "FAIL"}
    assert since == {
        "containers.oom_killed[db]": "before",
        "containers.running[api]": "new",
        "containers.running[web]": "unknown",
    }
    for line in (
        "db out of memory: expected no kill, observed the kernel killed a process in it "
        "(as before the deploy)",
        "api running: expected running, observed paused (new since the baseline)",
        "web running: expected running, observed paused (unknown whether it is new)",
    ):
        assert line in ran.output


def test_restarts_before_the_deploy_do_not_count(tmp_path: Path) -> None:
    restarted = {"db": (before("db", restart_count=3),)}
    baseline = BASELINE.model_copy(update={"containers": {**BASELINE.containers, **restarted}})
    for count, lines in ((3, []), (4, ["db restarts: expected at most 0, observed 1"])):
        db = UNTOUCHED.model_copy(update={"restart_count": count, "started_at": AT})
        ran = judge(tmp_path, facts({"db": db}), baseline=baseline, environment={"routes": {}})
        found = [c for c in ran.verdict("shop")["checks"] if c["id"] == "containers.restarts[db]"]
        assert [c["headline"] for c in found if c["outcome"] == "FAIL"] == lines


def test_a_failure_outside_a_deploy_says_nothing_of_a_baseline(tmp_path: Path) -> None:
    ran = shop.replay(tmp_path, ENVIRONMENT, facts({"api": after("api", status="paused")}))
    assert "api running: expected running, observed paused\n" in ran.output
    assert {c["since"] for c in ran.verdict("shop")["checks"]} == {None}


@pytest.mark.parametrize("damaged", [False, True], ids=["none", "damaged"])
def test_without_a_baseline_what_compares_with_it_is_unknown(tmp_path: Path, damaged: bool) -> None:
    why = "there is no baseline"
    if damaged:
        path = tmp_path / "out" / "shop" / "replay" / baselines.FILE_NAME
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        why = f"{path}: not a baseline: environment: Field required"
    ran = judge(tmp_path, facts(), baseline=None, environment={"routes": {}})
    assert ran.exit_code == 6
    assert set(results(ran).values()) == {f"could not be evaluated: {why}; {TAKE}"}
    assert "deploy.settled[shop]" not in results(ran)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"environment": "store"}, "the baseline is of store"),
        (
            {"taken_at": AT + timedelta(hours=1)},
            "the baseline is dated 2026-11-24 08:30, which is in the future",
        ),
        (
            {"taken_at": AT - timedelta(hours=25)},
            "the baseline is 25 hours old, expected at most 24 (deploy.baseline_hours)",
        ),
        (
            {"engine": "ssh://deploy@store"},
            "the baseline is of another engine: expected none, observed ssh://deploy@store",
        ),
    ],
)
def test_a_baseline_that_is_not_of_this_deploy(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    baseline = BASELINE.model_copy(update=changes)
    ran = judge(tmp_path, facts(), baseline=baseline, environment={"routes": {}})
    assert ran.exit_code == 6
    assert set(results(ran).values()) == {f"could not be evaluated: {why}; {TAKE}"}


def test_the_baseline_of_another_deploy_tells_nothing_of_this_one(tmp_path: Path) -> None:
    baseline = BASELINE.model_copy(update={"services": ("web", "db")})
    observed = facts({"db": after("db")})
    ran = judge(tmp_path, observed, baseline=baseline, environment={"routes": {}})
    assert ran.exit_code == 6
    line = f"could not be evaluated: the baseline is of a deploy of web, db; {TAKE}"
    assert set(results(ran).values()) == {line}


def test_a_baseline_that_does_not_hold_a_service(tmp_path: Path) -> None:
    held = {name: BASELINE.containers[name] for name in ("proxy", "web", "db")}
    ran = judge(tmp_path, facts(), baseline=BASELINE.model_copy(update={"containers": held}))
    line = "could not be evaluated: the baseline does not hold api: it was not observed"
    assert ran.results("shop")["deploy.recreated[api]"] == ("UNKNOWN", line)


@pytest.mark.parametrize(
    ("after", "warns"),
    [
        (tuple(2 * each for each in SAMPLES), True),
        (tuple(1.1 * each for each in SAMPLES), False),
        ((*SAMPLES[:-1], 900.0), False),
    ],
    ids=["slower", "measurably slower", "one outlier"],
)
def test_latency_is_compared_and_only_warned_of(
    tmp_path: Path, after: tuple[float, ...], warns: bool
) -> None:
    ran = judge(tmp_path, facts(latencies={"home": after}))
    assert results(ran) == {}
    warnings = [(c["id"], w) for c in ran.verdict("shop")["checks"] for w in c["warnings"]]
    assert warnings == warns * [
        (
            "deploy.latency[home]",
            "home latency: expected as before, 10 ms, "
            "observed degraded, 21 ms (medians; p 7.8e-05, Cliff's delta 1.00)",
        )
    ]


@pytest.mark.parametrize("few", [{}, {"home": SAMPLES[:4]}], ids=["none", "four"])
def test_too_few_samples_compare_nothing(tmp_path: Path, few: dict[str, Any]) -> None:
    assert results(judge(tmp_path, facts(latencies=few))) == {}
    baseline = BASELINE.model_copy(update={"latencies": few})
    assert results(judge(tmp_path, facts(), baseline=baseline)) == {}
