"""The summary of a verdict, whatever the number and the names of its suites."""

from datetime import UTC, datetime

import pytest

from reports.outcome import Outcome
from reports.summary import UNICODE, Style, summarize
from reports.verdict import Attempt, CheckResult, judge

NINE = [
    "containers", "nginx", "routes", "health", "datastores",
    "resources", "network", "configuration", "host",
]  # fmt: skip


def _check(suite: str, service: str, outcome: Outcome = Outcome.PASS) -> CheckResult:
    return CheckResult(
        id=f"{suite}.look[{service}]",
        suite=suite,
        check="look",
        subject=service,
        service=service,
        outcome=outcome,
        headline="" if outcome is Outcome.PASS else f"{service} look: expected a, observed b",
        attempts=[Attempt(outcome=outcome, observed="b")],
    )


def _summary(checks: list[CheckResult], width: int = 80, error: str = "") -> list[str]:
    verdict = judge(
        "lab",
        checks,
        run="c0ffee",
        selection="-m lab",
        gate=None,
        session_code=0,
        started=datetime.now(UTC),
        duration_s=1,
    )
    style = Style(width, UNICODE, lambda text, **_: text)
    return summarize(verdict, "reports/out/lab/verdict.json", error, style)


def test_a_cell_shows_its_worst_outcome() -> None:
    checks = [_check("routes", "api", outcome) for outcome in (Outcome.FAIL, Outcome.PASS)]
    assert _summary(checks)[:2] == ["     routes", "api  ✗"]


def test_rows_and_columns_come_in_the_order_of_the_checks_and_the_stack_comes_last() -> None:
    checks = [_check("b", ""), _check("b", "web"), _check("a", "api")]
    assert _summary(checks)[:4] == [
        "       b     a",
        "web    ✓     ·",
        "api    ·     ✓",
        "stack  ✓     ·",
    ]


def test_header_on_one_line_where_it_fits() -> None:
    checks = [_check(suite, "python-api") for suite in NINE[:5]]
    assert _summary(checks)[:2] == [
        "            containers  nginx  routes  health  datastores",
        "python-api  ✓           ✓      ✓       ✓       ✓",
    ]


@pytest.mark.parametrize(
    ("number", "width"), [(1, 40), (5, 60), (5, 80), (9, 60), (9, 80), (9, 120), (12, 80)]
)
def test_every_symbol_stands_under_the_first_letter_of_its_suite(number: int, width: int) -> None:
    suites = [*NINE, "certificates", "backups", "dns"][:number]
    lines = _summary([_check(suite, "python-api") for suite in suites], width)
    header, row = lines[: lines.index("") - 1], lines[lines.index("") - 1]
    assert max(map(len, lines[: lines.index("")])) <= width
    for suite, column in zip(suites, [i for i, c in enumerate(row) if c == "✓"], strict=True):
        assert any(f" {line} "[column:].startswith(f" {suite} ") for line in header)


def test_few_unknown_checks_are_named_and_many_are_counted() -> None:
    few = [_check("routes", f"s{n}", Outcome.UNKNOWN) for n in range(3)]
    same = [each.model_copy(update={"headline": "could not look: refused"}) for each in few]
    assert _summary(same)[-3] == (
        "? routes.look[s0], routes.look[s1], routes.look[s2] could not look: refused"
    )
    assert _summary(same + same)[-3] == "? 6 checks could not look: refused"


def test_a_flaky_check_shows_what_was_seen_first() -> None:
    attempts = [
        Attempt(outcome=Outcome.FAIL, observed="starting"),
        Attempt(outcome=Outcome.PASS, observed=""),
    ]
    check = _check("health", "api", Outcome.FLAKY).model_copy(update={"attempts": attempts})
    line = "~ api look: expected a, observed b (passed on attempt 2)"
    assert line in _summary([check])
    unseen = Attempt(outcome=Outcome.UNKNOWN, observed="refused")
    changes = {"attempts": [unseen, *attempts[1:]], "headline": "could not look: refused"}
    line = "~ health.look[api] could not look: refused (passed on attempt 2)"
    assert line in _summary([check.model_copy(update=changes)])


def test_the_file_has_its_own_line_where_the_verdict_is_long() -> None:
    checks = [_check("routes", f"s{n}", outcome) for n, outcome in enumerate(Outcome)]
    assert _summary(checks)[-2:] == [
        "lab: NO-GO — 5 checks: 1 passed, 1 failed, 1 unknown, 1 flaky, 1 waived (1.0 s)",
        "verdict: reports/out/lab/verdict.json",
    ]
    assert _summary(checks[:1])[-1] == (
        "lab: GO — 1 check: 1 passed (1.0 s)  verdict: reports/out/lab/verdict.json"
    )


def test_a_file_that_could_not_be_written() -> None:
    assert _summary([], error="No space left on device") == [
        "lab: UNKNOWN — 0 checks (1.0 s)",
        "cannot write reports/out/lab/verdict.json: No space left on device",
    ]
