"""The action and the workflow for GitHub: their steps, run here as a runner would run them."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.stage import DEPLOY, ROLLBACK, ROOT, Stage, set_up

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
RUN = [(name, step) for name, steps in STEPS.items() for step in steps if "run" in step]
SECRETS = {
    "DEPLOY_HOST": "shop.example",
    "DEPLOY_USER": "deploy",
    "DEPLOY_SSH_KEY": "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
    "DEPLOY_HOST_KEY": "shop.example ssh-ed25519 AAAA\n",
}
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_NAME = re.compile(r"(?<![\w.'])[a-z]\w*(?:\.[\w-]+)+")


def _step(where: str, name: str) -> dict[str, Any]:
    (step,) = (step for step in STEPS[where] if step.get("name") == name)
    return step


def _variables(step: Mapping[str, Any], **given: str) -> dict[str, str]:
    """A step's variables; what is not given of the inputs and secrets is empty, as on GitHub."""

    def value(expression: str) -> str:
        context, _, name = expression.partition(".")
        assert context in ("inputs", "secrets")
        return given.get(name.replace("-", "_"), "")

    env = step.get("env", {})
    return {name: _EXPRESSION.sub(lambda found: value(found[1]), env[name]) for name in env}


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
    [(ACTION, ACTION["inputs"], {}), (JOB, CALLED["inputs"], CALLED["secrets"])],
    ids=["action", "workflow"],
)
def test_every_name_in_an_expression_exists(
    whole: Mapping[str, Any], inputs: Mapping[str, Any], secrets: Mapping[str, Any]
) -> None:
    steps = whole["runs"]["steps"] if "runs" in whole else whole["steps"]
    known = {
        *(f"inputs.{name}" for name in inputs),
        *(f"secrets.{name}" for name in secrets),
        *(
            f"steps.{step['id']}.outputs.{name}"
            for step in steps
            if "id" in step
            for name in re.findall(r'echo "([\w-]+)=', step["run"])
        ),
        "job.workflow_repository",
        "job.workflow_sha",
        "runner.temp",
    }
    used = {
        name
        for text in _texts(whole)
        for expression in _EXPRESSION.findall(text)
        for name in _NAME.findall(expression)
    }
    assert used - known == set()
    assert {name for name in known - used if name.startswith(("inputs", "secrets"))} == set()


@pytest.mark.parametrize(("where", "step"), RUN, ids=lambda value: str(value)[:20])
def test_the_shell_can_read_it(where: str, step: Mapping[str, Any]) -> None:
    assert "${{" not in step["run"], "an input could hold commands of its own"
    assert where == "workflow" or step["shell"] == "bash"
    done = subprocess.run(
        ["/usr/bin/env", "bash", "-n"], input=step["run"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_secrets_are_no_inputs() -> None:
    for inputs in (ACTION["inputs"], CALLED["inputs"]):
        assert not [name for name in inputs if re.search("key|secret|token|password", name)]


def test_the_same_programs_are_used_by_both() -> None:
    used = {step["uses"] for steps in STEPS.values() for step in steps if "uses" in step}
    assert used == {"actions/checkout@v6", "actions/setup-python@v6", "actions/upload-artifact@v6"}


def test_one_deploy_of_an_environment_at_a_time() -> None:
    assert JOB["concurrency"] == {
        "group": "stackproof-deploy-${{ inputs.environment }}",
        "cancel-in-progress": False,
    }


def test_reports_are_kept_whatever_the_verdict() -> None:
    assert _step("workflow", "Keep the reports")["if"] == "${{ always() }}"
    assert _step("action", "Keep the reports")["if"].startswith("${{ always() && ")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    runner = tmp_path / "runner"
    runner.mkdir()
    (tmp_path / "workspace").mkdir()
    return Stage(
        tmp_path,
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(tmp_path / "action"),
            "GITHUB_OUTPUT": str(runner / "output"),
            "RUNNER_TEMP": str(runner),
        },
    )


def _verify(stage: Stage, **inputs: str) -> tuple[int, dict[str, str]]:
    set_up(stage.folder, stage.folder / "action")
    step = _step("action", "Verify")
    done = stage.bash(step["run"], _variables(step, **inputs), stage.folder / "workspace")
    outputs = Path(stage.variables["GITHUB_OUTPUT"]).read_text(encoding="utf-8").splitlines()
    return done.returncode, dict(line.split("=", 1) for line in outputs)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(0, "go"), (1, "no-go"), (6, "unknown"), (2, "unknown"), (4, "unknown"), (5, "unknown")],
)
def test_the_action_says_what_the_gate_says(stage: Stage, code: int, verdict: str) -> None:
    stage.says("post", code)
    ended, outputs = _verify(stage, environment="shop", gate="post", services="api")
    assert ended == code
    assert outputs == {
        "verdict": verdict,
        "exit-code": str(code),
        "reports": f"{stage.variables['RUNNER_TEMP']}/stackproof",
    }


