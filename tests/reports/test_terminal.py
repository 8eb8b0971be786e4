"""What the terminal shows, held against golden outputs."""

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
        "CANNOT_LOOK",
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
    """The output without what differs from run to run: times, folders, which worker did it."""
    text = re.sub(r"^/\S+/test_checks", "test_checks", "\n".join(lines) + "\n", flags=re.MULTILINE)
    text = re.sub(r"(in )?\d+\.\d+ ?s\b", "N s", text)
    text = re.sub(r"=+ (.* N s) =+", r"= \1 =", text)
    return _PER_WORKER.sub("", text)


@pytest.mark.parametrize(
    ("name", "source", "arguments"),
    [
        ("pass", samples.PASS + samples.WAIVED_AND_FINE, ""),
        ("fail", samples.PASS + samples.FAIL, ""),
        ("unknown", MANY_UNKNOWN, ""),
        ("mixed", MIXED, ""),
        (
            "verbose",
            samples.PASS + samples.CANNOT_LOOK + samples.FAIL + samples.WAIVED,
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
    lines = [
        line.replace(f"{Path.cwd()}/", "") for line in run(source, *arguments.split()).outlines
    ]
    assert max(map(len, lines)) <= 80
    golden = GOLDEN / f"{name}.txt"
    assert _output(lines) == golden.read_text(encoding="utf-8")


def test_workers_change_nothing(run: Run) -> None:
    source = samples.PASS + samples.FAIL
    two = _output(run(source, "-n2").outlines).lstrip("\n")
    # Which of the two ends first, nobody knows.
    assert two.replace("F.", ".F", 1) == (GOLDEN / "fail.txt").read_text(encoding="utf-8")


def test_symbols_where_the_terminal_has_only_ascii(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    output = run(samples.PASS + samples.FAIL).stdout.str()
    assert output.isascii()
    assert "\nx api restarts: expected at most 0, observed 9\nlab: NO-GO - 2 checks: " in output


def test_colours_only_where_they_are_wanted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in run(samples.FAIL).stdout.str()
    assert "\x1b[31m\x1b[1m✗\x1b[0m api restarts" in run(samples.FAIL, "--color=yes").stdout.str()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in run(samples.FAIL).stdout.str()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(samples.FAIL).stdout.str()
