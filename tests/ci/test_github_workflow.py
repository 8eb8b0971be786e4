"""The steps of the workflow, run as on a GitHub runner."""

import subprocess
from pathlib import Path

import pytest

from tests.ci.fake_installation import DEPLOY, ROLLBACK, FakeInstallation, install
from tests.ci.github import JOB, REQUIRED, SECRETS, arguments, find_step, outputs, runner, variables


@pytest.fixture
def fake(tmp_path: Path) -> FakeInstallation:
    return runner(tmp_path)


@pytest.mark.parametrize("missing", [[], ["DEPLOY_HOST"], ["DEPLOY_USER", "DEPLOY_SSH_KEY"]])
def test_missing_secrets(fake: FakeInstallation, missing: list[str]) -> None:
    step = find_step("workflow", "Secrets")
    assert JOB["steps"][0] == step
    assert list(variables(step)) == REQUIRED
    given = {name: value for name, value in SECRETS.items() if name not in missing}
    done = fake.bash(step["run"], variables(step, **given))
    assert done.returncode == (4 if missing else 0)
    assert done.stdout.strip() == (
        f"::error title=secrets::empty: {' '.join(missing)}" if missing else ""
    )
    assert done.stderr == ""


def _workflow(fake: FakeInstallation, **inputs: str) -> subprocess.CompletedProcess[str]:
    workspace, runner = fake.folder / "workspace", fake.folder / "runner"
    install(fake.folder, runner / "stackproof-checkout", runner / "stackproof-venv")
    step = find_step("workflow", "Deploy between the gates")
    given = {
        "environment": "shop-eu", "services": "api,nginx", "deploy": DEPLOY,
        "rollback": ROLLBACK, **inputs, **SECRETS,
    }  # fmt: skip
    return fake.bash(step["run"], variables(step, **given), workspace)


def test_the_inputs_of_the_workflow(fake: FakeInstallation) -> None:
    done = _workflow(
        fake, slo="99", wait="60", compose_file="a.yml\nb.yml\n", project_dir=".",
        environments="envs",
    )  # fmt: skip
    assert (done.returncode, fake.steps) == (0, ["pre", "stackproof", "deploy", "post"])
    assert fake.arguments("stackproof") == [
        "watch", "shop-eu", f"--output={fake.variables['RUNNER_TEMP']}/stackproof",
        "--slo=99", "--environments=envs", "--", "bash", "-c", DEPLOY,
    ]  # fmt: skip
    assert arguments(fake, "pre")[-6:] == [
        "--services=api,nginx", "--project-dir=.", "--compose-file=a.yml", "--compose-file=b.yml",
        "-p", "xdist",
    ]  # fmt: skip
    assert "--wait=60" in arguments(fake, "post")


def test_the_variables_of_the_environment_file(fake: FakeInstallation) -> None:
    names = (*(f"SHOP_EU_{name}" for name in SECRETS), "DOMAIN", "B")
    _workflow(
        fake,
        variables="DOMAIN=shop.example\nB=a b=c\n",
        deploy="; ".join(f'printf "%s|" "${name}" >>"$FAKE/found"' for name in names),
    )
    found = (fake.folder / "found").read_text(encoding="utf-8")
    assert found.split("|") == [*SECRETS.values(), "shop.example", "a b=c", ""]


MORE = """REGISTRY_TOKEN=abc%0Adef

KEY<<END
-----BEGIN KEY-----
  <<unchanged = \\ $HOME
}
END
EMPTY=
LAST=last"""


def test_secrets_of_the_deploy_are_masked_line_by_line(fake: FakeInstallation) -> None:
    names = ("REGISTRY_TOKEN", "KEY", "EMPTY", "LAST", "DEPLOY_ENV")
    done = _workflow(
        fake,
        DEPLOY_ENV=MORE,
        deploy="; ".join(f'printf "%s|" "${name}" >>"$FAKE/found"' for name in names),
    )
    found = (fake.folder / "found").read_text(encoding="utf-8")
    key = ["-----BEGIN KEY-----", "  <<unchanged = \\ $HOME"]
    assert found.split("|") == ["abc%0Adef", "\n".join([*key, "}"]), "", "last", "", ""]
    masked = [line for line in done.stdout.splitlines() if line.startswith("::add-mask::")]
    assert masked == [f"::add-mask::{line}" for line in ("abc%250Adef", *key, "last")]


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
def test_invalid_variables(fake: FakeInstallation, name: str, text: str, problem: str) -> None:
    done = _workflow(fake, **{name: text})
    assert (done.returncode, fake.calls, done.stderr) == (4, [], "")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("::add-mask::")]
    assert lines == [f"::error title={name}::{problem}"]
    assert "secret" not in Path(fake.variables["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")


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
    fake: FakeInstallation, pre: int, post: int, code: int, verdict: str
) -> None:
    fake.exit_codes("pre", pre)
    fake.exit_codes("post", post)
    _workflow(fake)
    assert outputs(fake) == {"verdict": verdict, "exit-code": str(code)}


@pytest.mark.parametrize(
    ("post", "code", "rolled_back"), [(0, 0, False), (1, 1, True), (6, 6, False), (4, 4, False)]
)
def test_the_workflow_rolls_back_only_after_a_no_go(
    fake: FakeInstallation, post: int, code: int, rolled_back: bool
) -> None:
    fake.exit_codes("post", post)
    done = _workflow(fake)
    assert done.returncode == code
    assert ("rollback" in fake.calls) is rolled_back
