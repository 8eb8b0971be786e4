"""A verdict as Markdown, for the pages of CI systems."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from stackproof.outcome import Outcome
from stackproof.printable import LONGEST_LINE, one_line
from stackproof.reports.matrix import matrix
from stackproof.reports.order import causes_first
from stackproof.reports.summary import UNICODE, WARNING, counted, grouped_warnings, problems
from stackproof.reports.verdict import CheckResult, Decision, HintLine, Verdict, origin

MAX_BYTES = 200_000
"""The size limit of one verdict: GitHub accepts 1 MiB, and a deploy has three verdicts."""

_TRUNCATED = "\nThe rest does not fit here; it is in `verdict.json`.\n"
_SYMBOLS = UNICODE | {Outcome.FAIL: "❌", Outcome.UNKNOWN: "❓"}
_DECISIONS: dict[Decision, str] = {"go": "✅", "no-go": "❌", "unknown": "❓"}
_SINCE = {"new": "**new**", "before": "as before the deploy", "unknown": "unknown"}
_LONGEST_CELL = 300
# Also `:` before what may be an emoji or the rest of a URL, and the dot of `www.`.
_SPECIAL = re.compile(r"[\\`*_\[\]{}|~#@$]|:(?=[^\s\d])|(?<=www)\.", re.IGNORECASE)
# GitHub creates links and emoji after it has decoded entities, except in `<code>`.
_INVISIBLE = "&#8203;"


def markdown(verdict: Verdict, max_bytes: int = MAX_BYTES) -> str:
    """Return the verdict, then the failures, the matrix, and the evidence, folded away.

    Args:
        verdict: the verdict, whose texts are redacted.
        max_bytes: the size limit in UTF-8. The end is left out if it does not fit.
    """
    free = max_bytes - len(_TRUNCATED.encode())
    page = ""
    for part in _parts(verdict):
        free -= len(part.encode())
        if free < 0:
            return page + _TRUNCATED
        page += part
    return page


def _parts(verdict: Verdict) -> Iterable[str]:
    gate = f", {verdict.gate} gate" if verdict.gate else ""
    decision = f"{_DECISIONS[verdict.verdict]} {verdict.verdict.upper()}"
    yield f"## {prose(verdict.environment)}{gate}: {origin(verdict)}{decision}\n\n"
    yield f"{counted(verdict)} ({verdict.duration_s:.1f} s)\n"
    if verdict.engine:
        yield f"\nengine: {_code(verdict.engine)}\n"
    yield from _failures(
        causes_first(each for each in verdict.checks if each.outcome is Outcome.FAIL)
    )
    yield from _other_problems(verdict)
    yield from _matrix([check for check in verdict.checks if check.suite])
    for outcome in (Outcome.FAIL, Outcome.UNKNOWN):
        for check in verdict.checks:
            if check.outcome is outcome and check.evidence:
                yield _evidence(check)


def _failures(checks: Sequence[CheckResult]) -> Iterable[str]:
    if not checks:
        return
    since = any(_since(check) for check in checks)
    yield "\n"
    yield _row(["", "failure", "expected", "observed", *["since the baseline"] * since, "hint"])
    yield _row(["---"] * (5 + since))
    for check in checks:
        yield _row(
            [
                _SYMBOLS[check.outcome],
                f"{prose(check.headline)}<br><sub>{_code(check.id)}</sub>",
                _code(check.expected),
                _code(check.observed),
                *[_since(check)] * since,
                "<br>".join(map(_hint, check.hints)),
            ]
        )


def _hint(hint: HintLine) -> str:
    if not hint.place:
        return prose(hint.text)
    return f"{prose(hint.place)}: {_code(hint.text, LONGEST_LINE)}"


def _since(check: CheckResult) -> str:
    return _SINCE[check.since] if check.since else ""


def _other_problems(verdict: Verdict) -> Iterable[str]:
    lines = [
        f"- {_SYMBOLS[outcome]} {prose(text)}\n"
        for outcome, text in problems(verdict.checks)
        if outcome is not Outcome.FAIL
    ]
    lines += [f"- {WARNING} {prose(text)}\n" for text in grouped_warnings(verdict)]
    return ["\n", *lines] if lines else []


def _matrix(checks: Sequence[CheckResult]) -> Iterable[str]:
    if not checks:
        return
    cells = matrix(checks)
    yield "\n"
    yield _row(["", *map(prose, cells.suites)])
    yield _row(["---", *[":-:"] * len(cells.suites)])
    for row in cells.rows:
        outcomes = (cells.worst.get((row, suite)) for suite in cells.suites)
        yield _row([prose(row), *(_SYMBOLS[outcome] for outcome in outcomes)])


def _evidence(check: CheckResult) -> str:
    evidence = "".join(
        f"\n<b>{prose(title)}</b>\n<pre>{html.escape(text, quote=False)}</pre>\n"
        for title, text in check.evidence.items()
    )
    return (
        f"\n<details><summary>{prose(check.headline)} <sub>{_code(check.id)}</sub></summary>\n"
        f"{evidence}\n</details>\n"
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _code(text: str, longest: int = _LONGEST_CELL) -> str:
    # The text must stay as it is, to be copied: an empty element keeps GitHub from creating a link.
    return f"<code>{_escaped(text, {'@': '<wbr>'}, longest)}</code>" if text else ""


def prose(text: str) -> str:
    """Return a text on one line, with everything that is markup in Markdown or HTML escaped."""
    return _escaped(text, dict.fromkeys("@#:.", _INVISIBLE))


def _escaped(text: str, broken: Mapping[str, str], longest: int = _LONGEST_CELL) -> str:
    """Escape markup, and insert the given text after each of the given characters."""
    line = html.escape(one_line(text, longest), quote=False)
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};{broken.get(found[0], '')}", line)
