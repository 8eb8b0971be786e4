"""The deploy between the gates: what happens next, whatever a gate says."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.ci.stage import DEPLOY, ROLLBACK, RUN_SECONDS, Stage, set_up

ALL_WELL = ["pre", "stackproof", "deploy", "post"]
ROLLED_BACK = [*ALL_WELL, "rollback", "rollback"]  # the command, and its gate


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return set_up(tmp_path, tmp_path / "stackproof")


def _deploy(
    stage: Stage, *options: str, deploy: str = DEPLOY, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            stage.folder / "stackproof/scripts/gated-deploy", "shop", "api,nginx", *options,
            "--", "bash", "-c", deploy,
        ],
        cwd=stage.folder, env=stage.environment(**variables),
        capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
    )  # fmt: skip


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1].removeprefix("gated-deploy: ")


def test_a_good_deploy(stage: Stage) -> None:
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.course, _last(done)) == (0, ALL_WELL, "deployed")


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6])
def test_without_a_go_nothing_is_deployed(stage: Stage, code: int) -> None:
    stage.says("pre", code)
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.course) == (code, ["pre"])
    assert _last(done) == "the pre gate stopped it: nothing was deployed"


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6])
def test_where_nobody_could_look_nothing_is_rolled_back(stage: Stage, code: int) -> None:
    stage.says("post", code)
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.course) == (code, ALL_WELL)
    assert _last(done) == "nobody knows whether the deploy is right: nothing is rolled back"


@pytest.mark.parametrize(
    ("code", "last"),
    [
        (0, "no-go: rolled back, and what ran before runs again"),
        (1, "no-go: rolled back, and what runs is still not as it was before"),
        (6, "no-go: rolled back, and nobody could see what came of it"),
    ],
)
def test_what_is_no_go_is_rolled_back(stage: Stage, code: int, last: str) -> None:
    stage.says("post", 1)
    stage.says("rollback", code)
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.course, _last(done)) == (1, ROLLED_BACK, last)


def test_a_rollback_that_fails_is_looked_at_all_the_same(stage: Stage) -> None:
    stage.says("post", 1)
    stage.says("rollback", 1)
    done = _deploy(stage, f"--rollback={ROLLBACK}; exit 9")
    assert (done.returncode, stage.course) == (1, ROLLED_BACK)
    assert "gated-deploy: the rollback command ended with exit code 9\n" in done.stderr


def test_without_a_rollback_command(stage: Stage) -> None:
    stage.says("post", 1)
    done = _deploy(stage)
    assert (done.returncode, stage.course) == (1, ALL_WELL)
    assert _last(done) == "no-go, and there is no --rollback command"


def test_a_deploy_that_failed_and_changed_nothing_is_not_rolled_back(stage: Stage) -> None:
    stage.says("post", 1)
    stage.says("rollback", 0)
    done = _deploy(stage, f"--rollback={ROLLBACK}", deploy=f"{DEPLOY}; exit 17")
    assert (done.returncode, stage.course) == (1, [*ALL_WELL, "rollback"])
    assert stage.calls[-1].startswith("pytest rollback ")
    assert _last(done) == "no-go: the deploy failed, and what ran before still runs"


def test_github_is_not_shown_a_look_whether_anything_is_to_be_rolled_back(stage: Stage) -> None:
    stage.says("post", 1)
    stage.says("rollback", 1, 0)
    done = _deploy(stage, f"--rollback={ROLLBACK}", deploy="exit 17", GITHUB_ACTIONS="true")
    assert done.stdout.splitlines() == [
        "pre said 0 to GitHub",
        "post said 1 to GitHub",
        "rollback said 1",
        "rollback said 0 to GitHub",
        "::error title=deploy of shop::no-go: rolled back, and what ran before runs again",
    ]


@pytest.mark.parametrize("seen", [1, 6])
def test_a_deploy_that_failed_halfway_is_rolled_back(stage: Stage, seen: int) -> None:
    stage.says("post", 1)
    stage.says("rollback", seen, 0)
    done = _deploy(stage, f"--rollback={ROLLBACK}", deploy=f"{DEPLOY}; exit 17")
    assert (done.returncode, stage.course) == (1, [*ALL_WELL, *["rollback"] * 3])
    assert _last(done) == "no-go: rolled back, and what ran before runs again"


@pytest.mark.parametrize(("deploy", "watch", "code"), [("exit 17", 0, 17), ("true", 1, 1)])
def test_what_is_right_at_last_is_no_success_where_the_deploy_was_none(
    stage: Stage, deploy: str, watch: int, code: int
) -> None:
    stage.says("watch", watch)
    done = _deploy(stage, f"--rollback={ROLLBACK}", deploy=f"{DEPLOY}; {deploy}")
    assert (done.returncode, stage.course) == (code, ALL_WELL)
    assert _last(done) == (
        f"the stack is right, but the deploy under watch ended with exit code {code}"
    )


def test_who_is_told_what(stage: Stage) -> None:
    stage.says("post", 1)
    _deploy(
        stage,
        f"--rollback={ROLLBACK}",
        "--slo=99.9",
        "--wait=60",
        "--compose-file=a.yml",
        "--compose-file=b c.yml",
        "--project-dir=.",
        "--environments=envs",
        "--output=out",
    )
    root = stage.folder / "stackproof"
    gate = ["-c", f"{root}/pyproject.toml", f"{root}/suites"]
    reports = ["-m", "shop", "--output=out"]
    assert stage.arguments("pytest pre") == [
        *gate, "--gate=pre", *reports, "--junitxml=out/shop/junit-pre.xml", "--environments=envs",
        "--services=api,nginx", "--compose-file=a.yml", "--compose-file=b c.yml", "--project-dir=.",
    ]  # fmt: skip
    assert stage.arguments("stackproof") == [
        "watch", "shop", "--output=out", "--slo=99.9", "--environments=envs",
        "--", "bash", "-c", DEPLOY,
    ]  # fmt: skip
    assert stage.arguments("pytest post") == [
        *gate, "--gate=post", *reports, "--junitxml=out/shop/junit-post.xml",
        "--environments=envs", "--services=api,nginx", "--compose-file=a.yml",
        "--compose-file=b c.yml", "--project-dir=.", "--wait=60",
    ]  # fmt: skip
    assert stage.arguments("pytest rollback") == [
        *gate, "--gate=rollback", *reports, "--junitxml=out/shop/junit-rollback.xml",
        "--environments=envs", "--wait=60",
    ]  # fmt: skip
    kept = {path.name: path.read_text("utf-8").strip() for path in stage.folder.glob("out/shop/*")}
    assert kept == {"verdict.json": "rollback"} | {
        f"verdict-{gate}.json": gate for gate in ("pre", "post", "rollback")
    }


def test_nothing_of_an_earlier_deploy_is_kept(stage: Stage) -> None:
    stage.says("pre", 1)
    kept = stage.folder / "stackproof" / "reports" / "out" / "shop"
    kept.mkdir(parents=True)
    for name in ("verdict-post.json", "junit-post.xml", "baseline.json"):
        (kept / name).touch()
    _deploy(stage)
    assert {path.name for path in kept.iterdir()} == {
        "verdict.json", "verdict-pre.json", "baseline.json"
    }  # fmt: skip


def test_github_is_told_what_became_of_it(stage: Stage) -> None:
    stage.says("post", 6)
    assert "::" not in _deploy(stage).stdout
    assert _deploy(stage, GITHUB_ACTIONS="true").stdout.splitlines()[-1] == (
        "::error title=deploy of shop::nobody knows whether the deploy is right: "
        "nothing is rolled back"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "which environment?"),
        ("--wait=3", "which environment?"),
        ("shop", "which services?"),
        ("shop -- true", "which services?"),
        ("shop api --wait", "what is --wait?"),
        ("shop api --rollback= -- true", "what is --rollback=?"),
        ("shop api --gate=pre -- true", "what is --gate=pre?"),
        ("shop api", "deploy with which command?"),
        ("shop api --", "deploy with which command?"),
    ],
)
def test_wrong_usage(stage: Stage, arguments: str, said: str) -> None:
    done = stage.bash(f"stackproof/scripts/gated-deploy {arguments}", {})
    assert (done.returncode, stage.calls) == (4, [])
    assert done.stderr.startswith(f"gated-deploy: {said}\n")
    assert done.stderr.count("--rollback=COMMAND") == 1


def test_where_stackproof_is_not_installed(stage: Stage) -> None:
    program = stage.folder / "stackproof" / ".venv" / "bin" / "stackproof"
    program.unlink()
    done = _deploy(stage)
    assert (done.returncode, stage.calls) == (4, [])
    assert _last(done) == (
        f"there is no {program}: install stackproof in {stage.folder}/stackproof/.venv"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_interrupted_is_not_rolled_back(stage: Stage, number: signal.Signals) -> None:
    started = stage.folder / "started"
    os.mkfifo(started)
    with subprocess.Popen(
        [
            stage.folder / "stackproof/scripts/gated-deploy", "shop", "api",
            f"--rollback={ROLLBACK}", "--", "bash", "-c", f"echo >{started}; sleep 60",
        ],
        cwd=stage.folder, env=stage.environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        started.read_bytes()
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=RUN_SECONDS)
    assert (process.returncode, stage.course) == (130, ["pre", "stackproof"])
    assert errors.splitlines()[-1] == "gated-deploy: interrupted, and nothing is rolled back"
