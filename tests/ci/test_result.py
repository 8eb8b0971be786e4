"""`scripts/result.py`: the decision of a run and the result of a watch, read from their files."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ROOT

RESULT = runpy.run_path(str(ROOT / "scripts" / "result.py"))
EXPECTED = {"run": "1f", "environment": "shop", "gate": "post"}


def _verdict(code: int, **changes: object) -> dict[str, Any]:
    decision = {0: "go", 1: "no-go"}.get(code, "unknown")
    counts = {"UNKNOWN": 2}
    return {**EXPECTED, "verdict": decision, "exit_code": code, "counts": counts, **changes}


def _decide(path: Path, code: int) -> str:
    decision: str = RESULT["verdict"](path, EXPECTED, code)
    return decision.replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("code", "decision"),
    [
        (0, "go"),
        (1, "no-go"),
        (6, "unknown 2 checks could not be evaluated (exit code 6)"),
    ],
)
def test_a_verdict(tmp_path: Path, code: int, decision: str) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(_verdict(code)), encoding="utf-8")
    assert _decide(path, code) == decision


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"run": "2e"}, "FILE is of another run: its run differs"),
        ({"environment": "prod"}, "FILE is of another run: its environment differs"),
        ({"gate": None}, "FILE is of another run: its gate differs"),
        ({"replay_of": "2026-01-01"}, "FILE is of a replay"),
        ({"exit_code": 6}, "but the exit code was"),
        ({"verdict": "unknown"}, "2 checks could not be evaluated"),
        ({"verdict": "unknown", "counts": None}, "no verdict was reached"),
        ({"verdict": "unknown", "interrupted": True}, "the run was interrupted"),
        ({"verdict": ["go"]}, "2 checks could not be evaluated"),
    ],
)
def test_a_verdict_that_does_not_count(
    tmp_path: Path, code: int, changes: dict[str, object], reason: str
) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(_verdict(code, **changes)), encoding="utf-8")
    decision = _decide(path, code)
    assert decision.startswith("unknown ")
    assert reason in decision


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("other", [0, 1, 3, 6, 137])
def test_an_exit_code_that_contradicts_the_verdict(tmp_path: Path, code: int, other: int) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(_verdict(code)), encoding="utf-8")
    assert _decide(path, other).startswith("unknown ") is (code != other)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "FILE is not valid JSON"),
        ('{"run": ', "FILE is not valid JSON"),
        ("[" * 100_000, "FILE is not valid JSON"),
        ("[]", "FILE does not contain a result"),
        ("null", "FILE does not contain a result"),
    ],
    ids=["empty", "truncated", "nested deeply", "a list", "null"],
)
def test_a_file_without_a_verdict(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(text, encoding="utf-8")
    assert _decide(path, 0) == f"unknown {reason} (exit code 0)"


def test_no_file(tmp_path: Path) -> None:
    assert _decide(tmp_path / "none", 1) == "unknown FILE was not written (exit code 1)"
    assert _decide(tmp_path, 0) == "unknown FILE: is a directory (exit code 0)"


@pytest.mark.parametrize(
    ("found", "result"),
    [
        ({"command_exit_code": 0, "objective": "met"}, "0 met"),
        ({"command_exit_code": 9, "objective": "missed"}, "9 missed"),
        ({"command_exit_code": None, "objective": "met"}, "unknown the command did not end"),
        ({"command_exit_code": True, "objective": "met"}, "unknown the command did not end"),
        ({"command_exit_code": 0, "objective": "x"}, "unknown the command did not end"),
    ],
)
def test_a_watch(tmp_path: Path, found: dict[str, object], result: str) -> None:
    path = tmp_path / "watch.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    assert RESULT["watch"](path).startswith(result)


def test_wrong_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert RESULT["main"](["verdict", "file"]) == 0
    assert capsys.readouterr().out == "unknown wrong arguments\n"
