"""Allure results: title, labels, the finding instead of a traceback, and attached evidence."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stackproof.reports.allure_labels import as_code
from tests.reports import samples
from tests.reports.conftest import ROOT, Run

_SOURCE = samples.PASS + samples.FAIL + samples.UNOBSERVED + samples.CRASH + samples.WAIVED


def _results(directory: Path) -> dict[str, dict[str, Any]]:
    results = (json.loads(path.read_text()) for path in directory.glob("*-result.json"))
    return {result["name"]: result for result in results}


@pytest.mark.parametrize("arguments", ["", "-n1"])
def test_results(run: Run, pytester: pytest.Pytester, arguments: str) -> None:
    run(_SOURCE, "--alluredir=allure", *arguments.split())
    results = _results(Path(pytester.path, "allure"))
    found = {
        name: (result["status"], result.get("statusDetails", {}).get("message"))
        for name, result in results.items()
    }
    assert found == {
        "containers.healthy[api]": ("passed", None),
        "containers.restarts[api]": ("failed", "api restarts: expected at most 0, observed 9"),
        "datastores.ping[redis]": (
            "broken",
            "could not be evaluated: engine unix:///run/no.sock: no such socket",
        ),
        "routes.status[web]": ("broken", "could not be evaluated: KeyError: 'password=[redacted]'"),
        "network.address[stack]": ("skipped", "XFAIL renumbered until Friday"),
    }
    every_text = "".join(path.read_text() for path in Path(pytester.path, "allure").iterdir())
    assert "hunter2" not in every_text


def test_failure(run: Run, pytester: pytest.Pytester) -> None:
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
        "**Run on the server:** `docker logs vpn-api`",
    ]
    attached = {
        each["name"]: (directory / each["source"]).read_text() for each in result["attachments"]
    }
    assert attached == {
        "log": "boom\ntoken: [redacted]",
        "exit code": "1",
        "stdout": "  password=[redacted]\n",
    }


def test_a_check_keeps_its_history(run: Run, pytester: pytest.Pytester) -> None:
    seen = set()
    for number in (1, 2):
        run(samples.PASS + samples.OTHER_ENVIRONMENT, f"--alluredir=allure{number}")
        for path in Path(pytester.path, f"allure{number}").glob("*-result.json"):
            result = json.loads(path.read_text())
            seen.add((result["testCaseId"], result["historyId"]))
    assert len(seen) == 2
    assert len({case for case, _ in seen}) == 1


@pytest.mark.parametrize("imported", [False, True])
def test_allure_is_imported_only_if_requested(tmp_path: Path, *, imported: bool) -> None:
    options = ["-m", "lab", "--collect-only", "-qq", *[f"--alluredir={tmp_path}"] * imported]
    code = f"import pytest, sys; pytest.main({options}); sys.exit('allure' in sys.modules)"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert ran.returncode == imported, ran.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("docker ps", "`docker ps`"),
        ("a `b`", "`` a `b` ``"),
        ("``", "``` `` ```"),
    ],
)
def test_a_command_is_shown_as_it_is(text: str, code: str) -> None:
    assert as_code(text) == code
