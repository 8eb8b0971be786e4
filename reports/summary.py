"""The summary of a verdict as text: the matrix, one line per problem, and the verdict."""

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from stackproof.outcome import Outcome
from stackproof.printable import one_line
from stackproof.reports.matrix import matrix
from stackproof.reports.order import causes_first
from stackproof.reports.verdict import CheckResult, Verdict, origin

UNICODE: dict[Outcome | None, str] = {
    Outcome.PASS: "✓",
    Outcome.FLAKY: "~",
    Outcome.WAIVED: "w",
    Outcome.UNKNOWN: "?",
    Outcome.FAIL: "✗",
    None: "·",
}
"""The symbol of each outcome, and of no outcome."""

WARNING = "!"
"""The symbol of a warning."""

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
_MOST_NAMES = 3
"""UNKNOWN checks with one reason are named up to this number, and counted beyond it."""


class Markup(Protocol):
    """A function that colours a text, or returns it unchanged."""

    def __call__(self, text: str, **colours: bool) -> str:
        """Return the text in these colours."""


class Style(NamedTuple):
    """The style of the output: columns of the terminal, symbols, colours."""

    width: int
    symbols: Mapping[Outcome | None, str]
    markup: Markup

    def symbol(self, outcome: Outcome | None) -> str:
        """Return the symbol of an outcome in its colour."""
        return self.markup(self.symbols[outcome], **_COLOURS[outcome])


def summarize(verdict: Verdict, file: str, error: str, style: Style) -> list[str]:
    """Return the lines to print.

    Args:
        verdict: the verdict.
        file: the name of its file, as printed.
        error: why the file could not be written; empty if it was.
        style: the style of the output.
    """
    lines = []
    if checks := [check for check in verdict.checks if check.suite]:
        lines += [*_matrix(checks, style), ""]
    for outcome, text in problems(verdict.checks):
        lines += _wrapped(style.symbol(outcome), text, style)
    for text in grouped_warnings(verdict):
        lines += _wrapped(style.markup(WARNING, yellow=True), text, style)
    return lines + _last_lines(verdict, file, error, style)


def _matrix(checks: Sequence[CheckResult], style: Style) -> list[str]:
    cells = matrix(checks)
    margin = max(map(len, cells.rows)) + 2
    starts, header = _columns(cells.suites, style.width - margin)
    lines = [f"{'':{margin}}{names}" for names in header]
    for row in cells.rows:
        line = f"{row:{margin}}"
        for suite, start, following in zip(cells.suites, starts, [*starts[1:], 0], strict=True):
            line += style.symbol(cells.worst.get((row, suite))) + " " * (following - start - 1)
        lines.append(line)
    return lines


def _columns(names: Sequence[str], width: int) -> tuple[list[int], list[str]]:
    """Return the start of each column, and the header: names alternate on up to three lines."""
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


def problems(checks: Sequence[CheckResult]) -> Iterable[tuple[Outcome, str]]:
    """Yield a line for each check that did not pass; UNKNOWN checks with one reason share one."""
    by_outcome = defaultdict(list)
    for check in checks:
        by_outcome[check.outcome].append(check)
    for check in causes_first(by_outcome[Outcome.FAIL]):
        waiver = f" (waiver {check.waiver})" if check.waiver else ""
        yield check.outcome, check.first_line + waiver
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for check in by_outcome[Outcome.UNKNOWN]:
        reasons[check.headline].append(check.id)
    for headline, ids in reasons.items():
        subject = ", ".join(ids) if len(ids) <= _MOST_NAMES else f"{len(ids)} checks"
        yield Outcome.UNKNOWN, f"{subject} {headline}"
    for check in by_outcome[Outcome.WAIVED]:
        yield check.outcome, f"{check.headline} (waived: {check.waiver})"
    for check in by_outcome[Outcome.FLAKY]:
        headline = check.headline
        if check.attempts[0].outcome is Outcome.UNKNOWN:
            headline = f"{check.id} {headline}"
        yield check.outcome, f"{headline} (passed on attempt {len(check.attempts)})"


def warnings(verdict: Verdict) -> Iterable[str]:
    """Return the warnings of the checks and of the environment, each once."""
    of_checks = (text for check in verdict.checks for text in check.warnings)
    return dict.fromkeys([*of_checks, *verdict.warnings])


def grouped_warnings(verdict: Verdict) -> Iterable[str]:
    """Yield the warnings, each once; services with the same warning share a line."""
    services: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for check in verdict.checks:
        for text in check.warnings:
            name, space, rest = text.partition(" ")
            if name == check.service and space:
                services[rest][name] = None
    shared = {rest: list(names) for rest, names in services.items() if len(names) > 1}
    for text in warnings(verdict):
        name, _, rest = text.partition(" ")
        if name not in shared.get(rest, ()):
            yield text
        elif name == shared[rest][0]:
            yield f"{', '.join(shared[rest])} {rest}"


def counted(verdict: Verdict) -> str:
    """Return the number of checks, by outcome."""
    numbers = ", ".join(
        f"{verdict.counts[outcome]} {word}"
        for outcome, word in _COUNTED.items()
        if verdict.counts[outcome]
    )
    if number := len(list(warnings(verdict))):
        numbers += f", {number} warning{'' if number == 1 else 's'}"
    number = len(verdict.checks)
    stopped = ", interrupted" if verdict.interrupted else ""
    return f"{number} check{'' if number == 1 else 's'}{': ' if numbers else ''}{numbers}{stopped}"


def _wrapped(symbol: str, text: str, style: Style) -> list[str]:
    lines = textwrap.wrap(
        text, style.width - 2, break_long_words=False, break_on_hyphens=False
    ) or [""]  # fmt: skip
    return [f"{symbol} {lines[0]}", *(f"  {line}" for line in lines[1:])]


def _last_lines(verdict: Verdict, file: str, error: str, style: Style) -> list[str]:
    file, error = one_line(file), one_line(error)
    decision = verdict.verdict.upper()
    dash = "—" if style.symbols is UNICODE else "-"
    rest = f" {dash} {counted(verdict)} ({verdict.duration_s:.1f} s)"
    start = f"{verdict.environment}: {origin(verdict)}"
    text = start + decision + rest
    lines = textwrap.wrap(text, style.width, break_long_words=False, break_on_hyphens=False)
    coloured = style.markup(decision, **_DECISION_COLOURS[verdict.verdict])
    lines = re.sub(rf"(?<!\S){decision}(?!\S)", coloured, "\n".join(lines), count=1).split("\n")
    engine = [f"engine: {one_line(verdict.engine)}"] if verdict.engine else []
    if error:
        unwritten = f"cannot write {file}: {error}"
        return [*lines, *engine, style.markup(unwritten, red=True, bold=True)]
    places = [*engine, f"verdict: {file}"]
    if len(lines) > 1:
        return [*lines, *_filled(places, len(places[0]), style.width)]
    return _filled([*lines, *places], len(text), style.width)


def _filled(parts: list[str], length: int, width: int) -> list[str]:
    """Join parts on as few lines as possible; `length` is that of the first part on the screen."""
    lines = parts[:1]
    for part in parts[1:]:
        if length + 2 + len(part) <= width:
            lines[-1] += f"  {part}"
            length += 2 + len(part)
        else:
            lines.append(part)
            length = len(part)
    return lines
