"""Every check says what it is for and asserts once, with a finding."""

import ast
from collections.abc import Iterator
from importlib import import_module

import pytest

from stackproof.fixtures import plugins
from stackproof.fixtures.arguments.fact import FACTS
from tests.command_line import ROOT

FORBIDDEN = ast.For | ast.While | ast.Try | ast.With | ast.Import | ast.ImportFrom | ast.Await
ONLY_WARN = {"test_deploy.test_latency"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic"}


def _functions(files: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in sorted(ROOT.glob(files)):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield f"{file.stem}.{node.name}", node


CHECKS = {
    name: node for name, node in _functions("suites/**/test_*.py") if node.name.startswith("test_")
}


def test_there_are_checks() -> None:
    assert len(CHECKS) >= 13


@pytest.mark.parametrize("name", CHECKS)
def test_form(name: str) -> None:
    check = CHECKS[name]
    assert ast.get_docstring(check), "a docstring says what goes wrong where it fails"
    asserts = [node for node in ast.walk(check) if isinstance(node, ast.Assert)]
    assert len(asserts) == (name not in ONLY_WARN)
    assert not [node for node in ast.walk(check) if isinstance(node, FORBIDDEN)]
    # A snapshot is judged as of when it was taken: `facts.gathered_at`.
    assert not CLOCKS & {node.attr for node in ast.walk(check) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("name", [name for name in CHECKS if name not in ONLY_WARN])
def test_what_an_assert_says(name: str) -> None:
    (said,) = (node.msg for node in ast.walk(CHECKS[name]) if isinstance(node, ast.Assert))
    if isinstance(said, ast.Name):
        (said,) = (
            node.value
            for node in ast.walk(CHECKS[name])
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == said.id
        )
    assert isinstance(said, ast.Call)
    assert isinstance(said.func, ast.Name)
    assert said.func.id == "finding"
    assert {"expected", "observed", "hint"} <= {each.arg for each in said.keywords}


def test_what_reads_facts_names_its_probe() -> None:
    """A fact that no probe observes would be UNKNOWN for ever."""
    for plugin in (*plugins.PLUGINS, *plugins.AT_A_GATE):
        import_module(plugin)
    reads = {
        function.name
        for _, function in _functions("fixtures/arguments/*.py")
        if function.decorator_list
        and any(
            isinstance(node, ast.Attribute) and node.attr == "facts" for node in ast.walk(function)
        )
    }
    assert reads
    assert reads <= FACTS.keys()
