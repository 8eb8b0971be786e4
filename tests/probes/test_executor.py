"""The executor runs what is needed, each once, and a probe that fails costs only its own facts."""

from collections.abc import Mapping
from threading import Event
from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.command import CommandResult
from stackproof.gate import Gate
from stackproof.probes.containers import commands
from stackproof.probes.declaration import (
    ENVIRONMENT,
    PROBES,
    ROUTE,
    SERVICE,
    Need,
    Probe,
    Target,
    every,
    only_if,
    probe,
)
from stackproof.probes.executor import Executor
from stackproof.probes.gather import gather
from stackproof.probes.predeploy.requirements import unset_variables
from stackproof.probes.probe_pool import ProbePool
from stackproof.shell import Line, line
from stackproof.unobserved import Unobserved, UnobservedError

pytestmark = pytest.mark.usefixtures("own_declarations")


SHOP = Environment.model_validate(
    {
        "name": "shop",
        "services": {"api": {}, "web": {}},
        "routes": {"home": {"url": "http://127.0.0.1:9/", "service": "web"}},
        "deploy": {"order": ["api"], "required_variables": ["SHOP_UNSET"]},
    }
)


def _results(*needs: Need, seconds: float = 10, **more: Any) -> dict[Need, Any]:
    executor = Executor(ProbePool(seconds), SHOP, needs, **more)
    return {need: executor.result(need) for need in executor}


def test_a_need_runs_what_it_depends_on_once() -> None:
    calls: list[str] = []

    @probe(of=ENVIRONMENT)
    def prefix(_: Target) -> str:
        calls.append("prefix")
        return "shop"

    @probe(of=SERVICE, needs=[prefix])
    def title(target: Target, prefix: str) -> str:
        return f"{prefix}-{target.name}"

    @probe(of=SERVICE, needs=[title, prefix])
    def length(_: Target, title: str, prefix: str) -> int:
        return len(title) - len(prefix)

    assert _results(Need(length, "api"), Need(title, "web")) == {
        Need(prefix): "shop",
        Need(title, "api"): "shop-api",
        Need(length, "api"): 4,
        Need(title, "web"): "shop-web",
    }
    assert calls == ["prefix"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnobservedError("connection refused"), "connection refused"),
        (RuntimeError("planted"), "RuntimeError: planted"),
        (SystemExit(3), "SystemExit: 3"),
        (MemoryError(), "out of memory on this machine"),
    ],
)
def test_a_probe_that_raises_costs_its_own_facts(error: BaseException, reason: str) -> None:
    @probe(of=SERVICE)
    def planted(target: Target) -> str:
        if target.name == "api":
            raise error
        return "well"

    @probe(of=SERVICE, needs=[planted])
    def dependent(_: Target, planted: str) -> str:
        return planted

    assert _results(Need(dependent, "api"), Need(dependent, "web")) == {
        Need(planted, "api"): Unobserved(reason=reason),
        Need(dependent, "api"): Unobserved(reason=reason),
        Need(planted, "web"): "well",
        Need(dependent, "web"): "well",
    }


def test_a_gather_in_which_a_probe_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_UNSET", raising=False)
    broken = _replaced(monkeypatch, "missing_secrets", _raise)
    facts = gather(SHOP, [Need(broken), Need(unset_variables)], "a run")
    assert facts.missing_secrets == Unobserved(reason="RuntimeError: planted")
    assert facts.unset_variables == ("SHOP_UNSET",)


