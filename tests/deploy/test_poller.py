"""The polls of a wait for a stack to settle, of an engine that answers or does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stackproof.deploy.settling import settle, why_unreachable
from stackproof.environment.model import Environment
from stackproof.facts.settling import Settling
from tests.engine.fake_containers import FakeContainer, FakeContainers
from tests.engine.fake_engine import Answer, FakeEngine, fake_engine


class _Stack:
    """An engine with two containers, one of which may be removed after it was listed."""

    def __init__(self) -> None:
        self.containers = FakeContainers(FakeContainer("api"), FakeContainer("db"))
        self.removed = 0
        """How many inspects of the first container still get 404."""

    def __call__(self, path: str) -> Answer | None:
        if self.removed and path.endswith(f"/{FakeContainer('api').id}/json"):
            self.removed -= 1
            return 404, {}, b'{"message": "No such container"}'
        return self.containers(path)


@pytest.fixture
def stack() -> _Stack:
    return _Stack()


@pytest.fixture
def engine(tmp_path: Path, stack: _Stack) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path, stack) as engine:
        yield engine


def _environment(address: str) -> Environment:
    return Environment.model_validate(
        {"name": "shop", "services": {"api": {}, "db": {}}, "engine": {"address": address}}
    )


def _settle(environment: Environment) -> tuple[Settling, list[str]]:
    reported: list[str] = []
    settling = settle(
        environment, 60, lambda waits_for, *_: reported.append(waits_for), pause=lambda _: None
    )
    return settling, reported


def test_settled_containers(engine: FakeEngine) -> None:
    settling, reported = _settle(_environment(engine.address))
    assert (settling.ended, settling.looks, reported) == ("settled", 2, [""])


def test_container_that_is_removed_after_it_was_listed(engine: FakeEngine, stack: _Stack) -> None:
    stack.removed = 1
    settling, reported = _settle(_environment(engine.address))
    assert (settling.ended, settling.looks) == ("settled", 3)
    assert reported == ["api (no container api)", ""]


def test_engine_that_refuses_for_a_while(engine: FakeEngine, stack: _Stack) -> None:
    environment = _environment(engine.address)
    assert why_unreachable(environment) == ""
    stack.containers.impaired = "refuses"
    reason = why_unreachable(environment)
    assert reason.startswith(f"engine {engine.address}: ")
    assert reason.endswith("the engine is shutting down")
    assert reason.count(engine.address) == 1
    assert "\n" not in reason


def test_engine_that_is_not_there(tmp_path: Path) -> None:
    reason = why_unreachable(_environment(f"unix://{tmp_path}/none.sock"))
    assert reason.startswith(f"engine unix://{tmp_path}/none.sock: ")
    assert reason.count("none.sock") == 1
