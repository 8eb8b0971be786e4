"""The checks of a deploy and of a rollback turn red where they should, and say what is new."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures import baseline as baselines
from fixtures import model_file
from fixtures.baseline import Baseline, BaselineContainer
from fixtures.compose_file import ComposeFile, ComposeService
from fixtures.facts import Container, Facts, Response, Settling
from fixtures.proxy import Worker
from tests.suites import shop
from tests.suites.command_line import Ran
from tests.suites.shop import AT, answered, container, created, said

EARLIER = AT - timedelta(days=1)
ENVIRONMENT = {
    "services": {"proxy": {}, "api": {}, "web": {}, "db": {}},
    "routes": {"home": {"url": "https://shop.example/", "service": "api"}},
    "nginx": {"service": "proxy"},
    "deploy": {"order": ["api", "web", "proxy"]},
}
SETTLED = Settling(
    ended="settled", seconds=4, limit_s=120, looks=5, waited_for={"api: starting": 2}, pending={},
    blind="",
)  # fmt: skip
SAMPLES = (10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 10.7, 10.8)
TAKE = "before a deploy, take one: pytest --gate=pre -m shop --services=api,web,proxy"


def _after(name: str, **changes: Any) -> Container:
    """A container that the deploy made, some seconds before it is looked at."""
    made = {"id": f"new-{name}", "created_at": AT, "started_at": AT, **changes}
    return container(name=name, **made)


def _before(name: str, **changes: Any) -> BaselineContainer:
    return BaselineContainer(
        **{
            "name": name, "id": f"old-{name}", "image": "shop:1", "image_id": "sha256:0017",
            "config_hash": "5eed", "started_at": EARLIER, "restart_count": 0,
            "addresses": {"shop_default": ("172.20.0.5",)}, **changes,
        }
    )  # fmt: skip


UNTOUCHED = container(name="db", id="old-db", created_at=EARLIER, started_at=EARLIER)
CONTAINERS = {
    "proxy": container(name="proxy", id="old-proxy", created_at=EARLIER, started_at=EARLIER),
    "api": _after("api"),
    "web": _after("web"),
    "db": UNTOUCHED,
}
LOADED = AT + timedelta(seconds=1)


def _facts(
    changed: Mapping[str, Container | None] | None = None, loaded: datetime = LOADED, **seen: Any
) -> Facts:
    proxy = shop.PROXY.model_copy(
        update={
            "workers": (Worker(started_at=loaded, shutting_down=False),),
            "addresses": dict.fromkeys(("api", "web", "db", "proxy"), ("172.20.0.5",)),
        }
    )  # fmt: skip
    return shop.facts(
        **{
            "settling": SETTLED,
            "containers": {**CONTAINERS, **(changed or {})},
            "responses": {"home": answered(("https://shop.example/", 200))},
            "latencies": {"home": SAMPLES},
            "commands": {"nginx_test proxy": said("nginx -t", 0, "syntax is ok")},
            "proxies": {"proxy": proxy},
            "alarms": {"proxy": ()},
            **seen,
        }
    )


BASELINE = Baseline(
    environment="shop", engine="", engine_id="", taken_at=AT - timedelta(minutes=5),
    services=("api", "web", "proxy"),
    containers={name: (_before(name),) for name in CONTAINERS},
    latencies={"home": SAMPLES},
    outcomes={"containers.restarts[db]": "FAIL", "containers.running[api]": "PASS"},
    nginx_loaded_at=EARLIER,
)  # fmt: skip


def _judge(
    folder: Path,
    observed: Facts,
    *,
    baseline: Baseline | None = BASELINE,
    gate: str = "post",
    environment: Mapping[str, Any] | None = None,
    options: tuple[str, ...] = (),
) -> Ran:
    if baseline:
        model_file.write(baseline, folder / "out" / "shop" / "replay" / baselines.FILE_NAME)
    services = ["--services=api,web,proxy"] if gate == "post" else []
    declared = {**ENVIRONMENT, **(environment or {})}
    return shop.replay(folder, declared, observed, f"--gate={gate}", *services, *options)


def _deploy(**fields: Any) -> dict[str, Any]:
    return {"deploy": {**ENVIRONMENT["deploy"], **fields}}  # type: ignore[dict-item]


def _told(ran: Ran, *suites: str) -> dict[str, str]:
    """First lines of what did not pass, of the suites of the gates alone where others fail too."""
    return {
        check: line
        for check, (_, line) in ran.told("shop").items()
        if check.startswith(suites or ("deploy.", "rollback."))
    }


def test_a_good_deploy(tmp_path: Path) -> None:
    ran = _judge(tmp_path, _facts(), environment={"routes": {}} | _deploy(new_images=True))
    verdict = ran.verdict("shop")
    assert (ran.exit_code, ran.told("shop"), verdict["gate"]) == (0, {}, "post"), ran.output
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
        _facts({"api": container(name="api", id="old-api", started_at=EARLIER)}),
        {},
        {"deploy.recreated[api]": "api container: expected one that the deploy made, "
         "observed the one of before, old-api"},
    ),
    "the old image again": (
        _facts({"api": _after("api", creation=created(image_id="sha256:0017"))}),
        _deploy(new_images=True),
        {"deploy.new_image[api]": "api image: expected another than before the deploy, "
         "observed the same, sha256:0017"},
    ),
    "crashed since": (
        _facts({"web": _after("web", restart_count=2)}),
        {"services": {**ENVIRONMENT["services"], "web": {"max_restarts": 5}}},  # type: ignore[dict-item]
        {"deploy.restarts[web]": "web restarts since the deploy: expected 0, observed 2"},
    ),
    "a bystander made anew": (
        _facts({"db": _after("db")}),
        {},
        {"deploy.untouched[db]": "db not deployed: expected untouched, "
         "observed made anew, started at 2026-11-24 07:30:30 UTC"},
    ),
    "a bystander started again": (
        _facts({"db": UNTOUCHED.model_copy(update={"started_at": AGAIN})}),
        {},
        {"deploy.untouched[db]": "db not deployed: expected untouched, "
         "observed started again at 2026-11-24 07:29:30 UTC"},
    ),
    "a bystander restarted": (
        _facts({"db": UNTOUCHED.model_copy(update={"restart_count": 1, "started_at": AGAIN})}),
        {"services": {**ENVIRONMENT["services"], "db": {"max_restarts": 1}}},  # type: ignore[dict-item]
        {"deploy.untouched[db]": "db not deployed: expected untouched, "
         "observed restarted by the engine"},
    ),
    "the wrong order": (
        _facts({"web": _after("web", created_at=AGAIN, started_at=AGAIN)}),
        {},
        {"deploy.order[shop]": "shop start order: expected api, web, observed web before api"},
    ),
    "not reloaded": (
        _facts(loaded=EARLIER),
        {"routes": {}},
        {"deploy.reloaded[proxy]": "proxy reloaded last: "
         "expected a load after 2026-11-24 07:30:30 UTC, "
         "observed the last load at 2026-11-23 07:30:30 UTC"},
    ),
    "old images left": (
        _facts(image_ids=("sha256:0017", "sha256:5409")),
        _deploy(clean_images=True),
        {f"deploy.clean_images[{name}]": f"{name} image of before the deploy: expected removed, "
         "observed sha256:0017" for name in ("proxy", "api", "web")},
    ),
    "not settled": (
        _facts(settling=SETTLED.model_copy(
            update={"ended": "late", "pending": {"api": "unhealthy"}, "seconds": 120})),
        {},
        {"deploy.settled[shop]": "shop settled: expected within 120 s, observed api unhealthy"},
    ),
    "never settles": (
        _facts(settling=SETTLED.model_copy(update={"ended": "late", "seconds": 120})),
        {},
        {"deploy.settled[shop]":
         "shop settled: expected within 120 s, observed one restart after the other"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_deploy_that_is_not_right(tmp_path: Path, case: str) -> None:
    observed, environment, told = CASES[case]
    ran = _judge(tmp_path, observed, environment=environment)
    assert _told(ran) == told, ran.output
    assert ran.exit_code == 1
    since = {c["id"]: c["since"] for c in ran.verdict("shop")["checks"] if c["outcome"] == "FAIL"}
    assert {since[check] for check in told} == {"new"}
    assert f"{next(iter(told.values()))} (new since the baseline)" in " ".join(ran.output.split())


def test_old_images_that_were_cleaned(tmp_path: Path) -> None:
    observed = _facts(image_ids=("sha256:5409",))
    assert _told(_judge(tmp_path, observed, environment=_deploy(clean_images=True))) == {}


def test_what_compose_makes_side_by_side_has_no_order(tmp_path: Path) -> None:
    a_moment = timedelta(milliseconds=200)
    web = _after("web", created_at=AT - 2 * a_moment, started_at=AT - a_moment)
    api = _after("api", created_at=AT - 3 * a_moment)
    assert _told(_judge(tmp_path, _facts({"api": api, "web": web}))) == {}


def test_every_failure_says_whether_it_is_new(tmp_path: Path) -> None:
    ill = {
        "db": UNTOUCHED.model_copy(update={"restart_count": 3}),
        "api": _after("api", status="paused"),
        "web": _after("web", status="paused"),
    }
    before = {"db": (_before("db", restart_count=3),)}
    baseline = BASELINE.model_copy(update={"containers": {**BASELINE.containers, **before}})
    ran = _judge(tmp_path, _facts(ill), baseline=baseline, environment={"routes": {}})
    since = {c["id"]: c["since"] for c in ran.verdict("shop")["checks"] if c["outcome"] == "FAIL"}
    assert since == {
        "containers.restarts[db]": "before",
        "containers.running[api]": "new",
        "containers.running[web]": "unknown",
    }
    for line in (
        "db restarts: expected at most 0, observed 3 (as before the deploy)",
        "api running: expected running, observed paused (new since the baseline)",
        "web running: expected running, observed paused (unknown whether it is new)",
    ):
        assert line in ran.output


def test_a_failure_outside_a_deploy_says_nothing_of_a_baseline(tmp_path: Path) -> None:
    ran = shop.replay(tmp_path, ENVIRONMENT, _facts({"api": _after("api", status="paused")}))
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
    ran = _judge(tmp_path, _facts(), baseline=None, environment={"routes": {}})
    assert ran.exit_code == 6
    assert set(_told(ran).values()) == {f"could not look: {why}; {TAKE}"}
    assert "deploy.settled[shop]" not in _told(ran)


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
    ran = _judge(tmp_path, _facts(), baseline=baseline, environment={"routes": {}})
    assert ran.exit_code == 6
    assert set(_told(ran).values()) == {f"could not look: {why}; {TAKE}"}


def test_the_baseline_of_another_deploy_tells_nothing_of_this_one(tmp_path: Path) -> None:
    baseline = BASELINE.model_copy(update={"services": ("web", "db")})
    observed = _facts({"db": _after("db")})
    ran = _judge(tmp_path, observed, baseline=baseline, environment={"routes": {}})
    assert ran.exit_code == 6
    line = f"could not look: the baseline is of a deploy of web, db; {TAKE}"
    assert set(_told(ran).values()) == {line}


def test_a_baseline_that_does_not_hold_a_service(tmp_path: Path) -> None:
    held = {name: BASELINE.containers[name] for name in ("proxy", "web", "db")}
    ran = _judge(tmp_path, _facts(), baseline=BASELINE.model_copy(update={"containers": held}))
    line = "could not look: the baseline does not hold api: it could not be seen then"
    assert ran.told("shop")["deploy.recreated[api]"] == ("UNKNOWN", line)


def test_an_engine_that_went_away_meanwhile_fails_nothing(tmp_path: Path) -> None:
    """The routes went down with it: that says nothing of the deploy."""
    gone = "engine unix:///run/engine.sock: connection refused"
    observed = _facts(
        settling=SETTLED.model_copy(update={"ended": "blind", "blind": gone}),
        responses={"home": Response(hops=(), error="connection refused", elapsed_ms=1)},
    )
    ran = _judge(tmp_path, observed)
    assert ran.exit_code == 6
    assert set(ran.told("shop").values()) == {("UNKNOWN", f"could not look: {gone}")}
    assert ran.verdict("shop")["waited"]["blind"] == gone


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
    ran = _judge(tmp_path, _facts(latencies={"home": after}))
    assert _told(ran) == {}
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
    assert _told(_judge(tmp_path, _facts(latencies=few))) == {}
    baseline = BASELINE.model_copy(update={"latencies": few})
    assert _told(_judge(tmp_path, _facts(), baseline=baseline)) == {}


def test_an_image_that_the_compose_file_does_not_name(tmp_path: Path) -> None:
    services = {name: ComposeService(image="shop:2") for name in ("api", "web", "proxy")}
    services["web"] = ComposeService(built=True)
    services["proxy"] = ComposeService(image="docker.io/library/shop:1")
    observed = _facts(compose_file=ComposeFile(path="compose.yaml", services=services))
    ran = _judge(tmp_path, observed, options=("--compose-file=compose.yaml",))
    assert _told(ran) == {
        "deploy.image[api]": "api image: expected shop:2, as the compose file names it, "
        "observed shop:1"
    }


ROLLED_BACK = {
    name: _after(name, creation=created(image_id="sha256:0017", config_hash="5eed"))
    for name in CONTAINERS
}


def _rollback(folder: Path, **changed: Container) -> Ran:
    observed = _facts({**ROLLED_BACK, **changed}).model_copy(
        update={"images": dict.fromkeys(CONTAINERS, "sha256:0017")}
    )
    return _judge(folder, observed, gate="rollback", environment={"routes": {}})


def test_a_good_rollback(tmp_path: Path) -> None:
    ran = _rollback(tmp_path)
    assert (ran.exit_code, ran.told("shop")) == (0, {}), ran.output
    assert ran.verdict("shop")["waited"]["ended"] == "settled"


def test_a_rollback_to_the_new_image(tmp_path: Path) -> None:
    ran = _rollback(tmp_path, api=_after("api", creation=created(config_hash="5eed")))
    assert _told(ran) == {
        "rollback.image[api]": "api image: expected that of before the deploy, sha256:0017, "
        "observed sha256:5409"
    }


def test_a_rollback_with_the_new_settings(tmp_path: Path) -> None:
    made = created(image_id="sha256:0017", config_hash="0dd")
    ran = _rollback(tmp_path, api=_after("api", creation=made))
    assert _told(ran) == {
        "rollback.configuration[api]": "api configuration: "
        "expected that of before the deploy, observed another"
    }


def test_a_rollback_whose_configuration_cannot_be_told(tmp_path: Path) -> None:
    made = created(image_id="sha256:0017", config_hash="")
    ran = _rollback(tmp_path, api=_after("api", creation=made))
    line = "could not look: Compose did not make it, so that nothing tells its configuration"
    assert ran.told("shop")["rollback.configuration[api]"] == ("UNKNOWN", line)


@pytest.mark.parametrize(("exit_code", "told"), [(0, {}), (3, None)], ids=["done", "failed"])
def test_a_container_that_runs_once(
    tmp_path: Path, exit_code: int, told: dict[str, Any] | None
) -> None:
    done = container(name="shop", status="exited", exit_code=exit_code)
    declared = {"one_shot": True, "healthcheck": "required", "limits": shop.LIMITS}
    ran = shop.replay(
        tmp_path, {"services": {"migrate": declared}}, shop.facts(containers={"migrate": done})
    )
    if told is not None:
        assert (ran.exit_code, ran.told("shop")) == (0, told)
    else:
        line = "migrate running: expected running, observed exited with code 3"
        assert ran.told("shop")["containers.running[migrate]"] == ("FAIL", line)
