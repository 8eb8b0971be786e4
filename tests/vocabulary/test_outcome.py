"""The exit code and the worst of several outcomes."""

import pytest

from stackproof.outcome import Outcome, exit_code, is_interruption, worst


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ("PASS", 0),
        ("PASS FLAKY WAIVED", 0),
        ("PASS UNKNOWN WAIVED", 6),
        ("UNKNOWN FAIL PASS", 1),
        ("", 6),
    ],
)
def test_exit_code(outcomes: str, code: int) -> None:
    assert exit_code(Outcome(name) for name in outcomes.split()) == code


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("PASS FLAKY WAIVED", Outcome.WAIVED),
        ("FLAKY PASS", Outcome.FLAKY),
        ("WAIVED UNKNOWN", Outcome.UNKNOWN),
        ("FAIL UNKNOWN", Outcome.FAIL),
    ],
)
def test_worst(outcomes: str, expected: Outcome) -> None:
    assert worst(map(Outcome, outcomes.split())) is expected


@pytest.mark.parametrize(
    ("code", "interrupted"),
    [(0, False), (1, False), (2, True), (6, False), (128, False), (143, True)],
)
def test_interruption(code: int, *, interrupted: bool) -> None:
    assert is_interruption(code) is interrupted
