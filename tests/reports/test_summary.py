"""The summary of a verdict, for any number of suites and any terminal width."""

from datetime import UTC, datetime

import pytest

from stackproof.outcome import Outcome
from stackproof.reports.summary import UNICODE, Style, summarize
from stackproof.reports.verdict import Attempt, CheckResult, judge

NINE = [
    "containers", "nginx", "routes", "health", "datastores",
    "resources", "network", "configuration", "host",
]  # fmt: skip


def _check(suite: str, service: str, outcome: Outcome = Outcome.PASS) -> CheckResult:
    return CheckResult(
        id=f"{suite}.ping[{service}]",
        suite=suite,
        check="ping",
        subject=service,
        service=service,
        outcome=outcome,
        headline="" if outcome is Outcome.PASS else f"{service} ping: expected a, observed b",
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


def test_rows_and_columns_are_in_the_order_of_the_checks_and_the_stack_is_last() -> None:
    checks = [_check("b", ""), _check("b", "web"), _check("a", "api")]
    assert _summary(checks)[:4] == [
        "       b     a",
        "web    ✓     ·",
        "api    ·     ✓",
        "stack  ✓     ·",
    ]


def test_the_header_is_one_line_if_it_fits() -> None:
    checks = [_check(suite, "python-api") for suite in NINE[:5]]
    assert _summary(checks)[:2] == [
        "            containers  nginx  routes  health  datastores",
        "python-api  ✓           ✓      ✓       ✓       ✓",
    ]


@pytest.mark.parametrize(
    ("number", "width"), [(1, 40), (5, 60), (5, 80), (9, 60), (9, 80), (9, 120), (12, 80)]
)
def test_every_symbol_is_below_the_start_of_its_suite(number: int, width: int) -> None:
    suites = [*NINE, "certificates", "backups", "dns"][:number]
    lines = _summary([_check(suite, "python-api") for suite in suites], width)
    header, row = lines[: lines.index("") - 1], lines[lines.index("") - 1]
    assert max(map(len, lines[: lines.index("")])) <= width
    for suite, column in zip(suites, [i for i, c in enumerate(row) if c == "✓"], strict=True):
        assert any(f" {line} "[column:].startswith(f" {suite} ") for line in header)


def test_few_unknown_checks_are_named_and_many_are_counted() -> None:
    few = [_check("routes", f"s{n}", Outcome.UNKNOWN) for n in range(3)]
    same = [each.model_copy(update={"headline": "could not be evaluated: refused"}) for each in few]
    assert _summary(same, width=100)[-2] == (
        "? routes.ping[s0], routes.ping[s1], routes.ping[s2] could not be evaluated: refused"
    )
    assert _summary(same + same)[-3] == "? 6 checks could not be evaluated: refused"


def test_a_flaky_check_shows_its_first_observation() -> None:
    attempts = [
        Attempt(outcome=Outcome.FAIL, observed="starting"),
        Attempt(outcome=Outcome.PASS, observed=""),
    ]
    check = _check("health", "api", Outcome.FLAKY).model_copy(update={"attempts": attempts})
    line = "~ api ping: expected a, observed b (passed on attempt 2)"
    assert line in _summary([check])
    unseen = Attempt(outcome=Outcome.UNKNOWN, observed="refused")
    changes = {"attempts": [unseen, *attempts[1:]], "headline": "could not be evaluated: refused"}
    line = "~ health.ping[api] could not be evaluated: refused (passed on attempt 2)"
    assert line in _summary([check.model_copy(update=changes)])


def test_the_file_has_its_own_line_if_the_verdict_is_long() -> None:
    checks = [_check("routes", f"s{n}", outcome) for n, outcome in enumerate(Outcome)]
    assert _summary(checks)[-2:] == [
        "lab: NO-GO — 5 checks: 1 passed, 1 failed, 1 unknown, 1 flaky, 1 waived (1.0 s)",
        "verdict: reports/out/lab/verdict.json",
    ]
    assert _summary(checks[:1])[-1] == (
        "lab: GO — 1 check: 1 passed (1.0 s)  verdict: reports/out/lab/verdict.json"
    )


def test_a_file_that_cannot_be_written() -> None:
    assert _summary([], error="No space left on device") == [
        "lab: UNKNOWN — 0 checks (1.0 s)",
        "cannot write reports/out/lab/verdict.json: No space left on device",
    ]


@pytest.mark.parametrize("width", [24, 40, 60])
def test_the_verdict_is_wrapped(width: int) -> None:
    checks = [
        *(_check("routes", f"api{number}") for number in range(9)),
        _check("routes", "web", Outcome.FAIL),
        _check("routes", "db", Outcome.UNKNOWN),
    ]
    lines = _summary(checks, width)
    verdict = lines[next(number for number, line in enumerate(lines) if "NO-GO" in line) :]
    assert " ".join(verdict).startswith(
        "lab: NO-GO — 11 checks: 9 passed, 1 failed, 1 unknown (1.0 s) verdict: "
    )
    assert all(len(line) <= width for line in verdict[:-1])


def test_services_with_the_same_warning_share_a_line() -> None:
    health, tag = "health check: expected one that runs, observed none", "image: expected a tag"
    checks = [
        _check("containers", service).model_copy(update={"warnings": tuple(warnings)})
        for service, warnings in {
            "web": [f"web {health}", f"web {tag}", f"web {health}"],
            "db": [f"db {health}", f"web {tag}"],
            # Of an instance, or of something else that is named.
            "api": [f"api#1 {health}", f"api {health}", "lab limits together: expected less"],
        }.items()
    ]
    lines = [line for line in _summary(checks, width=120) if line.startswith("!")]
    assert lines == [
        f"! web, db, api {health}",
        f"! web {tag}",
        f"! api#1 {health}",
        "! lab limits together: expected less",
    ]
