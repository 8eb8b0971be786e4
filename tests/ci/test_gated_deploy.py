"""The deploy between the gates: what happens next, whatever a gate says."""

import html
import json
import os
import re
import shlex
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
    assert _last(done).startswith("the pre gate stopped it: nothing was deployed")


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6])
def test_where_nobody_could_look_nothing_is_rolled_back(stage: Stage, code: int) -> None:
    stage.says("post", code)
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.course) == (code, ALL_WELL)
    assert _last(done).startswith(
        "it is unknown whether the deploy is right: nothing is rolled back: "
    )


@pytest.mark.parametrize(
    ("code", "last"),
    [
        (0, "no-go: rolled back, and what ran before runs again"),
        (1, "no-go: rolled back, and what runs is still not as it was before"),
        (
            6,
            "no-go: rolled back, but the result is unknown: "
            "2 checks could not be evaluated (exit code 6)",
        ),
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


@pytest.mark.parametrize(("ended", "code"), [(17, 17), (1, 8), (4, 8), (6, 8), (7, 8), (8, 8)])
def test_a_failed_command_is_no_success_though_the_stack_is_right(
    stage: Stage, ended: int, code: int
) -> None:
    done = _deploy(stage, f"--rollback={ROLLBACK}", deploy=f"{DEPLOY}; exit {ended}")
    assert (done.returncode, stage.course) == (code, ALL_WELL)
    assert _last(done) == (
        f"the stack is right, but the deploy command ended with exit code {ended}"
    )


@pytest.mark.parametrize(
    ("objective", "slo", "code", "last"),
    [
        ("met", "--slo=99", 0, "deployed"),
        ("missed", "--slo=99", 7, "deployed, but a route was less available than 99 %"),
        (
            "unknown", "--slo=99", 6,
            "deployed, but it is unknown whether every route was available for 99 %",
        ),
        ("missed", "", 0, "deployed"),
        ("unknown", "", 0, "deployed"),
    ],
)  # fmt: skip
def test_availability_counts_where_an_objective_is_given(
    stage: Stage, objective: str, slo: str, code: int, last: str
) -> None:
    (stage.folder / "watch").write_text(objective, encoding="utf-8")
    done = _deploy(stage, f"--rollback={ROLLBACK}", *filter(None, [slo]))
    assert (done.returncode, stage.course, _last(done)) == (code, ALL_WELL, last)


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

    def arguments(program: str) -> list[str]:
        *told, run = stage.arguments(program)
        assert re.fullmatch("--testrunuid=[0-9a-f]{32}", run)
        return told

    assert arguments("pytest pre") == [
        *gate, "--gate=pre", *reports, "--junitxml=out/shop/junit-pre.xml", "--environments=envs",
        "--services=api,nginx", "--compose-file=a.yml", "--compose-file=b c.yml", "--project-dir=.",
        "-p", "xdist",
    ]  # fmt: skip
    assert stage.arguments("stackproof") == [
        "watch", "shop", "--output=out", "--slo=99.9", "--environments=envs",
        "--", "bash", "-c", DEPLOY,
    ]  # fmt: skip
    assert arguments("pytest post") == [
        *gate, "--gate=post", *reports, "--junitxml=out/shop/junit-post.xml",
        "--environments=envs", "--services=api,nginx", "--compose-file=a.yml",
        "--compose-file=b c.yml", "--project-dir=.", "--wait=60", "-p", "xdist",
    ]  # fmt: skip
    assert arguments("pytest rollback") == [
        *gate, "--gate=rollback", *reports, "--junitxml=out/shop/junit-rollback.xml",
        "--environments=envs", "--wait=60", "-p", "xdist",
    ]  # fmt: skip
    kept = {
        path.name: json.loads(path.read_text("utf-8"))["gate"]
        for path in stage.folder.glob("out/shop/verdict*.json")
    }
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


def test_github_is_told_what_became_of_it(stage: Stage, tmp_path: Path) -> None:
    stage.says("post", 4)
    summary = tmp_path / "summary.md"
    reason = (
        "it is unknown whether the deploy is right: nothing is rolled back: "
        "ERROR: the environment is not <valid>"
    )
    assert "::" not in _deploy(stage).stdout
    done = _deploy(stage, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert done.stdout.splitlines()[-1] == f"::error title=deploy of shop::{reason}"
    assert summary.read_text(encoding="utf-8") == (
        f"<h2>deploy of shop</h2>\n\n<pre>{html.escape(reason, quote=False)}</pre>\n\n"
    )


def test_wrong_usage_is_an_annotation_that_commands_nothing(stage: Stage) -> None:
    variables = {"GITHUB_ACTIONS": "true"}
    line = "stackproof/scripts/gated-deploy shop api $'--a=%\n::error::x'"
    assert stage.bash(line, variables).stdout == (
        "::error title=gated-deploy::what is --a=%25 ::error::x?\n"
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
        ("shop api --slo=most -- true", "--slo: expected a percentage, got most"),
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


@pytest.mark.parametrize("arguments", ["--help", "-h", "shop --help", "shop api --wait=3 --help"])
def test_help(stage: Stage, arguments: str) -> None:
    done = stage.bash(f"stackproof/scripts/gated-deploy {arguments}", {})
    assert (done.returncode, done.stderr, stage.calls) == (0, "", [])
    assert done.stdout.startswith("Deploys between the gates: ")
    assert done.stdout.count("--rollback=COMMAND") == 1


def test_help_that_is_asked_of_the_deploy_command(stage: Stage) -> None:
    done = stage.bash("stackproof/scripts/gated-deploy shop api -- echo --help", {})
    assert (done.returncode, stage.course) == (0, ["pre", "stackproof", "post"])


def test_a_deploy_command_that_does_not_exist(stage: Stage) -> None:
    done = stage.bash("stackproof/scripts/gated-deploy shop api -- gate", {})
    assert (done.returncode, stage.calls) == (4, [])
    assert done.stderr.startswith("gated-deploy: there is no command gate\n")


def test_a_virtual_environment_elsewhere(stage: Stage) -> None:
    elsewhere = stage.folder / "venv"
    (stage.folder / "stackproof" / ".venv").rename(elsewhere)
    done = _deploy(stage, STACKPROOF_VENV=str(elsewhere))
    assert (done.returncode, stage.course) == (0, ALL_WELL)


# What a gate leaves behind that is no verdict of its own, whatever its exit code.
SPOILED = {
    "none": 'rm "$verdict"',
    "of another run": 'sed -i "s/$run/another/" "$verdict"',
    "of another environment": """sed -i 's/"shop"/"prod"/' "$verdict" """,
    "of another gate": 'sed -i "s/$quoted/null/" "$verdict"',
    "no JSON": "truncate -s 40 $verdict",
    "empty": ': >"$verdict"',
    "a list": 'echo "[]" >"$verdict"',
    "nested deeply": 'printf "[%.0s" {1..100000} >"$verdict"',
    "a folder": 'rm "$verdict"; mkdir "$verdict"',
    "of a replay": """sed -i 's/"counts"/"replay_of": "2026-01-01", "counts"/' "$verdict" """,
    "another exit code": """sed -i 's/"exit_code": ./"exit_code": 6/' "$verdict" """,
    "unknown": """sed -i 's/"verdict": "[a-z-]*"/"verdict": "unknown"/' "$verdict" """,
    "the opposite": """sed -i 's/"no-go"/"x"/; s/"go"/"no-go"/; s/"x"/"go"/' "$verdict" """,
    "killed": "kill -KILL $$",
    "terminated": "kill -TERM $$",
    "out of memory": "exit 137",
    "internal error": "exit 3",
    "the other exit code": "exit $((1 - code))",
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("gate", ["pre", "post"])
def test_only_a_verdict_of_this_run_counts(stage: Stage, gate: str, code: int, spoil: str) -> None:
    stage.says(gate, code)
    stage.then(gate, spoil)
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    expected = 3 if spoil == "exit 3" else 6
    assert (done.returncode, stage.course) == (expected, ALL_WELL if gate == "post" else ["pre"])
    assert ("nothing was deployed" if gate == "pre" else "nothing is rolled back") in _last(done)


def test_a_verdict_that_cannot_be_removed_is_not_taken_for_a_new_one(stage: Stage) -> None:
    """As in a folder that became read-only: every gate ends well and none can write."""
    folder = stage.folder / "stackproof" / "reports" / "out" / "shop"
    (folder / "verdict.json" / "in-the-way").mkdir(parents=True)
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.course) == (6, ["pre"])


@pytest.mark.parametrize("name", ["baseline.json", "watch.json", "verdict-post.json"])
def test_a_result_of_an_earlier_deploy_that_cannot_be_removed(stage: Stage, name: str) -> None:
    earlier = stage.folder / "stackproof" / "reports" / "out" / "shop" / name
    earlier.mkdir(parents=True)
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.calls) == (6, [])
    assert _last(done) == f"{earlier} of an earlier deploy cannot be removed: nothing was deployed"


@pytest.mark.parametrize("spoil", ["rm", "truncate -s0"])
def test_without_a_baseline_nothing_is_deployed(stage: Stage, spoil: str) -> None:
    stage.then("pre", f"{spoil} $output/$environment/baseline.json")
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.course) == (6, ["pre"])


@pytest.mark.parametrize(
    "spoil",
    ["rm $output/$environment/watch.json; kill -KILL $$", ": >$output/$environment/watch.json"],
)
def test_where_the_watch_is_lost_the_deploy_may_still_run(stage: Stage, spoil: str) -> None:
    stage.then("watch", spoil)
    done = _deploy(stage, f"--rollback={ROLLBACK}")
    assert (done.returncode, stage.course) == (6, ALL_WELL[:3])
    assert _last(done).startswith(
        "the watch left no result, so the deploy may be unfinished: nothing is rolled back: "
    )


def test_a_gate_that_hangs_is_ended(stage: Stage) -> None:
    script = stage.folder / "stackproof" / "scripts" / "gate.sh"
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace("GATE_SECONDS=180", "GATE_SECONDS=1"), encoding="utf-8")
    stage.then("post", "exec sleep 60")
    done = _deploy(stage, f"--rollback={ROLLBACK}", "--wait=0")
    assert (done.returncode, stage.course) == (6, ALL_WELL)
    assert _last(done).endswith(": the gate did not end within 1 s")


BROKEN_OUTPUTS = (
    ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1",
    "| true", "2>&1 | true", "2> >(true)", "| head -1", "2>&1 | head -1",
)  # fmt: skip
CHATTY = f"{DEPLOY}; seq 100000 || exit 9; seq 100000 >&2 || exit 9; {DEPLOY}"


@pytest.mark.parametrize("broken", BROKEN_OUTPUTS)
@pytest.mark.parametrize("post", [0, 1])
def test_a_broken_output_changes_nothing(stage: Stage, broken: str, post: int) -> None:
    """Nor does it end the deploy half way, which prints more than any pipe holds."""
    stage.says("post", post)
    command = shlex.join(
        [
            "stackproof/scripts/gated-deploy", "shop", "api", f"--rollback={ROLLBACK}",
            "--", "bash", "-c", CHATTY,
        ]
    )  # fmt: skip
    done = stage.bash(f"set -o pipefail; {command} {broken}", {"GITHUB_ACTIONS": "true"})
    course = ROLLED_BACK if post else ALL_WELL
    assert stage.course == [*course[:3], "deploy", *course[3:]]
    assert done.returncode == post


def test_all_that_the_deploy_prints_is_passed_on(stage: Stage) -> None:
    done = _deploy(stage, deploy="seq 100000; seq 100000 >&2")
    numbers = [str(number) for number in range(1, 100_001)]
    assert [line for line in done.stdout.splitlines() if line.isdigit()] == numbers
    assert [line for line in done.stderr.splitlines() if line.isdigit()] == numbers


def test_the_input_is_the_deploy_s_alone(stage: Stage) -> None:
    for gate in ("pre", "post"):
        stage.then(gate, "cat")
    done = stage.bash(
        "{ echo a; sleep 0.5; echo b; } | stackproof/scripts/gated-deploy shop api "
        """-- bash -c 'cat >"$STAGE/read"'""",
        {},
    )
    assert (done.returncode, stage.course) == (0, ["pre", "stackproof", "post"])
    assert (stage.folder / "read").read_text(encoding="utf-8") == "a\nb\n"


def test_what_the_deploy_leaves_running_is_not_waited_for(stage: Stage) -> None:
    done = subprocess.run(
        [
            stage.folder / "stackproof/scripts/gated-deploy", "shop", "api",
            "--", "bash", "-c", 'sleep 20 & echo $! >"$STAGE/left"',
        ],
        cwd=stage.folder, env=stage.environment(), check=False, timeout=15,
    )  # fmt: skip
    os.kill(int((stage.folder / "left").read_text(encoding="utf-8")), signal.SIGKILL)
    assert done.returncode == 0


INTERRUPTED = {
    "pre": (["pre"], "before the deploy: nothing was deployed"),
    "deploy": (ALL_WELL[:3], "during the deploy: nothing is rolled back"),
    "post": (ALL_WELL, "after the deploy: nothing is rolled back"),
    "rollback command": ([*ALL_WELL, "rollback"], "during the rollback"),
    "rollback": (ROLLED_BACK, "after the rollback: its result was not verified"),
}


@pytest.mark.parametrize("phase", INTERRUPTED)
@pytest.mark.parametrize("whole_group", [False, True], ids=["alone", "group"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupt(
    stage: Stage, phase: str, whole_group: bool, number: signal.Signals, code: int
) -> None:
    """Nothing more is begun, and nothing is rolled back that nobody judged."""
    started, go_on = stage.folder / "started", stage.folder / "go-on"
    os.mkfifo(started)
    os.mkfifo(go_on)
    wait = f"echo >{started}; read -r <{go_on}"
    stage.says("post", 1 if phase.startswith("rollback") else 0)
    for gate in {phase} & {"pre", "post", "rollback"}:
        stage.then(gate, wait)
    deploy = f"{DEPLOY}; echo >{started}; sleep 60" if phase == "deploy" else DEPLOY
    rollback = f"{ROLLBACK}; {wait}" if phase == "rollback command" else ROLLBACK
    with subprocess.Popen(
        [
            stage.folder / "stackproof/scripts/gated-deploy", "shop", "api",
            f"--rollback={rollback}", "--", "bash", "-c", deploy,
        ],
        cwd=stage.folder, env=stage.environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        started.read_bytes()
        (os.killpg if whole_group else os.kill)(process.pid, number)
        if phase != "deploy" and not whole_group:
            go_on.write_text("\n", encoding="utf-8")
        _, errors = process.communicate(timeout=RUN_SECONDS)
    course, said = INTERRUPTED[phase]
    assert (process.returncode, stage.course) == (code, course)
    assert errors.splitlines()[-1].startswith(f"gated-deploy: interrupted {said}")
