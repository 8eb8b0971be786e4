"""The checks after a deploy fail for what went wrong, and say what it is."""

from datetime import timedelta
from pathlib import Path

import pytest

from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.facts.response import Response
from tests.shop import AT, container, created
from tests.suites.gates.deploys import (
    BASELINE,
    CONTAINERS,
    EARLIER,
    ENVIRONMENT,
    SETTLED,
    UNTOUCHED,
    after,
    before,
    deploy,
    facts,
    judge,
    results,
)


def test_a_good_deploy(tmp_path: Path) -> None:
    ran = judge(tmp_path, facts(), environment={"routes": {}} | deploy(new_images=True))
    verdict = ran.verdict("shop")
    assert (ran.exit_code, ran.results("shop"), verdict["gate"]) == (0, {}, "post"), ran.output
    assert {each["check"] for each in verdict["checks"] if each["suite"] == "deploy"} == {
        "settled", "recreated", "new_image", "restarts", "untouched", "order", "reloaded",
    }  # fmt: skip
    assert verdict["waited"] == {
        "ended": "settled", "seconds": 4, "limit_s": 120, "looks": 5,
        "waited_for": {"api: starting": 2}, "pending": {}, "blind": "",
    }  # fmt: skip


AGAIN = AT - timedelta(minutes=1)
CASES = {
    "not recreated": (
        facts({"api": container(name="api", id="old-api", started_at=EARLIER)}),
        {},
        {"deploy.recreated[api]": "api container: expected one created by the deploy, "
         "observed the previous one, old-api"},
    ),
    "the old image again": (
        facts({"api": after("api", creation=created(image_id="sha256:0017"))}),
        deploy(new_images=True),
        {"deploy.new_image[api]": "api image: expected a different one than before the deploy, "
         "observed the same, sha256:0017"},
    ),
    "crashed since": (
        facts({"web": after("web", restart_count=2)}),
        {"services": {**ENVIRONMENT["services"], "web": {"max_restarts": 5}}},  # type: ignore[dict-item]
        {"deploy.restarts[web]": "web restarts since the deploy: expected 0, observed 2"},
    ),
    "an untouched service recreated": (
        facts({"db": after("db")}),
        {},
        {"deploy.untouched[db]": "db not deployed: expected untouched, "
         "observed recreated, started at 2026-11-24 07:30:30 UTC"},
    ),
    "an untouched service started again": (
        facts({"db": UNTOUCHED.model_copy(update={"started_at": AGAIN})}),
        {},
        {"deploy.untouched[db]": "db not deployed: expected untouched, "
         "observed started again at 2026-11-24 07:29:30 UTC"},
    ),
    "an untouched service restarted": (
        facts({"db": UNTOUCHED.model_copy(update={"restart_count": 1, "started_at": AGAIN})}),
        {"services": {**ENVIRONMENT["services"], "db": {"max_restarts": 1}}},  # type: ignore[dict-item]
        {"deploy.untouched[db]": "db not deployed: expected untouched, "
         "observed restarted by the engine"},
    ),
    "the wrong order": (
        facts({"web": after("web", created_at=AGAIN, started_at=AGAIN)}),
        {},
        {"deploy.order[shop]": "shop start order: expected api, web, observed web before api"},
    ),
    "not reloaded": (
        facts(loaded=EARLIER),
        {"routes": {}},
        {"deploy.reloaded[proxy]": "proxy reloaded last: "
         "expected a load after 2026-11-24 07:30:30 UTC, "
         "observed the last load at 2026-11-23 07:30:30 UTC"},
    ),
    "old images left": (
        facts(image_ids=("sha256:0017", "sha256:5409")),
        deploy(clean_images=True),
        {f"deploy.clean_images[{name}]": f"{name} previous image: expected removed, "
         "observed sha256:0017" for name in ("proxy", "api", "web")},
    ),
    "not settled": (
        facts(settling=SETTLED.model_copy(
            update={"ended": "late", "pending": {"api": "unhealthy"}, "seconds": 120})),
        {},
        {"deploy.settled[shop]": "shop settled: expected within 120 s, observed api unhealthy"},
    ),
    "never settles": (
        facts(settling=SETTLED.model_copy(update={"ended": "late", "seconds": 120})),
        {},
        {"deploy.settled[shop]":
         "shop settled: expected within 120 s, observed one restart after the other"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_deploy_that_is_not_right(tmp_path: Path, case: str) -> None:
    observed, environment, expected = CASES[case]
    ran = judge(tmp_path, observed, environment=environment)
    assert results(ran) == expected, ran.output
    assert ran.exit_code == 1
    since = {c["id"]: c["since"] for c in ran.verdict("shop")["checks"] if c["outcome"] == "FAIL"}
    assert {since[check] for check in expected} == {"new"}
    assert f"{next(iter(expected.values()))} (new since the baseline)" in " ".join(
        ran.output.split()
    )


def test_old_images_that_were_cleaned(tmp_path: Path) -> None:
    observed = facts(image_ids=("sha256:5409",))
    assert results(judge(tmp_path, observed, environment=deploy(clean_images=True))) == {}


def test_containers_created_in_parallel_have_no_order(tmp_path: Path) -> None:
    a_moment = timedelta(milliseconds=200)
    web = after("web", created_at=AT - 2 * a_moment, started_at=AT - a_moment)
    api = after("api", created_at=AT - 3 * a_moment)
    assert results(judge(tmp_path, facts({"api": api, "web": web}))) == {}


def test_an_engine_that_went_away_meanwhile_fails_nothing(tmp_path: Path) -> None:
    """The routes went down with it: that says nothing of the deploy."""
    gone = "engine unix:///run/engine.sock: connection refused"
    observed = facts(
        settling=SETTLED.model_copy(update={"ended": "blind", "blind": gone}),
        responses={"home": Response(hops=(), error="connection refused", elapsed_ms=1)},
    )
    ran = judge(tmp_path, observed)
    assert ran.exit_code == 6
    assert set(ran.results("shop").values()) == {("UNKNOWN", f"could not be evaluated: {gone}")}
    assert ran.verdict("shop")["waited"]["blind"] == gone


def test_an_image_that_the_compose_file_does_not_name(tmp_path: Path) -> None:
    services = {name: ComposeService(image="shop:2") for name in ("api", "web", "proxy")}
    services["web"] = ComposeService(built=True)
    services["proxy"] = ComposeService(image="docker.io/library/shop:1")
    observed = facts(compose_file=ComposeFile(path="compose.yaml", services=services))
    ran = judge(tmp_path, observed, options=("--compose-file=compose.yaml",))
    assert results(ran) == {
        "deploy.image[api]": "api image: expected shop:2, as the compose file names it, "
        "observed shop:1"
    }


@pytest.mark.parametrize(("restarts", "since"), [(2, 0), (3, 1)])
def test_restarts_before_the_deploy_do_not_count(tmp_path: Path, restarts: int, since: int) -> None:
    proxy = CONTAINERS["proxy"].model_copy(update={"restart_count": restarts})
    containers = {**BASELINE.containers, "proxy": (before("proxy", restart_count=2),)}
    ran = judge(
        tmp_path,
        facts({"proxy": proxy}),
        baseline=BASELINE.model_copy(update={"containers": containers}),
        environment={"routes": {}},
    )
    line = f"proxy restarts since the deploy: expected 0, observed {since}"
    assert results(ran) == ({"deploy.restarts[proxy]": line} if since else {})


def test_a_baseline_that_does_not_know_when_nginx_was_loaded(tmp_path: Path) -> None:
    baseline = BASELINE.model_copy(update={"nginx_loaded_at": None})
    ran = judge(tmp_path, facts(), baseline=baseline, environment={"routes": {}})
    assert results(ran) == {}
    ran = judge(tmp_path, facts(loaded=EARLIER), baseline=baseline, environment={"routes": {}})
    assert set(results(ran)) == {"deploy.reloaded[proxy]"}
    (check,) = (c for c in ran.verdict("shop")["checks"] if c["id"] == "deploy.reloaded[proxy]")
    assert set(check["evidence"]) == {"last start of a deployed container"}


def test_a_snapshot_without_creation_times_has_no_order(tmp_path: Path) -> None:
    ran = judge(tmp_path, facts({"api": after("api", created_at=None)}))
    line = "could not be evaluated: the snapshot does not contain when its containers were created"
    assert ran.results("shop")["deploy.order[shop]"] == ("UNKNOWN", line)


@pytest.mark.parametrize(("seconds", "is_loaded"), [(0, False), (0.9, False), (1, True)])
def test_a_load_is_another_one_after_a_second(
    tmp_path: Path, seconds: float, is_loaded: bool
) -> None:
    """The start of a worker is not exact, so the same load can appear a little later."""
    loaded = AT + timedelta(minutes=1)
    baseline = BASELINE.model_copy(update={"nginx_loaded_at": loaded})
    observed = facts(loaded=loaded + timedelta(seconds=seconds))
    ran = judge(tmp_path, observed, baseline=baseline, environment={"routes": {}})
    assert results(ran, "deploy.reloaded") == (
        {}
        if is_loaded
        else {
            "deploy.reloaded[proxy]": "proxy reloaded last: "
            "expected a load after 2026-11-24 07:31:31 UTC, "
            "observed the last load at 2026-11-24 07:31:30 UTC"
        }
    )
