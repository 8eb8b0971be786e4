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
REQUIRED = ["DEPLOY_HOST", "DEPLOY_USER", "DEPLOY_SSH_KEY"]
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
    [(ACTION, ACTION["inputs"], {}), (WORKFLOW, CALLED["inputs"], CALLED["secrets"])],
    ids=["action", "workflow"],
)
def test_every_name_in_an_expression_exists(
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


def test_reports_are_kept_whatever_the_verdict() -> None:
    assert _step("workflow", "Keep the reports")["if"] == "${{ always() }}"
    assert _step("action", "Keep the reports")["if"].startswith("${{ always() && ")


@pytest.mark.parametrize("where", STEPS)
def test_what_describes_the_server_in_full_is_not_uploaded(where: str) -> None:
    folder, *left_out = _step(where, "Keep the reports")["with"]["path"].splitlines()
    assert left_out == [f"!{folder}/**/facts*.json", f"!{folder}/**/baseline.json"]


def test_the_job_runs_in_an_environment_and_says_what_came_of_it() -> None:
    assert JOB["environment"] == "${{ inputs.github-environment }}"
    assert CALLED["outputs"].keys() == ACTION["outputs"].keys() == JOB["outputs"].keys()


def test_nothing_of_stackproof_stays_in_the_workspace(stage: Stage) -> None:
    """Where the workflow checks out what is deployed, and where the caller of the action did."""
    workspace, runner = stage.folder / "workspace", stage.folder / "runner"
    variables = {"GITHUB_WORKSPACE": str(workspace)}
    for folder in (workspace / ".stackproof", stage.folder / "action"):
        (folder / "scripts").mkdir(parents=True)
        (folder / "requirements.lock").touch()
        install = folder / "scripts" / "install"
        install.write_text('#!/bin/sh\necho "$@" >>"$STAGE/installed"\n', encoding="utf-8")
        install.chmod(0o755)
    for where, name in [
        ("action", "Show the lock file to the cache"),
        ("action", "Install stackproof"),
        ("workflow", "Install stackproof"),
    ]:
        done = stage.bash(_step(where, name)["run"], variables, workspace)
        assert (done.returncode, done.stderr) == (0, "")
    assert list(workspace.iterdir()) == []
    told = (stage.folder / "installed").read_text(encoding="utf-8").splitlines()
    assert told == [f"{runner}/stackproof-venv"] * 2


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
            "GITHUB_STEP_SUMMARY": str(runner / "summary"),
            "RUNNER_TEMP": str(runner),
        },
    )


def _verify(stage: Stage, **inputs: str) -> tuple[int, dict[str, str]]:
    set_up(stage.folder, stage.folder / "action", stage.folder / "runner" / "stackproof-venv")
    step = _step("action", "Verify")
    done = stage.bash(step["run"], _variables(step, **inputs), stage.folder / "workspace")
    return done.returncode, _outputs(stage) | {"stdout": done.stdout}


def _outputs(stage: Stage) -> dict[str, str]:
    outputs = Path(stage.variables["GITHUB_OUTPUT"]).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in outputs)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(0, "go"), (1, "no-go"), (6, "unknown"), (2, "unknown"), (4, "unknown"), (5, "unknown")],
)
@pytest.mark.parametrize("gate", ["post", ""])
def test_the_action_says_what_the_gate_says(
    stage: Stage, gate: str, code: int, verdict: str
) -> None:
    stage.says(gate or "none", code)
    ended, outputs = _verify(stage, environment="shop", gate=gate, services="api")
    told = outputs.pop("stdout")
    assert ended == code
    assert outputs == {
        "verdict": verdict,
        "exit-code": str(code),
        "reports": f"{stage.variables['RUNNER_TEMP']}/stackproof",
    }
    assert ("\n::error title=shop" in told) is (verdict == "unknown")


@pytest.mark.parametrize("spoil", ['rm "$verdict"', 'sed -i "s/$run/another/" "$verdict"'])
@pytest.mark.parametrize("code", [0, 1])
def test_the_action_wants_a_verdict_of_this_run(stage: Stage, code: int, spoil: str) -> None:
    stage.says("post", code)
    stage.then("post", spoil)
    ended, outputs = _verify(stage, environment="shop", gate="post", services="api")
    assert (ended, outputs["verdict"], outputs["exit-code"]) == (6, "unknown", "6")


