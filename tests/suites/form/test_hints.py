"""Hints: commands to paste, in which no name acts, and which destroy nothing."""

import ast
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackproof import hint
from stackproof.hint import (
    NOT_SAFE,
    Hint,
    advice,
    fill,
    here,
    in_container,
    server,
)
from tests.command_line import ROOT
from tests.hints import DESTROYS, PROGRAMS, Recorded, all_recorded, unparsable
from tests.hostile import TEXTS

IN_A_SHELL = [
    "vpn-api", "a b", "$(touch gone)", "`touch gone`", "a; touch gone", "a && touch gone", "a|b",
    "it's", 'a"b', "*", "~root", "#a", "!!", "a\\", "${HOME}", "é", "a>gone", "{a,b}",
    "'; touch gone; '",
]  # fmt: skip
UNSAFE = ["-exec", "--force", "a\nb", "a\x1b[2J", "a\u202eb", "x" * 999]
RECORDED = all_recorded()
COMMANDS = [
    (check, *each.items()) for check, each in RECORDED if not isinstance(each, str)
]  # fmt: skip


@pytest.mark.parametrize("name", IN_A_SHELL)
def test_a_name_is_one_word_of_a_shell(name: str, tmp_path: Path) -> None:
    line = fill("printf '%s\\n' x{}", [name])
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"x{name}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", UNSAFE)
def test_a_name_that_is_not_safe_to_paste_is_left_out(name: str) -> None:
    assert server("docker logs {}", name) == Hint(NOT_SAFE)
    shown = server("docker logs {}", ["api", name]).text
    assert shown == "docker logs api # 1 more not shown"


WITH_A_NAME: dict[str, Callable[[str], Hint]] = {
    "docker logs": lambda name: server("docker logs {}", name),
    "docker compose up -d": hint.up,
    "docker start": lambda name: hint.start_container(name, "exited"),
    "psql -c": lambda name: in_container("db", "psql -c {}", name),
    "curl -sv": lambda name: hint.curl("-sv", name),
}


@pytest.mark.parametrize("command", WITH_A_NAME)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_whatever_a_name_is_no_more_than_the_name_is_pasted(text: str, command: str) -> None:
    found = WITH_A_NAME[command](text)
    words = shlex.split(found.text)
    assert found == Hint(NOT_SAFE) or [w for w in words if w != "--globoff"] == [
        *command.split(),
        text,
    ]


@pytest.mark.parametrize("operand", ["", [], [""], iter(())])
def test_there_is_no_command_without_its_name(operand: str) -> None:
    assert not server("docker network inspect {}", operand)


def test_many_names_are_cut() -> None:
    names = [f"vpn-{n}" for n in range(9)]
    assert here("docker inspect {}", names).text == (
        "docker inspect vpn-0 vpn-1 vpn-2 vpn-3 # 5 more not shown"
    )


def test_advice_has_no_place() -> None:
    assert advice("declare {}", "a b") == Hint("declare 'a b'")


def test_recorded_commands_parse() -> None:
    assert unparsable(command for _, (_, command) in COMMANDS) == []


@pytest.mark.parametrize(("check", "recorded"), RECORDED, ids=[check for check, _ in RECORDED])
def test_recorded_hint(check: str, recorded: Recorded) -> None:
    if isinstance(recorded, str):
        text, is_command = recorded, False
    else:
        ((place, text),) = recorded.items()
        is_command = True
        assert re.fullmatch("here|in the checkout|on .+|in .+ on .+", place)
    assert text
    assert "{}" not in text
    starts_like_a_command = text.split()[0] in PROGRAMS
    assert starts_like_a_command == is_command, f"{check}: {text}"


SUITES = {
    path.stem: ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "suites").rglob("test_*.py"))
}
BUILDERS = {
    "advice": 0, "here": 0, "server": 0, "compose": 0, "compose_key": 0, "recreate": 0, "curl": 0,
    "docker": 0, "compose_here": 0, "in_container": 1,
}  # fmt: skip
"""Functions that make hints, and which argument is the template."""


def _templates(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in BUILDERS:
            yield node.args[BUILDERS[ast.unparse(node.func)]]


@pytest.mark.parametrize("suite", SUITES)
def test_hints_of_a_suite_destroy_nothing(suite: str) -> None:
    hints = [
        node.value
        for node in ast.walk(SUITES[suite])
        if isinstance(node, ast.keyword) and node.arg == "hint"
    ]
    assert hints
    assert not [ast.unparse(each) for each in hints if isinstance(each, ast.Constant)]
    templates = list(_templates(SUITES[suite]))
    destroying = [
        each.value
        for template in templates
        for each in ast.walk(template)
        if isinstance(each, ast.Constant) and DESTROYS.search(str(each.value))
    ]
    assert not destroying


@pytest.mark.parametrize("suite", SUITES)
def test_names_in_hints_of_a_suite_are_quoted(suite: str) -> None:
    """A template is a constant, or an argument of a function that is called with constants."""
    formatted = [
        ast.unparse(each) for each in _templates(SUITES[suite]) if isinstance(each, ast.JoinedStr)
    ]
    assert not formatted