def test_a_gather_in_which_a_probe_returns_a_wrong_type(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _replaced(monkeypatch, "missing_secrets", lambda _: 7)
    by_service = _replaced(
        monkeypatch, "tagged_image", lambda target: 7 if target.name == "api" else "sha256:1"
    )
    needs = [Need(whole), Need(by_service, "api"), Need(by_service, "web"), Need(unset_variables)]
    facts = gather(SHOP, needs, "a run")
    for wrong in (facts.missing_secrets, facts.images["api"]):
        assert isinstance(wrong, Unobserved)
        assert wrong.reason.startswith("the probe returned a wrong type: ")
    assert facts.images["web"] == "sha256:1"
    assert facts.unset_variables == ("SHOP_UNSET",)


def _raise(_: Target) -> None:
    raise RuntimeError("planted")


def _replaced(monkeypatch: pytest.MonkeyPatch, name: str, observe: Any) -> Probe[Any]:
    """Another probe for the same field."""
    return Probe(name=name, observe=observe, of=PROBES[name].of, field=PROBES[name].field)


def test_only_if() -> None:
    @probe(of=ENVIRONMENT)
    def costly(_: Target) -> str:
        return "made"

    @probe(of=SERVICE, needs=[only_if(lambda target: target.name == "api", costly)])
    def user(_: Target, costly: str | None) -> str | None:
        return costly

    assert _results(Need(user, "web")) == {Need(user, "web"): None}
    assert _results(Need(user, "api"))[Need(user, "api")] == "made"


def test_a_condition_that_fails() -> None:
    @probe(of=ENVIRONMENT)
    def costly(_: Target) -> str:
        return "made"

    @probe(of=ROUTE, needs=[only_if(lambda target: 1 / len(target.name[4:]) > 0, costly)])
    def user(target: Target, costly: str | None) -> str:
        return f"{target.route.name}: {costly}"

    assert _results(Need(user, "home")) == {Need(user, "home"): "home: None"}


def test_every_passes_what_this_run_observes() -> None:
    @probe(of=SERVICE)
    def part(target: Target) -> str:
        if target.name == "web":
            raise UnobservedError("it is gone")
        return target.name

    @probe(of=ENVIRONMENT, needs=[every(part)])
    def whole(_: Target, parts: dict[str, Any]) -> dict[str, Any]:
        return parts

    assert _results(Need(whole))[Need(whole)] == {}
    both = _results(Need(whole), Need(part, "api"), Need(part, "web"))
    assert both[Need(whole)] == {"api": "api", "web": Unobserved(reason="it is gone")}


def test_after_waits_whatever_becomes_of_the_others() -> None:
    go, ended = Event(), []

    @probe(of=SERVICE)
    def first(target: Target) -> None:
        go.wait(10)
        ended.append(target.name)
        raise UnobservedError("it failed")

    @probe(of=ENVIRONMENT, after=[first])
    def second(_: Target) -> list[str]:
        return sorted(ended)

    @probe(of=ENVIRONMENT)
    def starter(_: Target) -> None:
        go.set()

    needs = (Need(second), Need(first, "api"), Need(first, "web"), Need(starter))
    assert _results(*needs)[Need(second)] == ["api", "web"]


def test_a_limited_wait() -> None:
    never = Event()

    @probe(of=ENVIRONMENT)
    def hung(_: Target) -> None:
        never.wait()

    @probe(of=ENVIRONMENT, after=[hung], after_at_most_s=0.01)
    def second(_: Target) -> str:
        return "on time"

    executor = Executor(ProbePool(10), SHOP, [Need(hung), Need(second)])
    assert executor.result(Need(second)) == "on time"
    never.set()


def test_dependents_are_passed() -> None:
    @probe(of=ENVIRONMENT)
    def shared(target: Target) -> list[str]:
        return [need.target for need in target.dependents]

    @probe(of=SERVICE, needs=[shared])
    def one(_: Target, shared: list[str]) -> list[str]:
        return shared

    assert _results(Need(one, "api"), Need(one, "web"))[Need(shared)] == ["api", "web"]


def test_the_gate_and_a_target_that_is_not_declared() -> None:
    @probe(of=SERVICE)
    def at(target: Target) -> tuple[str, str]:
        return target.service.name, target.gate.name if target.gate else ""

    results = _results(Need(at, "api"), Need(at, "ghost"), gate=Gate("pre"))
    assert results[Need(at, "api")] == ("api", "pre")
    assert results[Need(at, "ghost")] == Unobserved(reason="KeyError: 'ghost'")


def test_what_was_started_is_not_started_again_and_is_closed() -> None:
    closed: list[str] = []

    @probe(of=ENVIRONMENT, close=closed.append)
    def opened(_: Target) -> str:
        assert not closed
        return "open"

    first = Executor(ProbePool(10), SHOP, [Need(opened)])
    second = Executor(ProbePool(10), SHOP, [Need(opened)], started=first.futures)
    assert second.futures == first.futures
    assert second.result(Need(opened)) == "open"
    second.close()
    assert closed == ["open"]


def test_a_command_that_cannot_be_built_costs_only_its_own_fact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Target) -> Line:
        raise RuntimeError("planted")

    def ran(_: Any, name: str, lines: Mapping[str, Line]) -> dict[str, CommandResult]:
        return {
            key: CommandResult(command=each, exit_code=0, output=name)
            for key, each in lines.items()
        }

    monkeypatch.setattr(commands, "run", ran)
    bad = commands.command_probe("bad", "", broken)
    good = commands.command_probe("good", "", lambda _: line("true"))
    target = Target(SHOP, "api", dependents=(Need(bad, "api"), Need(good, "api")))
    assert commands.executed.observe(target, None) == {
        "bad": Unobserved(reason="RuntimeError: planted"),
        "good": CommandResult(command="true", exit_code=0, output="api"),
    }
