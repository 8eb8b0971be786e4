"""JUnit XML: the properties of every case, and failures separate from errors."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.reports import samples
from tests.reports.conftest import Run

_CASES = {
    "test_pass": ("PASS", None),
    "test_fail": ("FAIL", "failure"),
    "test_unobserved": ("UNKNOWN", "error"),
    "test_crash": ("UNKNOWN", "error"),
    "test_broken_teardown": ("UNKNOWN", "error"),
    "test_skipped": ("UNKNOWN", "error"),
    "test_waived": ("WAIVED", "skipped"),
}
_SOURCE = (
    samples.PASS
    + samples.FAIL
    + samples.UNOBSERVED
    + samples.CRASH
    + samples.BROKEN_TEARDOWN
    + samples.SKIPPED
    + samples.WAIVED
)


@pytest.mark.parametrize("arguments", ["", "-n1"])
def test_cases(run: Run, pytester: pytest.Pytester, arguments: str) -> None:
    run(_SOURCE, "--junitxml=junit.xml", *arguments.split())
    text = Path(pytester.path, "junit.xml").read_text(encoding="utf-8")
    assert "hunter2" not in text
    found = {}
    for case in ET.fromstring(text).iter("testcase"):  # noqa: S314
        names = [each.get("name") for each in case.iter("property")]
        assert [name for name in names if name != "waiver"] == [
            "environment", "suite", "check", "subject", "service", "severity", "outcome", "attempts"
        ]  # fmt: skip
        properties = {each.get("name"): each.get("value") for each in case.iter("property")}
        assert (properties["environment"], properties["attempts"]) == ("lab", "1")
        kinds = [each.tag for each in case if each.tag in ("failure", "error", "skipped")]
        assert len(kinds) < 2
        found[case.get("name")] = (properties["outcome"], kinds[0] if kinds else None)
    assert found == _CASES


def test_a_failure_shows_its_finding(run: Run, pytester: pytest.Pytester) -> None:
    run(samples.FAIL + samples.WAIVED, "--junitxml=junit.xml")
    root = ET.fromstring(Path(pytester.path, "junit.xml").read_text(encoding="utf-8"))  # noqa: S314
    failure, waived = next(root.iter("failure")), next(root.iter("skipped"))
    finding = [
        "api restarts: expected at most 0, observed 9",
        "  log:",
        "    boom",
        "    token: [redacted]",
        "  exit code: 1",
        "hint: run on the server:",
        "  docker logs vpn-api",
    ]
    assert (failure.text or "").splitlines() == finding
    assert (failure.get("message") or "").splitlines()[0] == finding[0]
    assert waived.get("message") == "renumbered until Friday"
