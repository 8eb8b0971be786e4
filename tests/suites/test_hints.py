"""Hints: commands to paste, in which no name acts, and which destroy nothing."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reports.hint import NOT_SAFE, command
from tests.hostile import TEXTS
from tests.suites.command_line import ROOT

DESTROYS = re.compile(
    r"\b(rm|rmi|prune|kill|down|drop|delete|truncate|flush\w*|replicaof|pg_promote|mkfs|dd"
    r"|shutdown|reboot|force-recreate|chmod|chown)\b|--force|>|\bstop \{",
    re.IGNORECASE,
)
IN_A_SHELL = [
    "vpn-api", "a b", "$(touch gone)", "`touch gone`", "a; touch gone", "a && touch gone", "a|b",
    "it's", 'a"b', "*", "~root", "#a", "!!", "a\\", "${HOME}", "é", "a>gone", "{a,b}",
    "'; touch gone; '",
]  # fmt: skip


@pytest.mark.parametrize("name", IN_A_SHELL)
def test_a_name_is_one_word_of_a_shell(name: str, tmp_path: Path) -> None:
    line = command("printf '%s\\n' x{}", [name])
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"x{name}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["-exec", "--force", "a\nb", "a\x1b[2J", "a\u202eb", "x" * 999])
def test_a_name_that_is_not_safe_to_paste_is_left_out(name: str) -> None:
    assert command("docker logs {}", name) == NOT_SAFE
    assert command("docker logs {}", ["api", name]) == "docker logs api # 1 more left out here"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_whatever_a_name_is_no_more_than_the_name_is_pasted(text: str) -> None:
    line = command("docker logs {}", text)
    assert line == NOT_SAFE or shlex.split(line) == ["docker", "logs", text]


@pytest.mark.parametrize("operand", ["", [], [""], iter(())])
def test_there_is_no_command_without_its_name(operand: str) -> None:
    assert command("docker network inspect {}", operand) == ""


def test_many_names_are_cut() -> None:
    names = [f"vpn-{n}" for n in range(9)]
    assert command("docker inspect {}", names) == (
        "docker inspect vpn-0 vpn-1 vpn-2 vpn-3 # 5 more left out here"
    )


class _Suite:
    """What the hints of one suite are made of."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self._functions = {
            each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)
        }

    def hints(self) -> Iterator[tuple[str, list[str]]]:
        """Each check, and the constant texts that its hint is made of.

        Raises:
            AssertionError: it is made of something else, outside of `command`.
        """
        for name, function in self._functions.items():
            for node in ast.walk(function):
                if isinstance(node, ast.keyword) and node.arg == "hint":
                    yield name, list(self._texts(node.value, function))

    def _texts(self, node: ast.expr, function: ast.FunctionDef) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.BinOp(left=first, op=ast.Add(), right=second):
                yield from self._all([first, second], function)
            case ast.IfExp(body=first, orelse=second):
                yield from self._all([first, second], function)
            case ast.BoolOp(values=values):
                yield from self._all(values, function)
            case ast.Call(func=ast.Name(id="command"), args=[template, *_]):
                yield from self._texts(template, function)
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                helper = self._functions[name]
                returns = [each for each in ast.walk(helper) if isinstance(each, ast.Return)]
                yield from self._all([each.value for each in returns if each.value], helper)
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[listed]):
                assert isinstance(listed, ast.GeneratorExp)
                yield from self._texts(listed.elt, function)
            case ast.Name(id=name):
                found = [
                    each.value
                    for each in ast.walk(function)
                    if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name
                ]
                assert found, f"{name} is no text of the suite's"
                yield from self._all(found, function)
            case _:
                pytest.fail(f"a hint with a name that is not quoted: {ast.unparse(node)}")

    def _all(self, nodes: list[ast.expr], function: ast.FunctionDef) -> Iterator[str]:
        for node in nodes:
            yield from self._texts(node, function)


SUITES: Mapping[str, _Suite] = {
    path.stem: _Suite(path) for path in sorted((ROOT / "suites").glob("test_*.py"))
}


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_hints(suite: _Suite) -> None:
    hints = list(suite.hints())
    assert hints
    for check, texts in hints:
        assert "".join(texts).strip(), check
        for text in texts:
            assert not DESTROYS.search(text), f"{check}: {text}"
