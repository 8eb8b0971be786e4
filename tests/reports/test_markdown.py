"""Verdicts as Markdown, compared with golden files."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from stackproof.outcome import Outcome
from stackproof.reports.markdown import MAX_BYTES, markdown
from stackproof.reports.verdict import Attempt, CheckResult, HintLine, Verdict, judge

GOLDEN = Path(__file__).parent / "golden"
TRUNCATED = "\nThe rest does not fit here; it is in `verdict.json`.\n"


def _check(
    suite: str, name: str, subject: str, outcome: Outcome = Outcome.PASS, **fields: Any
) -> CheckResult:
    return CheckResult(
        id=f"{suite}.{name}[{subject}]",
        suite=suite,
        check=name,
        subject=subject,
        **{"service": subject, "attempts": [Attempt(outcome=outcome, observed="")], **fields},
        outcome=outcome,
    )


FINE = [
    _check("containers", "running", "api"),
    _check("containers", "running", "web"),
    _check("host", "clock", "vpn", service=""),
]
FAILED = _check(
    "containers",
    "restarts",
    "api",
    Outcome.FAIL,
    headline="api restarts: expected at most 0, observed 9",
    expected="at most 0",
    observed="9",
    evidence={"log": "boom\n\n</pre><b>*not bold*</b> | a & b", "exit code": "1"},
    hints=(
        HintLine(text="docker logs vpn-api 2>&1 | tail", place="on the server"),
        HintLine(text="find out *why*"),
    ),
)
ODD = _check(
    "configuration",
    "image",
    "web",
    Outcome.FAIL,
    headline="web image: expected shop/web:1, observed <none>\n`rm` | *x* @all :tada: $x$",
    expected="shop/web:1",
    observed="<none>",
)
UNOBSERVED = [
    _check(
        "network",
        "address",
        service,
        Outcome.UNKNOWN,
        headline="could not be evaluated: engine is away",
    )
    for service in ("api", "web", "db", "cache")
]
BROKEN = _check(
    "routes",
    "status",
    "home",
    Outcome.UNKNOWN,
    service="web",
    headline="could not be evaluated: KeyError: 'State'",
    evidence={"traceback": "line 1\nKeyError: 'State'"},
)
WAIVED = _check(
    "containers",
    "restarts",
    "web",
    Outcome.WAIVED,
    headline="web restarts: expected at most 0, observed 2",
    waiver="until 2026-12-31: crashes at midnight",
)
FLAKY = _check(
    "routes",
    "budget",
    "home",
    Outcome.FLAKY,
    service="web",
    headline="home budget: expected at most 2000 ms, observed 2100 ms",
    attempts=[
        Attempt(outcome=Outcome.FAIL, observed="2100 ms"),
        Attempt(outcome=Outcome.PASS, observed=""),
    ],
)
WARNED = _check(
    "tls",
    "dates",
    "shop.example:443",
    service="web",
    warnings=("shop.example:443 certificate: expected more than 21 days left, observed 12",),
)


def _verdict(
    *checks: CheckResult,
    gate: Literal["pre", "post", "rollback"] | None = None,
    session_code: int = 0,
) -> Verdict:
    return judge(
        "lab",
        checks,
        run="0",
        selection="-m lab",
        gate=gate,
        session_code=session_code,
        started=datetime(2026, 1, 1, tzinfo=UTC),
        duration_s=2.04,
    )


VERDICTS = {
    "go": _verdict(*FINE, WARNED, gate="post"),
    "no-go": _verdict(*FINE, FAILED, ODD, *UNOBSERVED, BROKEN, WAIVED, FLAKY, WARNED),
    "unknown": _verdict(*FINE, *UNOBSERVED, BROKEN, gate="pre"),
    "interrupted": _verdict(*FINE[:1], session_code=2),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_page(name: str) -> None:
    golden = GOLDEN / f"{name}.md"
    assert markdown(VERDICTS[name]) == golden.read_text(encoding="utf-8")


def test_the_end_is_left_out_if_it_does_not_fit() -> None:
    complete = markdown(VERDICTS["no-go"])
    for max_bytes in range(200, len(complete.encode()), 50):
        page = markdown(VERDICTS["no-go"], max_bytes)
        assert len(page.encode()) <= max_bytes
        assert page.endswith(TRUNCATED)
        assert complete.startswith(page.removesuffix(TRUNCATED))
        assert page.count("<details>") == page.count("</details>")
        assert page.startswith("## lab: ❌ NO-GO\n")


def test_many_failures_fit() -> None:
    failures = [
        FAILED.model_copy(
            update={"id": f"containers.restarts[s{n}]", "evidence": {"log": "x" * 9000}}
        )
        for n in range(500)
    ]
    page = markdown(_verdict(*failures))
    assert MAX_BYTES * 0.9 < len(page.encode()) <= MAX_BYTES
    assert page.count("❌ | api restarts") == 500, "all failures come before the evidence"


def test_texts_stay_in_their_cells() -> None:
    page = markdown(VERDICTS["no-go"])
    rows = [line for line in page.splitlines() if line.startswith("| ❌")]
    assert len(rows) == 2
    assert all(row.count("|") == 6 for row in rows)
    text = re.sub(r"</?(code|sub|br|b|pre|details|summary)>", "", page)
    assert "<" not in text.replace("&lt;", "")


def test_a_long_text_is_cut_in_its_cell() -> None:
    failed = FAILED.model_copy(update={"observed": "&" * 1000})
    assert f"<code>{'&amp;' * 299}…</code>" in markdown(_verdict(failed))


def test_failures_since_the_baseline() -> None:
    old = FAILED.model_copy(update={"since": "before"})
    new = ODD.model_copy(update={"since": "new"})
    header, _, *rows = markdown(_verdict(old, new)).splitlines()[4:8]
    assert header == "|  | failure | expected | observed | since the baseline | hint |"
    assert " | as before the deploy | " in rows[1]
    assert " | **new** | " in rows[0]
