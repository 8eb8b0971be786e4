"""Writes what `docs/checks.md` says of each check, from the check, its faults and their snapshots.

Above its first index the page is written by hand.
"""

import inspect
import sys
from collections.abc import Iterator
from itertools import groupby

from fixtures import subjects
from lab import faults
from reports.finding import Finding
from reports.outcome import Outcome
from reports.verdict import CheckResult
from tests.faults import snapshots
from tests.faults.gates import GateCheck
from tests.faults.replay import ROOT, Check, Replay, Replays, replay

PATH = ROOT / "docs" / "checks.md"
_MARK = "<!-- From here on, scripts/docs writes this page. -->\n"
_OF_GATES = """\
These run under [their gate](gate.md) alone. No fault of the lab is theirs: what they judge is a
deploy. The tests in `tests/live` deploy the lab; those in `tests/suites` judge facts of a deploy.
"""
_EVIDENCE, _LINES, _WIDTH = 3, 3, 100
"""How much of a sample's evidence is shown: entries, lines of each, characters of a line."""


def page(replays: Replays) -> str:
    """The whole page: what is written by hand, and what is not."""
    by_hand, _, _ = PATH.read_text(encoding="utf-8").partition(_MARK)
    suites = [
        (suite, list(checks))
        for suite, checks in groupby(
            sorted(replays.checks, key=lambda each: each.suite), key=lambda each: each.suite
        )
    ]
    lines = [_MARK, *(_entry(suite, checks) for suite, checks in suites)]
    lines += ["", "What a check can be for:", "", *_subjects(replays)]
    for suite, checks in suites:
        lines += ["", f"## {suite}", "", checks[0].about]
        for check in checks:
            lines += ["", *_section(check, replays)]
    lines += ["", "## Of the gates", "", _OF_GATES, *map(_of_gate, replays.of_gates)]
    return by_hand + "\n".join(lines) + "\n"


def _of_gate(check: GateCheck) -> str:
    proofs = ", ".join(f"`{file}`" for file in check.proofs)
    why = " ".join(check.why.split())
    return f"- **{check.name}**, {' and '.join(check.gates)}: {why} Cases of it: {proofs}."


def _subjects(replays: Replays) -> Iterator[str]:
    for name in sorted({check.subject for check in replays.checks}):
        yield f"- **{_words(name)}**: {inspect.getdoc(getattr(subjects, name))}"


def _words(subject: str) -> str:
    return subject.replace("_", " ")


def _entry(suite: str, checks: list[Check]) -> str:
    links = (f"[{each.check}](#{_anchor(each)})" for each in checks)
    return f"- **[{suite}](#{suite})**: {', '.join(links)}"


def _anchor(check: Check) -> str:
    return check.name.replace(".", "")


def _section(check: Check, replays: Replays) -> Iterator[str]:
    yield f"### {check.name}"
    yield ""
    yield check.why
    yield ""
    critical = "**Critical.** " if check.critical else ""
    faults_named = ", ".join(f"`{name}`" for name in _faults(check))
    yield f"{critical}{_declared(check)}. Turned red by {faults_named}."
    if sample := _sample(check, replays):
        fault, result = sample
        yield ""
        yield f"With `{fault}` ({faults.ALL[fault].sentence}):"
        yield ""
        yield "```text"
        yield _shortened(result)
        yield "```"


def _declared(check: Check) -> str:
    subject = _words(check.subject)
    if not check.declares:
        return f"For each {subject}"
    fields = " and ".join(
        f"`{field.removeprefix('environment.')}`"
        + (f" ({meaning.rstrip('.').lower()})" if meaning else "")
        for field, meaning in check.declares.items()
    )
    whole = all(field.startswith("environment.") for field in check.declares)
    where = f", where declared: {fields}" if whole else f" that declares {fields}"
    return f"For each {subject}{where}"


def _faults(check: Check) -> list[str]:
    return [
        fault.name
        for fault in faults.ALL.values()
        if any(red.partition("[")[0] == check.name for red in fault.red)
    ]


def _sample(check: Check, replays: Replays) -> tuple[str, CheckResult] | None:
    """The failure that a fault is about, or else the first one; None without a snapshot."""
    samples = [
        (name, result)
        for name in _faults(check)
        if isinstance(seen := replays.seen.get(name), Replay)
        for result in seen.of(Outcome.FAIL).values()
        if f"{result.suite}.{result.check}" == check.name
    ]
    about = (each for each in samples if faults.ALL[each[0]].says in each[1].headline)
    return next(about, samples[0] if samples else None)


def _shortened(result: CheckResult) -> str:
    evidence = {
        title: "\n".join(_cut(text.splitlines()))
        for title, text in list(result.evidence.items())[:_EVIDENCE]
    }
    return str(Finding(result.headline, result.expected, result.observed, evidence, result.hint))


def _cut(lines: list[str]) -> list[str]:
    shown = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in lines[:_LINES]]
    return shown if len(lines) <= _LINES else [*shown, "…"]


def main() -> int:
    PATH.write_text(page(replay(sorted(snapshots.names()))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
