"""The message of a failed check."""

from dataclasses import dataclass

import pytest

from stackproof.finding import finding
from stackproof.hint import advice, server


@dataclass(frozen=True)
class Subject:
    name: str


API = Subject("api")


def test_printed_finding() -> None:
    found = finding(
        API,
        "restarts",
        expected="at most 0",
        observed=9,
        evidence={"log": "first\n\nthird\n", "exit code": 137, "empty": "", "none": None},
        hint=(server("docker start {}", "api"), server("docker logs {}", "api"), advice("fix it")),
    )
    assert str(found).splitlines() == [
        "api restarts: expected at most 0, observed 9",
        "  log:",
        "    first",
        "",
        "    third",
        "  exit code: 137",
        "hint: run on the server:",
        "  docker start api",
        "  docker logs api",
        "hint: fix it",
    ]


def test_nothing_observed() -> None:
    assert str(finding(API, "limit", expected="512 MiB", observed=None)) == (
        "api limit: expected 512 MiB, observed none"
    )


@pytest.mark.parametrize("observed", ["two\nlines", "two\r\nlines", "two \x1b[31mlines"])
def test_the_headline_is_one_line(observed: str) -> None:
    found = finding(API, "says", expected="x", observed=observed)
    assert found.headline == "api says: expected x, observed two lines"


def test_no_secret_in_a_traceback() -> None:
    found = finding(API, "says", expected="x", observed="password=hunter2")
    assert "hunter2" not in repr(found)
    assert "[redacted]" in repr(found)
