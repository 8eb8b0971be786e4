"""Every check says what it is for and asserts once, with a finding."""

import ast
from collections.abc import Iterator

import pytest

from fixtures.needs import LOOKS, LOOKS_AT_DEPLOYED
from tests.suites.command_line import ROOT

FORBIDDEN = ast.For | ast.While | ast.Try | ast.With | ast.Import | ast.ImportFrom | ast.Await
ONLY_WARN = {"test_deploy.test_latency"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic"}


def _functions(files: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in sorted(ROOT.glob(files)):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield f"{file.stem}.{node.name}", node


CHECKS = {
    name: node for name, node in _functions("suites/test_*.py") if node.name.startswith("test_")
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
    assert isinstance(said, ast.Call)
    assert isinstance(said.func, ast.Name)
    assert said.func.id == "finding"
    assert {"expected", "observed", "hint"} <= {each.arg for each in said.keywords}


def test_what_reads_facts_is_looked_for() -> None:
    """A fact that no look brings would be UNKNOWN for ever."""
    reads = {
        node.name
        for _, node in _functions("fixtures/seen/*.py")
        if node.decorator_list and "facts" in {argument.arg for argument in node.args.args}
    }
    assert reads
    assert reads <= LOOKS.keys() | LOOKS_AT_DEPLOYED.keys()
