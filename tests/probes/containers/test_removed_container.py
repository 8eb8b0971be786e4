"""A container that is removed between the engine's list and its inspect."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.container import Container
from stackproof.facts.snapshot import Facts
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.gather import gather
from stackproof.unobserved import Unobserved
from tests import shop
from tests.engine.fake_containers import FakeContainer, FakeContainers
from tests.engine.fake_engine import Answer, FakeEngine, fake_engine

GONE = "0a" * 32
SHOP = {"name": "shop", "services": {"api": {}, "proxy": {}}, "nginx": {"service": "proxy"}}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    containers = FakeContainers(FakeContainer("api"), FakeContainer("proxy"))

    def respond(path: str) -> Answer | None:
        if f"/{FakeContainer('api').id}/" in path:
            return 404, {}, b'{"message": "No such container"}'
        return containers(path)

    with fake_engine(tmp_path, respond) as engine:
        yield engine


def _gathered(engine: FakeEngine, *probes: tuple[str, str], nginx: str = "proxy") -> Facts:
    declared = {**SHOP, "nginx": {"service": nginx}, "engine": {"address": engine.address}}
    environment = Environment.model_validate(declared)
    return gather(environment, {Need(PROBES[name], target) for name, target in probes}, "a run")


def test_container_is_absent(engine: FakeEngine, tmp_path: Path) -> None:
    facts = _gathered(engine, ("listed", ""), ("container", "api"), ("container", "proxy"))
    assert facts.containers["api"] is None
    assert isinstance(facts.containers["proxy"], Container)
    observed = facts.model_copy(update={"machine": shop.MACHINE, "host": shop.HOST})
    (folder := tmp_path / "replay").mkdir()
    ran = shop.replay(folder, {"services": SHOP["services"]}, observed, "-k", "test_exists")
    assert ran.results("shop") == {
        "containers.exists[api]": ("FAIL", "api exists: expected a container api, observed none")
    }


def test_what_needs_the_container_is_unknown(engine: FakeEngine) -> None:
    facts = _gathered(engine, ("usage", "api"), ("log_entries", "api"), nginx="api")
    for fact in (facts.usage["api"], facts.alarms["api"]):
        assert isinstance(fact, Unobserved)
        assert "\n" not in fact.reason


def test_a_namespace_of_a_removed_container(tmp_path: Path) -> None:
    def respond(path: str) -> Answer | None:
        if "/containers/" + GONE in path:
            return 404, {}, b'{"message": "No such container"}'
        answer = containers(path)
        if answer is None or not path.endswith(f"/{api.id}/json"):
            return answer
        assert isinstance(answer[2], bytes)
        raw = json.loads(answer[2])
        raw["HostConfig"] |= {"PidMode": f"container:{GONE}", "IpcMode": f"container:{api.id}"}
        return 200, {}, json.dumps(raw).encode()

    api = FakeContainer("api")
    containers = FakeContainers(api)
    with fake_engine(tmp_path, respond) as engine:
        found = _gathered(engine, ("container", "api")).containers["api"]
    assert isinstance(found, Container)
    settings = found.creation.settings
    assert settings
    assert settings.options
    assert settings.options["pid"].shown == "that of a removed container"
    assert settings.options["ipc"].shown == "that of another container"
