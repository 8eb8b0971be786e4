"""`gated-deploy`: its options, its help and usage errors."""

from pathlib import Path

import pytest

from tests.ci.fake_installation import (
    DEPLOYED,
    FakeInstallation,
    deploy,
    install,
    message_of,
)


@pytest.fixture
def fake(tmp_path: Path) -> FakeInstallation:
    return install(tmp_path, tmp_path / "stackproof")


def test_an_annotation_escapes_workflow_commands(fake: FakeInstallation) -> None:
    variables = {"GITHUB_ACTIONS": "true"}
    line = "stackproof/scripts/gated-deploy shop api $'--a=%\n::error::x'"
    assert fake.bash(line, variables).stdout == (
        "::error title=gated-deploy::unknown option --a=%25 ::error::x\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "name the environment"),
        ("--wait=3", "name the environment"),
        ("shop", "name the services"),
        ("shop -- true", "name the services"),
        ("shop api --wait", "unknown option --wait"),
        ("shop api --rollback= -- true", "unknown option --rollback="),
        ("shop api --gate=pre -- true", "unknown option --gate=pre"),
        ("shop api --slo=most -- true", "--slo: expected a percentage, got most"),
        ("shop api", "name the deploy command after --"),
        ("shop api --", "name the deploy command after --"),
    ],
)
def test_wrong_usage(fake: FakeInstallation, arguments: str, message: str) -> None:
    done = fake.bash(f"stackproof/scripts/gated-deploy {arguments}", {})
    assert (done.returncode, fake.calls) == (4, [])
    assert done.stderr.startswith(f"gated-deploy: {message}\n")
    assert done.stderr.count("--rollback=COMMAND") == 1


def test_stackproof_is_not_installed(fake: FakeInstallation) -> None:
    program = fake.folder / "stackproof" / ".venv" / "bin" / "stackproof"
    program.unlink()
    done = deploy(fake)
    assert (done.returncode, fake.calls) == (4, [])
    assert message_of(done) == (
        f"there is no {program}: install stackproof in {fake.folder}/stackproof/.venv"
    )


@pytest.mark.parametrize("arguments", ["--help", "-h", "shop --help", "shop api --wait=3 --help"])
def test_help(fake: FakeInstallation, arguments: str) -> None:
    done = fake.bash(f"stackproof/scripts/gated-deploy {arguments}", {})
    assert (done.returncode, done.stderr, fake.calls) == (0, "", [])
    assert done.stdout.startswith("Deploys between gates: ")
    assert done.stdout.count("--rollback=COMMAND") == 1


def test_help_of_the_deploy_command(fake: FakeInstallation) -> None:
    done = fake.bash("stackproof/scripts/gated-deploy shop api -- echo --help", {})
    assert (done.returncode, fake.steps) == (0, ["pre", "stackproof", "post"])


def test_an_unknown_deploy_command(fake: FakeInstallation) -> None:
    done = fake.bash("stackproof/scripts/gated-deploy shop api -- gate", {})
    assert (done.returncode, fake.calls) == (4, [])
    assert done.stderr.startswith("gated-deploy: there is no command gate\n")


def test_another_virtual_environment(fake: FakeInstallation) -> None:
    elsewhere = fake.folder / "venv"
    (fake.folder / "stackproof" / ".venv").rename(elsewhere)
    done = deploy(fake, STACKPROOF_VENV=str(elsewhere))
    assert (done.returncode, fake.steps) == (0, DEPLOYED)
