"""Annotations and job summaries, with the variables that runners of GitHub set."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stackproof.outcome import Outcome
from stackproof.reports.github import MAX_ANNOTATIONS, annotations
from stackproof.reports.verdict import Attempt, CheckResult, Verdict, judge
from tests.reports import samples
from tests.reports.conftest import Run

MANY = """
@pytest.mark.parametrize("n", [
    pytest.param(n, marks=check("containers", "healthy", f"s{n}"), id=f"s{n}") for n in range(12)
])
def test_many(n):
    assert False, finding(Named(f"s{n}"), "health", expected="healthy", observed="unhealthy")
"""
LOGGED = """
@check("containers", "restarts", "api")
def test_logged():
    log = "::set-output name=exit-code::0\\n::error::made up"
    assert False, finding(api, "restarts", expected=0, observed=9, evidence={"log": log})
"""
_TOKEN = re.compile(r"::stop-commands::([0-9a-f]{32})")


@pytest.fixture
def page(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def _executed(output: str) -> list[str]:
    """Return the commands that a runner executes, also after leading spaces."""
    executed: list[str] = []
    stopped = ""
    for line in output.splitlines():
        command = line.strip()
        if stopped:
            stopped = "" if command == f"::{stopped}::" else stopped
        elif match := _TOKEN.fullmatch(command):
            stopped = match[1]
        elif command.startswith("::"):
            executed.append(command)
    assert not stopped, "commands are stopped for whatever runs after it"
    return executed


def test_annotations_come_last(run: Run, page: Path) -> None:
    source = samples.FAIL + samples.UNOBSERVED + samples.WARNING + samples.WAIVED
    result = run(samples.PASS + source)
    assert _executed(result.stdout.str()) == [
        "::error title=lab containers.restarts[api]::api restarts: expected at most 0, observed 9",
        "::warning title=lab unknown::datastores.ping[redis] could not be evaluated: "
        "engine unix:///run/no.sock: no such socket",
        "::warning title=lab warning::web certificate: expected more than 21 days left, "
        "observed 12, token: [redacted]",
    ]
    *_, verdict, _, _, _, _ = result.outlines
    assert verdict.startswith(("lab: NO-GO", "verdict: "))
    assert result.ret == 1


@pytest.mark.parametrize("workers", ["", "-n1"])
def test_the_summary_is_written_once(run: Run, page: Path, workers: str) -> None:
    page.write_text("# earlier text\n", encoding="utf-8")
    result = run(samples.PASS + samples.FAIL + samples.OTHER_ENVIRONMENT, *workers.split())
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^#.*", text, flags=re.MULTILINE) == [
        "# earlier text",
        "## lab: ❌ NO-GO",
        "## staging: ✅ GO",
    ]
    assert "hunter2" not in text
    assert "token: &#91;redacted" not in text, "the evidence is shown as it is"
    assert "token: [redacted]" in text
    assert len(_executed(result.stdout.str())) == 1


def test_annotations_up_to_the_limit_of_github(run: Run, page: Path) -> None:
    *shown, last = _executed(run(MANY).stdout.str())
    assert len(shown) == MAX_ANNOTATIONS - 1
    assert last == "::error title=3 more::3 more are in the summary of the job"
    assert page.read_text(encoding="utf-8").count("s11 health: expected healthy") == 1


def test_a_log_cannot_control_the_runner(run: Run, page: Path) -> None:
    result = run(LOGGED)
    assert ": :set-output" in result.stdout.str(), "the attempt is visible"
    assert _executed(result.stdout.str()) == [
        "::error title=lab containers.restarts[api]::api restarts: expected 0, observed 9"
    ]


def test_an_interrupted_run(run: Run, page: Path) -> None:
    result = run(samples.PASS + samples.STOPPED, subprocess=True)
    assert _executed(result.stdout.str()) == []
    assert "## lab: ❓ UNKNOWN\n\n1 check: 1 passed, interrupted (" in page.read_text("utf-8")


@pytest.mark.parametrize("arguments", ["-knothing", "--collect-only"])
def test_no_verdict(run: Run, page: Path, arguments: str) -> None:
    assert _executed(run(samples.PASS, arguments).stdout.str()) == []
    assert not page.exists() or page.read_text(encoding="utf-8") == ""


def test_a_summary_that_cannot_be_written(
    run: Run, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page.parent))
    result = run(samples.PASS)
    assert _executed(result.stdout.str()) == [
        f"::warning title=summary::cannot write {page.parent}: Is a directory"
    ]
    assert result.ret == 0


def test_a_full_summary_is_not_extended(run: Run, page: Path) -> None:
    page.write_bytes(b"x" * 999_900)
    run(samples.FAIL)
    assert page.stat().st_size < 1 << 20


@pytest.mark.parametrize("value", ["", "false"])
def test_no_annotations_outside_of_github(
    run: Run, page: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", value)
    assert "::" not in run(samples.FAIL).stdout.str()
    assert not page.exists()


def _verdict(*checks: CheckResult) -> Verdict:
    now = datetime.now(UTC)
    return judge(
        "lab", checks, run="0", selection="-m lab", gate=None, session_code=0, started=now,
        duration_s=1,
    )  # fmt: skip


def _failed(subject: str, headline: str, **more: str) -> CheckResult:
    return CheckResult.model_validate(
        {
            "id": f"routes.status[{subject}]",
            **dict.fromkeys(("suite", "check", "subject", "service"), subject),
            "outcome": Outcome.FAIL,
            "headline": headline,
            "attempts": [Attempt(outcome=Outcome.FAIL, observed="")],
            **more,
        }
    )


def test_critical_failures_come_first() -> None:
    verdict = _verdict(_failed("a", "a"), _failed("b", "b", severity="critical"))
    assert [line.rpartition("::")[2] for line in annotations([verdict])] == ["b", "a"]


def test_workflow_commands_are_escaped() -> None:
    verdict = _verdict(_failed("a:80,b", "a: 100%\r\n::error::b, c"))
    assert list(annotations([verdict])) == [
        "::error title=lab routes.status[a%3A80%2Cb]::a: 100%25 : :error::b, c"
    ]
