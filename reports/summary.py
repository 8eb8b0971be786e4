"""The summary of one verdict: a matrix of services and suites, what is wrong, and the verdict."""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reports.matrix import matrix
from reports.outcome import Outcome
from reports.verdict import CheckResult, Verdict, origin
from stackproof.printable import one_line

UNICODE: dict[Outcome | None, str] = {
    Outcome.PASS: "✓",
    Outcome.FLAKY: "~",
    Outcome.WAIVED: "w",
    Outcome.UNKNOWN: "?",
    Outcome.FAIL: "✗",
    None: "·",
}
"""Symbol of each outcome, and of there being none."""

WARNING = "!"
"""Symbol of a warning."""

ASCII: dict[Outcome | None, str] = UNICODE | {Outcome.PASS: "+", Outcome.FAIL: "x", None: "."}

_COLOURS: Mapping[Outcome | None, Mapping[str, bool]] = {
    Outcome.PASS: {"green": True},
    Outcome.FLAKY: {"yellow": True},
    Outcome.WAIVED: {"yellow": True},
    Outcome.UNKNOWN: {"yellow": True, "bold": True},
    Outcome.FAIL: {"red": True, "bold": True},
    None: {"light": True},
}
_DECISION_COLOURS: Mapping[str, Mapping[str, bool]] = {
    "go": {"green": True, "bold": True},
    "no-go": {"red": True, "bold": True},
    "unknown": {"yellow": True, "bold": True},
}
_COUNTED = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.UNKNOWN: "unknown",
    Outcome.FLAKY: "flaky",
    Outcome.WAIVED: "waived",
}
_NARROWEST_COLUMN = 6
_FEW = 3
"""So many checks that could not look are named; more are counted."""


class Markup(Protocol):
    """Wraps a text in colours, or leaves it as it is where there are none."""

    def __call__(self, text: str, **colours: bool) -> str:
        """The text in its colours."""


@dataclass(frozen=True)
class Style:
    """How to print: columns of the terminal, symbols, colours."""

    width: int
    symbols: Mapping[Outcome | None, str]
    markup: Markup

    def symbol(self, outcome: Outcome | None) -> str:
        """The outcome's symbol in its colour."""
        return self.markup(self.symbols[outcome], **_COLOURS[outcome])


def summarize(verdict: Verdict, where: str, error: str, style: Style) -> list[str]:
    """Lines to print.

    Args:
        verdict: the verdict.
        where: name of its file, as shown.
        error: why the file could not be written; empty where it was.
        style: how to print.
    """
    lines = []
    placed = [check for check in verdict.checks if check.suite]
    if placed:
        lines += [*_matrix(placed, style), ""]
    for outcome, text in told(verdict.checks):
        lines += _wrapped(style.symbol(outcome), text, style)
    for text in warnings(verdict):
        lines += _wrapped(style.markup(WARNING, yellow=True), text, style)
    return lines + _last_lines(verdict, where, error, style)


def _matrix(checks: Sequence[CheckResult], style: Style) -> list[str]:
    seen = matrix(checks)
    margin = max(map(len, seen.rows)) + 2
    starts, header = _columns(seen.suites, style.width - margin)
    lines = [f"{'':{margin}}{names}" for names in header]
    for row in seen.rows:
        line = f"{row:{margin}}"
        for suite, start, following in zip(seen.suites, starts, [*starts[1:], 0], strict=True):
            line += style.symbol(seen.worst.get((row, suite))) + " " * (following - start - 1)
        lines.append(line)
    return lines


