"""Allure results: title, labels, the finding in place of a traceback, and evidence attached."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.reports import samples
from tests.reports.conftest import Run

_SOURCE = samples.PASS + samples.FAIL + samples.CANNOT_LOOK + samples.CRASH + samples.WAIVED


def _results(directory: Path) -> dict[str, dict[str, Any]]:
    results = (json.loads(path.read_text()) for path in directory.glob("*-result.json"))
    return {result["name"]: result for result in results}


@pytest.mark.parametrize("arguments", ["", "-n2"])
def test_results(run: Run, pytester: pytest.Pytester, arguments: str) -> None:
    run(_SOURCE, "--alluredir=allure", *arguments.split())
    results = _results(Path(pytester.path, "allure"))
    told = {
        name: (result["status"], result.get("statusDetails", {}).get("message"))
        for name, result in results.items()
    }
    assert told == {
        "containers.healthy[api]": ("passed", None),
        "containers.restarts[api]": ("failed", "api restarts: expected at most 0, observed 9"),
        "datastores.ping[redis]": (
            "broken",
            "could not look: engine unix:///run/no.sock: no such socket",
        ),
        "routes.status[web]": ("broken", "could not look: KeyError: 'password=[redacted]'"),
        "network.address[stack]": ("skipped", "XFAIL renumbered until Friday"),
    }
    every_text = "".join(path.read_text() for path in Path(pytester.path, "allure").iterdir())
    assert "hunter2" not in every_text


def test_a_failure_in_full(run: Run, pytester: pytest.Pytester) -> None:
    run(samples.FAIL, "--alluredir=allure")
    directory = Path(pytester.path, "allure")
    (result,) = _results(directory).values()
    labels = {label["name"]: label["value"] for label in result["labels"]}
    assert (
        labels
        | {
            "parentSuite": "lab",
            "suite": "containers",
            "subSuite": "api",
            "environment": "lab",
            "service": "api",
            "severity": "critical",
        }
        == labels
    )
    assert result["parameters"] == [{"name": "environment", "value": "lab"}]
    assert result["description"].split("\n\n") == [
        "One restart is a crash.",
        "**Expected:** `at most 0`",
        "**Observed:** `9`",
        "**Hint:** `docker logs vpn-api`",
    ]
    attached = {
        each["name"]: (directory / each["source"]).read_text() for each in result["attachments"]
    }
    assert attached == {
        "log": "boom\ntoken: [redacted]",
        "exit code": "1",
        "stdout": "  password=[redacted]\n",
    }


def test_a_check_keeps_its_history_from_run_to_run(run: Run, pytester: pytest.Pytester) -> None:
    seen = set()
    for number in (1, 2):
        run(samples.PASS + samples.OTHER_ENVIRONMENT, f"--alluredir=allure{number}")
        for path in Path(pytester.path, f"allure{number}").glob("*-result.json"):
            result = json.loads(path.read_text())
            seen.add((result["testCaseId"], result["historyId"]))
    assert len(seen) == 2
    assert len({case for case, _ in seen}) == 1
