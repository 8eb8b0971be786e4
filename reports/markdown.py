"""One verdict as Markdown, for the pages where a pipeline shows what a run came to."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from reports.matrix import matrix
from reports.outcome import Outcome
from reports.summary import UNICODE, WARNING, counted, told, warnings
from reports.verdict import CheckResult, Decision, Verdict, origin
from stackproof.printable import one_line

LARGEST = 200_000
"""Bytes of one verdict: a page of GitHub's takes a mebibyte, and a deploy has three verdicts."""

_LEFT_OUT = "\nThe rest does not fit here; `verdict.json` has it.\n"
_SYMBOLS = UNICODE | {Outcome.FAIL: "❌", Outcome.UNKNOWN: "❓"}
_DECISIONS: dict[Decision, str] = {"go": "✅", "no-go": "❌", "unknown": "❓"}
_SINCE = {"new": "**new**", "before": "as before the deploy", "unknown": "unknown"}
_LONGEST_CELL = 300
# And `:` where an emoji or the rest of a URL may follow, and the dot of `www.`.
_SPECIAL = re.compile(r"[\\`*_\[\]{}|~#@$]|:(?=[^\s\d])|(?<=www)\.", re.IGNORECASE)
# GitHub makes links and emoji once entities are decoded, in whatever is not `<code>`.
_INVISIBLE = "&#8203;"


def markdown(verdict: Verdict, largest: int = LARGEST) -> str:
    """The verdict first, then what is wrong, the matrix, and the evidence, folded away.

    Args:
        verdict: the verdict, whose texts are redacted.
        largest: what it may take in UTF-8, in bytes. What does not fit is left out, from the end.
    """
    room = largest - len(_LEFT_OUT.encode())
    written = ""
    for part in _parts(verdict):
        room -= len(part.encode())
        if room < 0:
            return written + _LEFT_OUT
        written += part
    return written


def _parts(verdict: Verdict) -> Iterable[str]:
    moment = f", {verdict.gate} gate" if verdict.gate else ""
    decision = f"{_DECISIONS[verdict.verdict]} {verdict.verdict.upper()}"
    yield f"## {prose(verdict.environment)}{moment}: {origin(verdict)}{decision}\n\n"
    yield f"{counted(verdict)} ({verdict.duration_s:.1f} s)\n"
    if verdict.engine:
        yield f"\nengine: {_code(verdict.engine)}\n"
    yield from _wrong([check for check in verdict.checks if check.outcome is Outcome.FAIL])
    yield from _noted(verdict)
    yield from _matrix([check for check in verdict.checks if check.suite])
    for outcome in (Outcome.FAIL, Outcome.UNKNOWN):
        for check in verdict.checks:
            if check.outcome is outcome and check.evidence:
                yield _evidence(check)


def _wrong(checks: Sequence[CheckResult]) -> Iterable[str]:
    if not checks:
        return
    since = any(_since(check) for check in checks)
    yield "\n"
    yield _row(
        ["", "what is wrong", "expected", "observed", *["since the baseline"] * since, "hint"]
    )
    yield _row(["---"] * (5 + since))
    for check in checks:
        yield _row(
            [
                _SYMBOLS[check.outcome],
                f"{prose(check.headline)}<br><sub>{_code(check.id)}</sub>",
                _code(check.expected),
                _code(check.observed),
                *[_since(check)] * since,
                _code(check.hint),
            ]
        )


def _since(check: CheckResult) -> str:
    return _SINCE[check.since] if check.since else ""


def _noted(verdict: Verdict) -> Iterable[str]:
    lines = [
        f"- {_SYMBOLS[outcome]} {prose(text)}\n"
        for outcome, text in told(verdict.checks)
        if outcome is not Outcome.FAIL
    ]
    lines += [f"- {WARNING} {prose(text)}\n" for text in warnings(verdict)]
    return ["\n", *lines] if lines else []


def _matrix(checks: Sequence[CheckResult]) -> Iterable[str]:
    if not checks:
        return
    seen = matrix(checks)
    yield "\n"
    yield _row(["", *map(prose, seen.suites)])
    yield _row(["---", *[":-:"] * len(seen.suites)])
    for row in seen.rows:
        yield _row([prose(row), *(_SYMBOLS[seen.worst.get((row, suite))] for suite in seen.suites)])


def _evidence(check: CheckResult) -> str:
    told = "".join(
        f"\n<b>{prose(title)}</b>\n<pre>{html.escape(text, quote=False)}</pre>\n"
        for title, text in check.evidence.items()
    )
    return (
        f"\n<details><summary>{prose(check.headline)} <sub>{_code(check.id)}</sub></summary>\n"
        f"{told}\n</details>\n"
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _code(text: str) -> str:
    # As it is to be copied: an empty element keeps an address from being made a link.
    return f"<code>{_escaped(text, {'@': '<wbr>'})}</code>" if text else ""


def prose(text: str) -> str:
    """Return a text, on one line, in which nothing has a meaning in Markdown or HTML."""
    return _escaped(text, dict.fromkeys("@#:.", _INVISIBLE))


def _escaped(text: str, broken: Mapping[str, str]) -> str:
    """Escape what has a meaning, and put after a character what keeps it from having one."""
    line = html.escape(one_line(text, _LONGEST_CELL), quote=False)
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};{broken.get(found[0], '')}", line)
