"""The baseline: the facts and the outcomes of the checks before a deploy."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.deploy import baseline
from stackproof.deploy.baseline import Baseline, BaselineContainer
from stackproof.environment.deploy import Deploy
from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.facts.proxy import Worker
from stackproof.facts.snapshot import Facts
from tests import shop
from tests.shop import AT, container, created

SHOP: dict[str, Any] = {
    "services": {"api": {}, "web": {}, "redis": {}, "nginx": {}},
    "nginx": {"service": "nginx"},
}
API = BaselineContainer(
    name="shop", id="c0ffee", image="shop:1", image_id="sha256:5409", config_hash="cafe",
    started_at=AT, restart_count=2, addresses={"shop_default": ("172.20.0.5",)},
)  # fmt: skip


def facts(**changes: Any) -> Facts:
    serving = Worker(started_at=AT, shutting_down=False)
    old = Worker(started_at=AT - timedelta(hours=1), shutting_down=True)
    values = {
        "containers": {
            "api": container(restart_count=2, creation=created(config_hash="cafe")),
            "web": None,
            "redis": shop.STUCK,
        },
        "latencies": {"home": (3.5, 4.5), "api": shop.STUCK},
        "proxies": {"nginx": shop.PROXY.model_copy(update={"workers": (old, serving)})},
    }
    return shop.facts(**{**values, **changes})


def test_the_observed_state() -> None:
    assert baseline.of(facts(), ("api",), {"containers.running[api]": "PASS"}) == Baseline(
        environment="shop",
        engine="",
        engine_id="",
        taken_at=AT,
        services=("api",),
        containers={"api": (API,), "web": ()},
        latencies={"home": (3.5, 4.5)},
        outcomes={"containers.running[api]": "PASS"},
        nginx_loaded_at=AT,
    )


@pytest.mark.parametrize(
    "proxies",
    [
        {},
        {"nginx": shop.STUCK},
        {"nginx": shop.PROXY.model_copy(update={"workers": shop.STUCK})},
        {"nginx": shop.PROXY.model_copy(update={"workers": ()})},
    ],
    ids=["none", "unobserved", "workers unobserved", "no worker"],
)
def test_nginx_that_was_not_observed(proxies: dict[str, Any]) -> None:
    assert baseline.of(facts(proxies=proxies), (), {}).nginx_loaded_at is None


def test_every_instance_is_kept() -> None:
    """If one was not observed, nothing can be said about the service."""
    one = container(restart_count=2, creation=created(config_hash="cafe"))
    seen = {"api#1": one, "api#2": None, "api#3": one, "web#1": one, "web#2": shop.STUCK}
    assert baseline.of(facts(containers=seen), ("api",), {}).containers == {"api": (API, API)}


def test_an_invalid_file(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    with pytest.raises(ValueError, match=r"baseline\.json: no such file or directory$"):
        baseline.read(path)
    path.write_text('{"version": 1}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"baseline: it has version 1, expected version 2$"):
        baseline.read(path)


ENVIRONMENT = Environment(name="shop", services={"api": Service(name="api", container="api")})
NOW = AT + timedelta(hours=1)


@pytest.mark.parametrize(
    ("changes", "hours", "why"),
    [
        ({}, 24, ""),
        ({}, 0.5, "the baseline is 1 hours old, expected at most 0.5 (deploy.baseline_hours)"),
        ({"taken_at": NOW + timedelta(minutes=4)}, 24, ""),
        (
            {"taken_at": datetime(2999, 1, 1, tzinfo=UTC)},
            24,
            "the baseline is dated 2999-01-01 00:00, which is in the future",
        ),
        (
            {"taken_at": NOW - timedelta(days=365)},
            24,
            "the baseline is 8760 hours old, expected at most 24 (deploy.baseline_hours)",
        ),
        ({"environment": "other"}, 24, "the baseline is of other"),
        ({"services": ("web", "api")}, 24, "the baseline is of a deploy of web, api"),
    ],
)
def test_whether_a_baseline_can_be_used(changes: dict[str, Any], hours: float, why: str) -> None:
    deploy = Deploy(order=("api",), baseline_hours=hours)
    environment = ENVIRONMENT.model_copy(update={"deploy": deploy})
    taken = baseline.of(facts(), ("api",), {}).model_copy(update=changes)
    assert baseline.misfit(taken, environment, ("api",), NOW) == why


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (("unix:///a.sock", "A"), ("unix:///a.sock", "A"), True),
        (("ssh://deploy@shop", "A"), ("unix:///a.sock", "A"), True),
        (("unix:///a.sock", "A"), ("unix:///a.sock", "B"), False),
        (("unix:///a.sock", ""), ("unix:///a.sock", "B"), True),
        (("unix:///a.sock", ""), ("unix:///b.sock", ""), False),
        (("unix:///a.sock", "A"), ("unix:///b.sock", ""), False),
    ],
)
def test_the_engine_of_a_baseline(
    before: tuple[str, str], now: tuple[str, str], same: bool
) -> None:
    def of(engine: str, name: str) -> Facts:
        return facts(engine=engine, machine=shop.MACHINE.model_copy(update={"id": name}))

    why = baseline.of_another_engine(baseline.of(of(*before), (), {}), of(*now))
    assert bool(why) is not same
    assert not why or why.startswith("the baseline is of another engine: expected unix:///")


def before_a_deploy(folder: Path, observed: Facts, *arguments: str) -> int:
    return shop.replay(
        folder, SHOP, observed, "-m", "shop and containers", "--gate=pre", "--services=api,nginx",
        *arguments,
    ).exit_code  # fmt: skip


def test_the_pre_gate_writes_it_with_every_verdict(tmp_path: Path) -> None:
    path = tmp_path / "out" / "shop" / "replay" / "baseline.json"
    assert before_a_deploy(tmp_path, facts()) == 1
    written = baseline.read(path)
    assert written.services == ("api", "nginx")
    assert written.containers["api"] == (API,)
    assert written.outcomes["containers.running[api]"] == "PASS"
    assert written.outcomes["containers.restarts[api]"] == "FAIL"
    assert written.outcomes["containers.running[web]"] == "FAIL"
    assert written.outcomes["containers.running[redis]"] == "UNKNOWN"
    # A check of the same run that needs workers of xdist.
    path.unlink()
    assert before_a_deploy(tmp_path, facts(), "-n1") == 1
    assert baseline.read(path) == written


def test_an_interrupted_pre_gate_leaves_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "out" / "shop" / "replay" / "baseline.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}", encoding="utf-8")
    assert before_a_deploy(tmp_path, facts(), "--collect-only") == 4
    assert path.exists(), "a run that is refused leaves it alone"
    assert before_a_deploy(tmp_path, facts(), "-k", "nothing-like-it") == 5
    assert not path.exists()


def test_other_runs_write_none(tmp_path: Path) -> None:
    shop.replay(tmp_path, SHOP, facts(), "-m", "shop and containers")
    assert not list((tmp_path / "out").rglob("baseline.json"))
