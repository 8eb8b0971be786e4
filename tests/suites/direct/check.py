"""Checks called directly: what they say of facts with several values, without a run.

What each call says is in a YAML file, in the order of the calls.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackproof.environment.model import Environment
from stackproof.finding import Finding
from stackproof.unobserved import UnobservedError
from tests.command_line import ROOT
from tests.shop import facts

Check = Callable[..., None]
Call = tuple[Check, Sequence[Any]]
Said = Mapping[str, Any] | None
"""The first line, the evidence, the hints and the warnings of a check; None if it has none."""


def suite(path: str) -> Any:
    """Return the module of a suite with plain asserts: pytest would rewrite those of an import."""
    file = ROOT / "suites" / path
    spec = spec_from_file_location(f"direct_{file.stem}", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def environment(**declared: Any) -> Environment:
    """Return an environment of which the services are given by name."""
    services = declared.pop("services", {"api": {}})
    return Environment.model_validate({"name": "shop", "services": services, **declared})


def service(**declared: Any) -> Any:
    """Return a service of an environment that has no other."""
    return environment(services={"api": declared}).services["api"]


def finding_of(call: Call) -> Finding | None:
    """Return the finding of a check; None if it passes."""
    check, arguments = call
    try:
        check(*arguments, **_others(check, len(arguments)))
    except AssertionError as error:
        [found] = error.args
        assert isinstance(found, Finding)
        return found
    return None


def _others(check: Check, given: int) -> dict[str, Any]:
    """Return the arguments after the given ones: those of a stack of which all is well."""
    fine = {
        "facts": facts(), "stale": "", "starting": "", "tolerated": tolerated,
        "upstream_error": None, "passed_by_nginx": None, "warn": Warnings(),
    }  # fmt: skip
    return {name: fine[name] for name in list(signature(check).parameters)[given:]}


def says(call: Call) -> Said:
    """Return what a check says, as the YAML file has it."""
    warnings = [each for each in call[1] if isinstance(each, Warnings)]
    for each in warnings:
        each.clear()
    texts: dict[str, Any] = {}
    if found := finding_of(call):
        hints = [{each.place: each.text} if each.place else each.text for each in found.hints]
        texts = {"line": found.headline, "evidence": dict(found.evidence), "hints": hints}
    texts["warnings"] = [line for each in warnings for line in each]
    return {name: each for name, each in texts.items() if each} or None


def unknown(check: Check, *arguments: Any) -> str:
    """Return why a check cannot be evaluated; empty if it can."""
    try:
        check(*arguments, **_others(check, len(arguments)))
    except UnobservedError as reason:
        return str(reason)
    return ""


class Warnings(list[str]):
    """Collects the first lines of what a check warns of: its argument `warn`."""

    def __call__(self, found: Finding) -> None:
        """Keep the first line."""
        self.append(found.headline)


def tolerated(practice: str, found: Finding) -> bool:
    """Tolerate nothing: its argument of that name where the environment forbids everything."""
    return False


def name_of(check: Check) -> str:
    """Return the name of a check in the YAML file: `deploy.restarts`."""
    module = check.__module__.removeprefix("direct_test_")
    return f"{module}.{check.__name__.removeprefix('test_')}"


def cases(calls: Sequence[Call], file: str) -> list[Any]:
    """Return each call with what it says by the YAML file next to the test."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    expected: Mapping[str, Sequence[Said]] = yaml.safe_load(text)
    found, numbers = list[Any](), dict[str, int]()
    for call in calls:
        name = name_of(call[0])
        number = numbers[name] = numbers.get(name, -1) + 1
        found.append(pytest.param(call, expected[name][number], id=f"{name}-{number}"))
    assert {name: len(each) - 1 for name, each in expected.items()} == numbers
    return found
