"""The steps of the action, run as on a GitHub runner."""

from pathlib import Path

import pytest

from tests.ci.fake_installation import FakeInstallation, install
from tests.ci.github import arguments, find_step, outputs, runner, variables


@pytest.fixture
def fake(tmp_path: Path) -> FakeInstallation:
    return runner(tmp_path)


def test_the_workspace_stays_clean(fake: FakeInstallation) -> None:
    """The application is checked out there."""
    workspace, runner = fake.folder / "workspace", fake.folder / "runner"
    variables = {"GITHUB_WORKSPACE": str(workspace)}
    for folder in (workspace / ".stackproof", fake.folder / "action"):
        (folder / "scripts").mkdir(parents=True)
        (folder / "requirements.lock").touch()
        install = folder / "scripts" / "install"
        install.write_text('#!/bin/sh\necho "$@" >>"$FAKE/installed"\n', encoding="utf-8")
        install.chmod(0o755)
    for where, name in [
        ("action", "Show the lock file to the cache"),
        ("action", "Install stackproof"),
        ("workflow", "Install stackproof"),
    ]:
        done = fake.bash(find_step(where, name)["run"], variables, workspace)
        assert (done.returncode, done.stderr) == (0, "")
    assert list(workspace.iterdir()) == []
    lines = (fake.folder / "installed").read_text(encoding="utf-8").splitlines()
    assert lines == [f"{runner}/stackproof-venv"] * 2


def _verify(fake: FakeInstallation, **inputs: str) -> tuple[int, dict[str, str]]:
    install(fake.folder, fake.folder / "action", fake.folder / "runner" / "stackproof-venv")
    step = find_step("action", "Verify")
    done = fake.bash(step["run"], variables(step, **inputs), fake.folder / "workspace")
    return done.returncode, outputs(fake) | {"stdout": done.stdout}


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(0, "go"), (1, "no-go"), (6, "unknown"), (2, "unknown"), (4, "unknown"), (5, "unknown")],
)
@pytest.mark.parametrize("gate", ["post", ""])
def test_the_outputs_of_the_action(
    fake: FakeInstallation, gate: str, code: int, verdict: str
) -> None:
    fake.exit_codes(gate or "none", code)
    ended, outputs = _verify(fake, environment="shop", gate=gate, services="api")
    lines = outputs.pop("stdout")
    assert ended == code
    assert outputs == {
        "verdict": verdict,
        "exit-code": str(code),
        "reports": f"{fake.variables['RUNNER_TEMP']}/stackproof",
    }
    assert ("\n::error title=shop" in lines) is (verdict == "unknown")


@pytest.mark.parametrize("spoil", ['rm "$verdict"', 'sed -i "s/$run/another/" "$verdict"'])
@pytest.mark.parametrize("code", [0, 1])
def test_the_action_needs_a_verdict_of_this_run(
    fake: FakeInstallation, code: int, spoil: str
) -> None:
    fake.exit_codes("post", code)
    fake.run_after("post", spoil)
    ended, outputs = _verify(fake, environment="shop", gate="post", services="api")
    assert (ended, outputs["verdict"], outputs["exit-code"]) == (6, "unknown", "6")


def test_usage_errors_on_github(fake: FakeInstallation) -> None:
    fake.exit_codes("pre", 4)
    _, outputs = _verify(fake, environment="shop", gate="pre", services="api")
    assert outputs["stdout"].splitlines()[-1] == (
        "::error title=shop%2C pre gate::unknown: ERROR: the environment is not <valid>"
    )
    assert Path(fake.variables["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8") == (
        "<h2>shop, pre gate</h2>\n\n"
        "<pre>unknown: ERROR: the environment is not &lt;valid&gt;</pre>\n\n"
    )


def test_the_inputs_of_the_action(fake: FakeInstallation) -> None:
    _verify(
        fake, environment="shop", gate="pre", services="api,web", wait="60", project_dir="a dir",
        compose_file="a.yml\nb c.yml\n", environments="envs", select="routes or tls",
        args="-n 2\n--maxfail=1",
    )  # fmt: skip
    action = fake.variables["GITHUB_ACTION_PATH"]
    assert arguments(fake, "pre") == [
        "-c", f"{action}/pyproject.toml", "--gate=pre", "-m", "shop",
        f"--output={fake.variables['RUNNER_TEMP']}/stackproof", "-m", "shop and (routes or tls)",
        "--services=api,web", "--wait=60", "--project-dir=a dir", "--environments=envs",
        "--compose-file=a.yml", "--compose-file=b c.yml", "-n", "2", "--maxfail=1", "-p", "xdist",
    ]  # fmt: skip


def test_empty_inputs_are_no_options(fake: FakeInstallation) -> None:
    _verify(fake, environment="shop")
    action = fake.variables["GITHUB_ACTION_PATH"]
    assert arguments(fake, "none") == [
        "-c", f"{action}/pyproject.toml", "-m", "shop",
        f"--output={fake.variables['RUNNER_TEMP']}/stackproof", "-p", "xdist",
    ]  # fmt: skip
