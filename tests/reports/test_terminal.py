"""The terminal output, compared with golden files."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.reports import samples
from tests.reports.conftest import Run

GOLDEN = Path(__file__).parent / "golden"
MIXED = "".join(
    getattr(samples, name)
    for name in (
        "MATRIX",
        "FAIL",
        "UNOBSERVED",
        "CRASH",
        "BROKEN_TEARDOWN",
        "SKIPPED",
        "WAIVED",
        "OTHER_ENVIRONMENT",
    )
)
MANY_UNKNOWN = """
@pytest.mark.parametrize("x", [
    pytest.param(0, marks=check("containers", "healthy", f"s{n}"), id=f"s{n}") for n in range(9)
])
def test_unknown(x, engine):
    pass
"""
_PER_WORKER = re.compile(r"^(\[gw\d\] .*|created: .*|\d workers .*|bringing up .*)\n", re.MULTILINE)


def _output(lines: Sequence[str]) -> str:
    """Return the output without durations, directories and names of workers."""
    text = re.sub(r"^/\S+/checks", "checks", "\n".join(lines) + "\n", flags=re.MULTILINE)
    text = re.sub(r"(in )?\d+\.\d+ ?s\b", "N s", text)
    text = re.sub(r"=+ (.* N s) =+", r"= \1 =", text)
    return _PER_WORKER.sub("", text)


@pytest.mark.parametrize(
    ("name", "source", "arguments"),
    [
        ("pass", samples.PASS + samples.WAIVED_BUT_PASSES, ""),
        ("fail", samples.PASS + samples.FAIL, ""),
        ("unknown", MANY_UNKNOWN, ""),
        ("mixed", MIXED, ""),
        (
            "verbose",
            samples.PASS + samples.UNOBSERVED + samples.FAIL + samples.WAIVED,
            "-vv --no-header",
        ),
        ("interrupted", samples.PASS + samples.STOPPED, ""),
        ("warning", samples.PASS + samples.WARNING, ""),
        ("nothing", samples.PASS, "-knothing"),
    ],
)
def test_output(
    run: Run, name: str, source: str, arguments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run(source, *arguments.split(), subprocess=name == "interrupted")
    lines = [line.replace(f"{Path.cwd()}/", "") for line in result.outlines]
    assert max(map(len, lines)) <= 80
    golden = GOLDEN / f"{name}.txt"
    assert _output(lines) == golden.read_text(encoding="utf-8")


def test_workers_change_nothing(run: Run) -> None:
    source = samples.PASS + samples.FAIL
    two = _output(run(source, "-n2").outlines).lstrip("\n")
    # Either of the two workers can finish first.
    assert two.replace("F.", ".F", 1) == (GOLDEN / "fail.txt").read_text(encoding="utf-8")


def test_symbols_of_an_ascii_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    output = run(samples.PASS + samples.FAIL, subprocess=True).stdout.str()
    assert output.isascii()
    assert "\nx api restarts: expected at most 0, observed 9\nlab: NO-GO - 2 checks: " in output


def test_colours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in run(samples.FAIL).stdout.str()
    assert "\x1b[31m\x1b[1m✗\x1b[0m api restarts" in run(samples.FAIL, "--color=yes").stdout.str()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in run(samples.FAIL).stdout.str()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(samples.FAIL).stdout.str()
