"""After a deploy or a rollback of replicated services, each instance is judged."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from stackproof.facts.container import Container
from stackproof.facts.snapshot import Facts
from tests.shop import AT, USAGE, container, created
from tests.suites.gates.deploys import BASELINE, EARLIER, after, before, facts, judge, results

REPLICATED: dict[str, Any] = {
    "services": {"proxy": {}, "api": {"instances": 2}, "web": {}, "db": {"instances": 2}},
}
BEFORE = BASELINE.model_copy(
    update={
        "containers": {
            **BASELINE.containers,
            "api": (before("api-1"), before("api-2")),
            "db": (before("db-1"), before("db-2")),
        }
    }
)


def kept(name: str) -> Container:
    return container(name=name, id=f"old-{name}", created_at=EARLIER, started_at=EARLIER)


def seen(**changed: Container | None) -> Facts:
    """Facts of a deploy of both instances of api, and of neither of db."""
    instances = {
        "api_1": after("api-1"), "api_2": after("api-2"),
        "db_1": kept("db-1"), "db_2": kept("db-2"),
    }  # fmt: skip
    containers = {name.replace("_", "#"): each for name, each in {**instances, **changed}.items()}
    observed = facts(containers, usage=dict.fromkeys(containers, USAGE))
    images = {name: each.creation.image_id for name, each in containers.items() if each}
    return observed.model_copy(update={"images": {**observed.images, **images}})


def test_a_deploy_of_all_instances(tmp_path: Path) -> None:
    ran = judge(tmp_path, seen(), baseline=BEFORE, environment=REPLICATED)
    assert results(ran, "deploy.", "containers.", "nginx.loaded", "nginx.resolves") == {}
    checks = {each["id"] for each in ran.verdict("shop")["checks"]}
    for number in (1, 2):
        assert {f"deploy.recreated[api#{number}]", f"deploy.untouched[db#{number}]"} <= checks
        assert f"nginx.loaded_after[api#{number}]" in checks
    assert "nginx.resolves[api]" in checks


def test_a_deploy_of_some_instances(tmp_path: Path) -> None:
    """One of api is the old one, one of db is new, and web started before the second of api."""
    observed = seen(api_1=kept("api-1"), db_2=after("db-2"), api_2=after("api-2", created_at=LATE))
    ran = judge(tmp_path, observed, baseline=BEFORE, environment=REPLICATED)
    assert results(ran) == {
        "deploy.recreated[api#1]": "api#1 container: expected one created by the deploy, "
        "observed the previous one, old-api-1",
        "deploy.untouched[db#2]": "db#2 not deployed: expected untouched, "
        "observed recreated, started at 2026-11-24 07:30:30 UTC",
        "deploy.order[shop]": "shop start order: expected api, web, observed web before api",
    }


LATE = AT + timedelta(seconds=1)


def test_a_rollback_of_one_of_two(tmp_path: Path) -> None:
    old = created(image_id="sha256:0017", config_hash="5eed")
    rolled_back = {
        name: after(name.replace("_", "-"), creation=old)
        for name in ("api_1", "db_1", "db_2", "web", "proxy")
    }
    ran = judge(
        tmp_path, seen(**rolled_back, api_2=after("api-2", creation=created(config_hash="5eed"))),
        baseline=BEFORE, gate="rollback", environment={**REPLICATED, "routes": {}},
    )  # fmt: skip
    assert results(ran) == {
        "rollback.image[api#2]": "api#2 image: expected the previous one, sha256:0017, "
        "observed sha256:5409"
    }
