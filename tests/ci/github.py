"""The action and the workflow for GitHub, and a runner for their steps."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.ci.fake_installation import ROOT, FakeInstallation

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
# YAML 1.1 reads the key `on` as true.
WORKFLOW: dict[Any, Any] = yaml.safe_load(
    (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
)
CALLED = WORKFLOW[True]["workflow_call"]
JOB = WORKFLOW["jobs"]["deploy"]
STEPS: dict[str, list[dict[str, Any]]] = {
    "action": ACTION["runs"]["steps"],
    "workflow": JOB["steps"],
}
SECRETS = {
    "DEPLOY_HOST": "shop.example",
    "DEPLOY_USER": "deploy",
    "DEPLOY_SSH_KEY": "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
    "DEPLOY_HOST_KEY": "shop.example ssh-ed25519 AAAA\n",
}
REQUIRED = ["DEPLOY_HOST", "DEPLOY_USER", "DEPLOY_SSH_KEY"]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
NAME = re.compile(r"(?<![\w.'])[a-z]\w*(?:\.[\w-]+)+")


def find_step(where: str, name: str) -> dict[str, Any]:
    (step,) = (step for step in STEPS[where] if step.get("name") == name)
    return step


def variables(step: Mapping[str, Any], **given: str) -> dict[str, str]:
    """Return the variables of a step; inputs and secrets that are not given are empty."""

    def value(expression: str) -> str:
        context, _, name = expression.partition(".")
        assert context in ("inputs", "secrets")
        return given.get(name.replace("-", "_"), "")

    env = step.get("env", {})
    return {name: EXPRESSION.sub(lambda found: value(found[1]), env[name]) for name in env}


def outputs(fake: FakeInstallation) -> dict[str, str]:
    outputs = Path(fake.variables["GITHUB_OUTPUT"]).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in outputs)


def arguments(fake: FakeInstallation, gate: str) -> list[str]:
    *lines, run = fake.arguments(f"pytest {gate}")
    assert re.fullmatch("--testrunuid=[0-9a-f]{32}", run)
    return lines


def runner(tmp_path: Path) -> FakeInstallation:
    """Return an installation with the variables of a GitHub runner."""
    folder = tmp_path / "runner"
    folder.mkdir()
    (tmp_path / "workspace").mkdir()
    return FakeInstallation(
        tmp_path,
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(tmp_path / "action"),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "RUNNER_TEMP": str(folder),
        },
    )
