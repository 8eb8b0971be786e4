"""The action and the workflow for GitHub, as written."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.ci.fake_installation import ROOT
from tests.ci.github import (
    ACTION,
    CALLED,
    EXPRESSION,
    JOB,
    NAME,
    STEPS,
    WORKFLOW,
    find_step,
)

RUN = [(name, step) for name, steps in STEPS.items() for step in steps if "run" in step]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield str(value)


@pytest.mark.parametrize(
    ("whole", "inputs", "secrets"),
    [(ACTION, ACTION["inputs"], {}), (WORKFLOW, CALLED["inputs"], CALLED["secrets"])],
    ids=["action", "workflow"],
)
def test_names_in_expressions_exist(
    whole: Mapping[str, Any], inputs: Mapping[str, Any], secrets: Mapping[str, Any]
) -> None:
    steps = whole["runs"]["steps"] if "runs" in whole else JOB["steps"]
    known = {
        *(f"inputs.{name}" for name in inputs),
        *(f"secrets.{name}" for name in secrets),
        *(
            f"steps.{step['id']}.outputs.{name}"
            for step in steps
            if "id" in step
            for name in ("verdict", "exit-code", "reports")
        ),
        *(f"jobs.deploy.outputs.{name}" for name in JOB["outputs"]),
        "github.token",
        "job.workflow_repository",
        "job.workflow_sha",
        "runner.temp",
    }
    used = {
        name
        for text in _texts(whole)
        for expression in EXPRESSION.findall(text)
        for name in NAME.findall(expression)
    }
    assert used - known == set()
    assert {name for name in known - used if name.startswith(("inputs", "secrets"))} == set()


@pytest.mark.parametrize(("where", "step"), RUN, ids=lambda value: str(value)[:20])
def test_steps_are_valid_shell(where: str, step: Mapping[str, Any]) -> None:
    assert "${{" not in step["run"], "an input could contain commands"
    assert where == "workflow" or step["shell"] == "bash"
    done = subprocess.run(
        ["/usr/bin/env", "bash", "-n"], input=step["run"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_secrets_are_not_inputs() -> None:
    for inputs in (ACTION["inputs"], CALLED["inputs"]):
        assert not [name for name in inputs if re.search("key|secret|token|password", name)]


def test_every_action_is_pinned_to_one_commit() -> None:
    pinned: dict[str, set[str]] = {}
    for path in (
        ROOT / "action.yml",
        ROOT / ".github" / "workflows" / "deploy.yml",
        *(ROOT / "docs" / "recipes").glob("github-*.yml"),
        ROOT / "docs" / "ci.md",
    ):
        for uses in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8")):
            if uses == "./":
                continue
            found = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40} # .+)", uses)
            assert found, f"{path.name}: {uses}"
            pinned.setdefault(found[1], set()).add(found[2])
    assert {name: len(commits) for name, commits in pinned.items()} == dict.fromkeys(pinned, 1)
    assert {"actions/checkout", "actions/setup-python", "actions/upload-artifact"} <= set(pinned)


def test_one_deploy_of_an_environment_at_a_time() -> None:
    assert JOB["concurrency"] == {
        "group": "stackproof-deploy-${{ inputs.environment }}",
        "cancel-in-progress": False,
    }


def test_reports_are_always_uploaded() -> None:
    assert find_step("workflow", "Keep the reports")["if"] == "${{ always() }}"
    assert find_step("action", "Keep the reports")["if"].startswith("${{ always() && ")


@pytest.mark.parametrize("where", STEPS)
def test_facts_and_baselines_are_not_uploaded(where: str) -> None:
    folder, *excluded = find_step(where, "Keep the reports")["with"]["path"].splitlines()
    assert excluded == [f"!{folder}/**/facts*.json", f"!{folder}/**/baseline.json"]


def test_the_environment_and_the_outputs_of_the_job() -> None:
    assert JOB["environment"] == "${{ inputs.github-environment }}"
    assert CALLED["outputs"].keys() == ACTION["outputs"].keys() == JOB["outputs"].keys()