def _columns(names: Sequence[str], width: int) -> tuple[list[int], list[str]]:
    """Where each column starts, and the header: names by turns on one, two or three lines."""
    starts: list[int] = []
    lines: list[str] = []
    for count in (1, 2, 3):
        narrowest = min(_NARROWEST_COLUMN, max(2, width // len(names)))
        starts, lines = [], [""] * count
        for number, name in enumerate(names):
            turn = number % count
            after_column = starts[-1] + narrowest if starts else 0
            after_name = len(lines[turn]) + 2 if lines[turn] else 0
            starts.append(max(after_column, after_name))
            lines[turn] = f"{lines[turn]:{starts[-1]}}{name}"
        if max(map(len, lines)) <= width:
            break
    return starts, lines


def told(checks: Sequence[CheckResult]) -> Iterable[tuple[Outcome, str]]:
    """One line for each check that did not pass; one for all that could not look for one reason."""
    by_outcome = defaultdict(list)
    for check in checks:
        by_outcome[check.outcome].append(check)
    for check in by_outcome[Outcome.FAIL]:
        waiver = f" (waiver {check.waiver})" if check.waiver else ""
        yield check.outcome, check.first_line + waiver
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for check in by_outcome[Outcome.UNKNOWN]:
        reasons[check.headline].append(check.id)
    for headline, ids in reasons.items():
        who = ", ".join(ids) if len(ids) <= _FEW else f"{len(ids)} checks"
        yield Outcome.UNKNOWN, f"{who} {headline}"
    for check in by_outcome[Outcome.WAIVED]:
        yield check.outcome, f"{check.headline} (waived: {check.waiver})"
    for check in by_outcome[Outcome.FLAKY]:
        headline = check.headline
        if check.attempts[0].outcome is Outcome.UNKNOWN:
            headline = f"{check.id} {headline}"
        yield check.outcome, f"{headline} (passed on attempt {len(check.attempts)})"


def warnings(verdict: Verdict) -> Iterable[str]:
    """What is not wrong yet, each once."""
    of_checks = (text for check in verdict.checks for text in check.warnings)
    return dict.fromkeys([*of_checks, *verdict.warnings])


def counted(verdict: Verdict) -> str:
    """How many checks there were, and what became of them."""
    said = ", ".join(
        f"{verdict.counts[outcome]} {word}"
        for outcome, word in _COUNTED.items()
        if verdict.counts[outcome]
    )
    if number := len(list(warnings(verdict))):
        said += f", {number} warning{'' if number == 1 else 's'}"
    number = len(verdict.checks)
    stopped = ", interrupted" if verdict.interrupted else ""
    return f"{number} check{'' if number == 1 else 's'}{': ' if said else ''}{said}{stopped}"


def _wrapped(symbol: str, text: str, style: Style) -> list[str]:
    lines = textwrap.wrap(
        text, style.width - 2, break_long_words=False, break_on_hyphens=False
    ) or [""]  # fmt: skip
    return [f"{symbol} {lines[0]}", *(f"  {line}" for line in lines[1:])]


def _last_lines(verdict: Verdict, where: str, error: str, style: Style) -> list[str]:
    where, error = one_line(where), one_line(error)
    decision = verdict.verdict.upper()
    dash = "—" if style.symbols is UNICODE else "-"
    rest = f" {dash} {counted(verdict)} ({verdict.duration_s:.1f} s)"
    start = f"{verdict.environment}: {origin(verdict)}"
    line = start + style.markup(decision, **_DECISION_COLOURS[verdict.verdict]) + rest
    engine = [f"engine: {one_line(verdict.engine)}"] if verdict.engine else []
    if error:
        unwritten = f"cannot write {where}: {error}"
        return [line, *engine, style.markup(unwritten, red=True, bold=True)]
    length = len(start) + len(decision) + len(rest)
    return _filled([line, *engine, f"verdict: {where}"], length, style.width)


def _filled(parts: list[str], length: int, width: int) -> list[str]:
    """Put parts on as few lines as they fit on; the first has this length on screen."""
    lines = parts[:1]
    for part in parts[1:]:
        if length + 2 + len(part) <= width:
            lines[-1] += f"  {part}"
            length += 2 + len(part)
        else:
            lines.append(part)
            length = len(part)
    return lines
