"""Write the catalogue of checks: `docs/checks.md`, and a page of each suite in `docs/checks/`.

What it says of a check comes from the check, its faults and their snapshots. Above its mark,
`docs/checks.md` is written by hand.
"""

import inspect
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from lab import faults
from stackproof.finding import Finding
from stackproof.fixtures.arguments import datastores, subjects
from stackproof.hint import Hint
from stackproof.outcome import Outcome
from stackproof.reports.verdict import CheckResult
from tests.faults import snapshots
from tests.faults.gates import GateCheck
from tests.faults.replay import ROOT, Check, Replay, Replays, replay

INDEX = ROOT / "docs" / "checks.md"
FOLDER = ROOT / "docs" / "checks"
_MARK = "<!-- From here on, scripts/docs writes this page. -->\n"
_PAGE = "<!-- scripts/docs writes this page. -->\n"
_EVIDENCE, _LINES, _WIDTH = 3, 3, 100
"""How much of a sample's evidence is shown: entries, lines of each, characters of a line."""


def pages(replays: Replays) -> dict[Path, str]:
    """Return every page by its path."""
    suites = {
        suite: list(checks)
        for suite, checks in groupby(
            sorted((*replays.checks, *replays.undeclared), key=lambda each: each.suite),
            key=lambda each: each.suite,
        )
    }
    gates = {
        suite: list(checks)
        for suite, checks in groupby(replays.of_gates, key=lambda each: each.suite)
    }
    written = {name: _page_of_suite(name, checks, replays) for name, checks in suites.items()}
    written |= {name: _page_of_gate(name, checks) for name, checks in gates.items()}
    found = {FOLDER / f"{name}.md": "\n".join(lines) + "\n" for name, lines in written.items()}
    by_hand, _, _ = INDEX.read_text(encoding="utf-8").partition(_MARK)
    names = {name: [each.name for each in checks] for name, checks in suites.items()}
    gate_names = {name: [each.name for each in checks] for name, checks in gates.items()}
    index = [_MARK, *_entries(names), "", "## Subjects", "", *_subjects(replays)]
    index += ["", "## At a gate", "", "These run only at [a gate of a deploy](gate.md).", ""]
    return found | {INDEX: by_hand + "\n".join([*index, *_entries(gate_names)]) + "\n"}


def _page_of_suite(name: str, checks: list[Check], replays: Replays) -> list[str]:
    lines = [_PAGE, f"# {name}", "", checks[0].about, "", "[All suites](../checks.md)"]
    for check in checks:
        lines += ["", *_section(check, replays)]
    return lines


def _page_of_gate(name: str, checks: list[GateCheck]) -> list[str]:
    lines = [_PAGE, f"# {name}", "", checks[0].about, "", "[All suites](../checks.md)"]
    for check in checks:
        tests = ", ".join(f"`{file}`" for file in check.proofs)
        gates = " and ".join(f"`--gate={gate}`" for gate in check.gates)
        lines += ["", f"## {check.name}", "", check.why, "", f"Runs at {gates}. Tests: {tests}."]
    return lines


def _entries(suites: dict[str, list[str]]) -> Iterator[str]:
    for suite, names in suites.items():
        page = f"checks/{suite}.md"
        links = (f"[{name.partition('.')[2]}]({page}#{_anchor(name)})" for name in names)
        yield f"- **[{suite}]({page})**: {', '.join(links)}"


def _subjects(replays: Replays) -> Iterator[str]:
    for name in sorted({check.subject for check in (*replays.checks, *replays.undeclared)}):
        yield f"- **{_words(name)}**: {inspect.getdoc((vars(subjects) | vars(datastores))[name])}"


def _words(subject: str) -> str:
    return subject.replace("_", " ")


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _section(check: Check, replays: Replays) -> Iterator[str]:
    yield f"## {check.name}"
    yield ""
    yield check.why
    yield ""
    critical = "**Critical.** " if check.critical else ""
    faults_named = ", ".join(f"`{name}`" for name in _faults(check))
    tests = ", ".join(f"`{file}`" for file in check.proofs)
    shown = f"Turned red by {faults_named}" if faults_named else f"Tests: {tests}"
    yield f"{critical}{_declared(check)}. {shown}."
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
    """Return the failure that a fault is about, else the first one; None without a snapshot."""
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
    hints = tuple(Hint(each.text, each.place) for each in result.hints)
    return str(Finding(result.headline, result.expected, result.observed, evidence, hints))


def _cut(lines: list[str]) -> list[str]:
    shown = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in lines[:_LINES]]
    return shown if len(lines) <= _LINES else [*shown, "…"]


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    written = pages(replay(sorted(snapshots.names())))
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    for path in set(FOLDER.glob("*.md")) - written.keys():
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
