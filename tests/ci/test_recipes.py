"""The recipes in docs/recipes, run as they stand, but with programs that only note their calls."""

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

from tests.ci.stage import ROOT, RUN_SECONDS, Stage, set_up
from tests.ci.test_github_steps import ACTION, CALLED

RECIPES = ROOT / "docs" / "recipes"
INSTALLED = "/opt/stackproof"
DEPLOYED = ["pre", "stackproof", "deploy", "post"]


def _yaml(name: str) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((RECIPES / name).read_text(encoding="utf-8"))
    return loaded


def _given_rightly(given: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    required = {name for name, each in asked.items() if each.get("required")}
    assert required <= given.keys() <= asked.keys()


def test_the_deploy_of_github_gives_the_workflow_what_it_asks_for() -> None:
    job = _yaml("github-deploy.yml")["jobs"]["prod"]
    assert job["uses"] == f"OWNER/stackproof/.github/workflows/deploy.yml@{'0' * 40}"
    _given_rightly(job["with"], CALLED["inputs"])
    _given_rightly(job["secrets"], CALLED["secrets"])


def test_the_schedule_of_github_gives_the_action_what_it_asks_for() -> None:
    *_, step = _yaml("github-scheduled.yml")["jobs"]["prod"]["steps"]
    assert step["uses"] == "./"
    _given_rightly(step["with"], ACTION["inputs"])
    assert "secrets" not in (RECIPES / "github-scheduled.yml").read_text(encoding="utf-8")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = set_up(tmp_path, tmp_path / "stackproof")
    for name in ("deploy", "rollback"):
        path = tmp_path / f"{name}.sh"
        path.write_text(f'#!/bin/sh\necho {name} >>"$STAGE/calls"\n', encoding="utf-8")
        path.chmod(0o755)
    return stage


@pytest.mark.parametrize(
    ("post", "code", "course"),
    [(0, 0, DEPLOYED), (1, 1, [*DEPLOYED, "rollback", "rollback"]), (6, 6, DEPLOYED)],
)
def test_the_deploy_of_gitlab(stage: Stage, post: int, code: int, course: list[str]) -> None:
    stage.says("post", post)
    job = _yaml("gitlab-ci.yml")["deploy-prod"]
    (line,) = job["script"]
    here = line.replace(INSTALLED, str(stage.folder / "stackproof"))
    assert (stage.bash(here, {}).returncode, stage.course) == (code, course)
    (reports,) = job["artifacts"]["paths"]
    assert {"verdict-pre.json", "verdict-post.json"} <= {
        path.name for path in (stage.folder / reports).iterdir()
    }
    written = next(each for each in stage.arguments("pytest pre") if each.startswith("--junitxml="))
    assert Path(written.partition("=")[2]).match(job["artifacts"]["reports"]["junit"])


def test_the_deploy_in_the_shell(stage: Stage) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```bash\n(stackproof/scripts/gated-deploy .*?)```", page, re.DOTALL)
    assert (stage.bash(line, {}).returncode, stage.course) == (0, DEPLOYED)


def _cron_line() -> tuple[str, str]:
    *_, last = (RECIPES / "stackproof.cron").read_text(encoding="utf-8").splitlines()
    *when, _, command = last.split(maxsplit=6)
    return " ".join(when), command


@pytest.mark.parametrize(("code", "mailed"), [(0, ""), (1, "none said 1"), (6, "none said 6")])
def test_the_line_of_cron_sends_mail_where_it_does_not_end_well(
    stage: Stage, code: int, mailed: str
) -> None:
    stage.says("none", code)
    when, command = _cron_line()
    assert "%" not in command, "cron makes a line's end of it"
    here = command.replace(INSTALLED, str(stage.folder / "stackproof"))
    done = stage.bash(here, {}, by="sh")
    assert (done.stdout.strip(), done.stderr) == (mailed, "")
    assert stage.arguments("pytest none") == ["-m", "prod and synthetic"]
    assert when == "*/15 * * * *"


def _unit(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(RECIPES / name)
    return unit


def test_the_service_of_systemd(stage: Stage) -> None:
    service = _unit("stackproof@.service")["Service"]
    here = service["ExecStart"].replace(INSTALLED, str(stage.folder / "stackproof"))
    output = f"/var/lib/{service['StateDirectory']}"
    command = shlex.split(here.replace("%i", "prod").replace(output, str(stage.folder)))
    stage.says("none", 6)
    done = subprocess.run(command, env=stage.environment(), check=False, timeout=RUN_SECONDS)
    assert done.returncode == 6
    assert stage.arguments("pytest none") == [
        "-m", "prod and synthetic", f"--output={stage.folder}"
    ]  # fmt: skip


NEEDS = {
    "systemd-analyze": "the systemd units are not verified by systemd",
    "crontab": "the line of cron is not verified by cron",
}


@pytest.fixture
def program(request: pytest.FixtureRequest) -> str:
    """A program that verifies a recipe, whose absence is told."""
    name = str(request.param)
    found = shutil.which(name)
    if not found:
        pytest.skip(f"there is no {name}: {NEEDS[name]}")
    return found


@pytest.mark.parametrize("program", ["systemd-analyze"], indirect=True)
def test_systemd_takes_the_units(program: str, tmp_path: Path) -> None:
    set_up(tmp_path, tmp_path / "stackproof")
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
def test_cron_takes_the_line(program: str, tmp_path: Path) -> None:
    # The form of a user's own table, which has no column for the user.
    table = tmp_path / "table"
    table.write_text(" ".join(_cron_line()) + "\n", encoding="utf-8")
    done = subprocess.run(
        [program, "-n", table], capture_output=True, text=True, check=False, timeout=RUN_SECONDS
    )
    assert done.returncode == 0, done.stderr