def test_wrong_usage_is_an_annotation_and_in_the_summary(stage: Stage) -> None:
    stage.says("pre", 4)
    _, outputs = _verify(stage, environment="shop", gate="pre", services="api")
    assert outputs["stdout"].splitlines()[-1] == (
        "::error title=shop%2C pre gate::unknown: ERROR: the environment is not <valid>"
    )
    assert Path(stage.variables["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8") == (
        "<h2>shop, pre gate</h2>\n\n"
        "<pre>unknown: ERROR: the environment is not &lt;valid&gt;</pre>\n\n"
    )


def _arguments(stage: Stage, gate: str) -> list[str]:
    *told, run = stage.arguments(f"pytest {gate}")
    assert re.fullmatch("--testrunuid=[0-9a-f]{32}", run)
    return told


def test_the_action_hands_on_its_inputs(stage: Stage) -> None:
    _verify(
        stage, environment="shop", gate="pre", services="api,web", wait="60", project_dir="a dir",
        compose_file="a.yml\nb c.yml\n", environments="envs", select="routes or tls",
        args="-n 2\n--maxfail=1",
    )  # fmt: skip
    action = stage.variables["GITHUB_ACTION_PATH"]
    assert _arguments(stage, "pre") == [
        "-c", f"{action}/pyproject.toml", f"{action}/suites", "--gate=pre", "-m", "shop",
        f"--output={stage.variables['RUNNER_TEMP']}/stackproof", "-m", "shop and (routes or tls)",
        "--services=api,web", "--wait=60", "--project-dir=a dir", "--environments=envs",
        "--compose-file=a.yml", "--compose-file=b c.yml", "-n", "2", "--maxfail=1", "-p", "xdist",
    ]  # fmt: skip


def test_an_input_that_is_empty_is_no_option(stage: Stage) -> None:
    _verify(stage, environment="shop")
    action = stage.variables["GITHUB_ACTION_PATH"]
    assert _arguments(stage, "none") == [
        "-c", f"{action}/pyproject.toml", f"{action}/suites", "-m", "shop",
        f"--output={stage.variables['RUNNER_TEMP']}/stackproof", "-p", "xdist",
    ]  # fmt: skip


@pytest.mark.parametrize("missing", [[], ["DEPLOY_HOST"], ["DEPLOY_USER", "DEPLOY_SSH_KEY"]])
def test_secrets_are_asked_for_first(stage: Stage, missing: list[str]) -> None:
    step = _step("workflow", "Secrets")
    assert JOB["steps"][0] == step
    assert list(_variables(step)) == REQUIRED
    there = {name: value for name, value in SECRETS.items() if name not in missing}
    done = stage.bash(step["run"], _variables(step, **there))
    assert done.returncode == (4 if missing else 0)
    assert done.stdout.strip() == (
        f"::error title=secrets::empty: {' '.join(missing)}" if missing else ""
    )
    assert done.stderr == ""


def _workflow(stage: Stage, **inputs: str) -> subprocess.CompletedProcess[str]:
    workspace, runner = stage.folder / "workspace", stage.folder / "runner"
    set_up(stage.folder, runner / "stackproof-checkout", runner / "stackproof-venv")
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
    assert _arguments(stage, "pre")[-6:] == [
        "--services=api,nginx", "--project-dir=.", "--compose-file=a.yml", "--compose-file=b.yml",
        "-p", "xdist",
    ]  # fmt: skip
    assert "--wait=60" in _arguments(stage, "post")


def test_the_environment_file_finds_its_variables(stage: Stage) -> None:
    names = (*(f"SHOP_EU_{name}" for name in SECRETS), "DOMAIN", "B")
    _workflow(
        stage,
        variables="DOMAIN=shop.example\nB=a b=c\n",
        deploy="; ".join(f'printf "%s|" "${name}" >>"$STAGE/seen"' for name in names),
    )
    seen = (stage.folder / "seen").read_text(encoding="utf-8")
    assert seen.split("|") == [*SECRETS.values(), "shop.example", "a b=c", ""]


MORE = """REGISTRY_TOKEN=abc%0Adef

KEY<<END
-----BEGIN KEY-----
  <<kept as it is = \\ $HOME
}
END
EMPTY=
LAST=last"""


def test_the_secrets_of_the_deploy_are_hidden_line_by_line(stage: Stage) -> None:
    names = ("REGISTRY_TOKEN", "KEY", "EMPTY", "LAST", "DEPLOY_ENV")
    done = _workflow(
        stage,
        DEPLOY_ENV=MORE,
        deploy="; ".join(f'printf "%s|" "${name}" >>"$STAGE/seen"' for name in names),
    )
    seen = (stage.folder / "seen").read_text(encoding="utf-8")
    key = ["-----BEGIN KEY-----", "  <<kept as it is = \\ $HOME"]
    assert seen.split("|") == ["abc%0Adef", "\n".join([*key, "}"]), "", "last", "", ""]
    hidden = [line for line in done.stdout.splitlines() if line.startswith("::add-mask::")]
    assert hidden == [f"::add-mask::{line}" for line in ("abc%250Adef", *key, "last")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A=1\nsecret", "line 2 is not NAME=value"),
        ("1A=secret", "line 1 is not NAME=value"),
        ("A B=secret", "line 1 is not NAME=value"),
        ("A<<END\nsecret\nEN", "the value of A does not end"),
    ],
)
@pytest.mark.parametrize("name", ["DEPLOY_ENV", "variables"])
def test_what_is_no_variable_is_wrong_usage(
    stage: Stage, name: str, text: str, problem: str
) -> None:
    done = _workflow(stage, **{name: text})
    assert (done.returncode, stage.calls, done.stderr) == (4, [], "")
    told = [line for line in done.stdout.splitlines() if not line.startswith("::add-mask::")]
    assert told == [f"::error title={name}::{problem}"]
    assert "secret" not in Path(stage.variables["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("pre", "post", "code", "verdict"),
    [
        (0, 0, 0, "go"),
        (0, 1, 1, "no-go"),
        (1, 0, 1, "no-go"),
        (6, 0, 6, "unknown"),
        (0, 4, 4, "unknown"),
    ],
)
def test_the_outputs_of_the_workflow(
    stage: Stage, pre: int, post: int, code: int, verdict: str
) -> None:
    stage.says("pre", pre)
    stage.says("post", post)
    _workflow(stage)
    assert _outputs(stage) == {"verdict": verdict, "exit-code": str(code)}


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