def test_the_action_hands_on_its_inputs(stage: Stage) -> None:
    _verify(
        stage, environment="shop", gate="pre", services="api,web", wait="60", project_dir="a dir",
        compose_file="a.yml\nb c.yml\n", environments="envs", select="routes or tls",
        args="-n 2 --maxfail=1",
    )  # fmt: skip
    action = stage.variables["GITHUB_ACTION_PATH"]
    assert stage.arguments("pytest pre") == [
        "-c", f"{action}/pyproject.toml", f"{action}/suites", "-m", "shop and (routes or tls)",
        f"--output={stage.variables['RUNNER_TEMP']}/stackproof", "--gate=pre",
        "--services=api,web", "--wait=60", "--project-dir=a dir", "--environments=envs",
        "--compose-file=a.yml", "--compose-file=b c.yml", "-n", "2", "--maxfail=1",
    ]  # fmt: skip


def test_an_input_that_is_empty_is_no_option(stage: Stage) -> None:
    _verify(stage, environment="shop")
    action = stage.variables["GITHUB_ACTION_PATH"]
    assert stage.arguments("pytest none") == [
        "-c", f"{action}/pyproject.toml", f"{action}/suites", "-m", "shop",
        f"--output={stage.variables['RUNNER_TEMP']}/stackproof",
    ]  # fmt: skip


@pytest.mark.parametrize("missing", [[], ["DEPLOY_HOST"], ["DEPLOY_USER", "DEPLOY_SSH_KEY"]])
def test_secrets_are_asked_for_first(stage: Stage, missing: list[str]) -> None:
    step = _step("workflow", "Secrets")
    assert JOB["steps"][0] == step
    there = {name: value for name, value in SECRETS.items() if name not in missing}
    done = stage.bash(step["run"], _variables(step, **there))
    assert done.returncode == (4 if missing else 0)
    assert done.stdout.strip() == (
        f"::error title=secrets::empty: {' '.join(missing)}" if missing else ""
    )
    assert done.stderr == ""


def _workflow(stage: Stage, **inputs: str) -> subprocess.CompletedProcess[str]:
    workspace = stage.folder / "workspace"
    set_up(stage.folder, workspace / ".stackproof")
    step = _step("workflow", "Deploy between the gates")
    given = {
        "environment": "shop-eu", "services": "api,nginx", "deploy": DEPLOY,
        "rollback": ROLLBACK, **inputs, **SECRETS,
    }  # fmt: skip
    return stage.bash(step["run"], _variables(step, **given), workspace)


def test_the_workflow_hands_on_its_inputs(stage: Stage) -> None:
    done = _workflow(
        stage, slo="99", wait="60", compose_file="a.yml\nb.yml\n", project_dir=".",
        environments="envs",
    )  # fmt: skip
    assert (done.returncode, stage.course) == (0, ["pre", "stackproof", "deploy", "post"])
    assert stage.arguments("stackproof") == [
        "watch", "shop-eu", f"--output={stage.variables['RUNNER_TEMP']}/stackproof",
        "--slo=99", "--environments=envs", "--", "bash", "-c", DEPLOY,
    ]  # fmt: skip
    assert stage.arguments("pytest pre")[-4:] == [
        "--services=api,nginx", "--project-dir=.", "--compose-file=a.yml", "--compose-file=b.yml",
    ]  # fmt: skip
    assert stage.arguments("pytest post")[-1] == "--wait=60"


def test_the_environment_file_finds_its_variables(stage: Stage) -> None:
    names = (*(f"SHOP_EU_{name}" for name in SECRETS), "DOMAIN", "B")
    _workflow(
        stage,
        variables="DOMAIN=shop.example\nB=a b=c\n",
        deploy="; ".join(f'printf "%s|" "${name}" >>"$STAGE/seen"' for name in names),
    )
    seen = (stage.folder / "seen").read_text(encoding="utf-8")
    assert seen.split("|") == [*SECRETS.values(), "shop.example", "a b=c", ""]


@pytest.mark.parametrize(
    ("post", "code", "rolled_back"), [(0, 0, False), (1, 1, True), (6, 6, False), (4, 4, False)]
)
def test_the_workflow_rolls_back_what_is_no_go_and_nothing_else(
    stage: Stage, post: int, code: int, rolled_back: bool
) -> None:
    stage.says("post", post)
    done = _workflow(stage)
    assert done.returncode == code
    assert ("rollback" in stage.calls) is rolled_back
