"""The recipes in docs/recipes, run unchanged with programs that only record their calls."""

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.fake_installation import ROOT, RUN_SECONDS, FakeInstallation, install
from tests.ci.github import ACTION, CALLED

RECIPES = ROOT / "docs" / "recipes"
INSTALLED = "/opt/stackproof"
DEPLOYED = ["pre", "stackproof", "deploy", "post"]


def _yaml(name: str) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((RECIPES / name).read_text(encoding="utf-8"))
    return loaded


def _assert_valid(given: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    required = {name for name, each in declared.items() if each.get("required")}
    assert required <= given.keys() <= declared.keys()


def test_the_inputs_of_the_github_deploy() -> None:
    job = _yaml("github-deploy.yml")["jobs"]["prod"]
    assert job["uses"] == f"OWNER/stackproof/.github/workflows/deploy.yml@{'0' * 40}"
    _assert_valid(job["with"], CALLED["inputs"])
    _assert_valid(job["secrets"], CALLED["secrets"])


def test_the_inputs_of_the_github_schedule() -> None:
    *_, step = _yaml("github-scheduled.yml")["jobs"]["prod"]["steps"]
    assert step["uses"] == "./"
    _assert_valid(step["with"], ACTION["inputs"])
    assert "secrets" not in (RECIPES / "github-scheduled.yml").read_text(encoding="utf-8")


@pytest.fixture
def fake(tmp_path: Path) -> FakeInstallation:
    fake = install(tmp_path, tmp_path / "stackproof")
    for name in ("deploy", "rollback"):
        path = tmp_path / f"{name}.sh"
        path.write_text(f'#!/bin/sh\necho {name} >>"$FAKE/calls"\n', encoding="utf-8")
        path.chmod(0o755)
    return fake


@pytest.mark.parametrize(
    ("post", "code", "steps"),
    [(0, 0, DEPLOYED), (1, 1, [*DEPLOYED, "rollback", "rollback"]), (6, 6, DEPLOYED)],
)
def test_the_gitlab_deploy(fake: FakeInstallation, post: int, code: int, steps: list[str]) -> None:
    fake.exit_codes("post", post)
    job = _yaml("gitlab-ci.yml")["deploy-prod"]
    (line,) = job["script"]
    here = line.replace(INSTALLED, str(fake.folder / "stackproof"))
    assert (fake.bash(here, {}).returncode, fake.steps) == (code, steps)
    (reports,) = job["artifacts"]["paths"]
    assert {"verdict-pre.json", "verdict-post.json"} <= {
        path.name for path in (fake.folder / reports).iterdir()
    }
    written = next(each for each in fake.arguments("pytest pre") if each.startswith("--junitxml="))
    assert Path(written.partition("=")[2]).match(job["artifacts"]["reports"]["junit"])


def test_the_shell_deploy(fake: FakeInstallation) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```bash\n(stackproof/scripts/gated-deploy .*?)```", page, re.DOTALL)
    assert (fake.bash(line, {}).returncode, fake.steps) == (0, DEPLOYED)


def _cron_line() -> tuple[str, str]:
    *_, last = (RECIPES / "stackproof.cron").read_text(encoding="utf-8").splitlines()
    *when, _, command = last.split(maxsplit=6)
    return " ".join(when), command


@pytest.mark.parametrize(
    ("code", "mailed"), [(0, ""), (1, "none exited with 1"), (6, "none exited with 6")]
)
def test_cron_sends_mail_only_after_a_failure(
    fake: FakeInstallation, code: int, mailed: str
) -> None:
    fake.exit_codes("none", code)
    when, command = _cron_line()
    assert "%" not in command, "cron replaces it by a line break"
    here = command.replace(INSTALLED, str(fake.folder / "stackproof"))
    done = fake.bash(here, {}, by="sh")
    assert (done.stdout.strip(), done.stderr) == (mailed, "")
    assert fake.arguments("pytest none") == ["-m", "prod and synthetic"]
    assert when == "*/15 * * * *"


def _unit(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(RECIPES / name)
    return unit


def test_the_systemd_service(fake: FakeInstallation) -> None:
    service = _unit("stackproof@.service")["Service"]
    here = service["ExecStart"].replace(INSTALLED, str(fake.folder / "stackproof"))
    output = f"/var/lib/{service['StateDirectory']}"
    command = shlex.split(here.replace("%i", "prod").replace(output, str(fake.folder)))
    fake.exit_codes("none", 6)
    done = subprocess.run(command, env=fake.environment(), check=False, timeout=RUN_SECONDS)
    assert done.returncode == 6
    assert fake.arguments("pytest none") == [
        "-m", "prod and synthetic", f"--output={fake.folder}"
    ]  # fmt: skip


NEEDS = {
    "systemd-analyze": "systemd does not verify the units",
    "crontab": "cron does not verify the crontab",
}


@pytest.fixture
def program(request: pytest.FixtureRequest) -> str:
    """A program that verifies a recipe."""
    name = str(request.param)
    found = shutil.which(name)
    if not found:
        pytest.skip(f"there is no {name}: {NEEDS[name]}")
    return found


@pytest.mark.parametrize("program", ["systemd-analyze"], indirect=True)
def test_systemd_accepts_the_units(program: str, tmp_path: Path) -> None:
    install(tmp_path, tmp_path / "stackproof")
    for path in RECIPES.glob("stackproof@.*"):
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text.replace(INSTALLED, f"{tmp_path}/stackproof"))
    for unit in ("stackproof@prod.service", "stackproof@prod.timer"):
        done = subprocess.run(
            [program, "verify", tmp_path / unit], capture_output=True, text=True, check=False,
            timeout=RUN_SECONDS,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("program", ["crontab"], indirect=True)
def test_cron_accepts_the_table(program: str, tmp_path: Path) -> None:
    # The format of a user's crontab, which has no column for the user.
    table = tmp_path / "table"
    table.write_text(" ".join(_cron_line()) + "\n", encoding="utf-8")
    done = subprocess.run(
        [program, "-n", table], capture_output=True, text=True, check=False, timeout=RUN_SECONDS
    )
    assert done.returncode == 0, done.stderr
