"""`gated-deploy`: its decisions for every result of the gates, the deploy and the watch."""

import html
import json
import re
from pathlib import Path

import pytest

from tests.ci.fake_installation import (
    DEPLOY,
    DEPLOYED,
    ROLLBACK,
    ROLLED_BACK,
    FakeInstallation,
    deploy,
    install,
    message_of,
)


@pytest.fixture
def fake(tmp_path: Path) -> FakeInstallation:
    return install(tmp_path, tmp_path / "stackproof")


def test_a_good_deploy(fake: FakeInstallation) -> None:
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.steps, message_of(done)) == (0, DEPLOYED, "deployed")


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6])
def test_nothing_is_deployed_without_a_go(fake: FakeInstallation, code: int) -> None:
    fake.exit_codes("pre", code)
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.steps) == (code, ["pre"])
    assert message_of(done).startswith("the pre gate stopped it: nothing was deployed")


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6])
def test_nothing_is_rolled_back_if_the_post_gate_is_unknown(
    fake: FakeInstallation, code: int
) -> None:
    fake.exit_codes("post", code)
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.steps) == (code, DEPLOYED)
    assert message_of(done).startswith(
        "it is unknown whether the deploy is right: nothing is rolled back: "
    )


@pytest.mark.parametrize(
    ("code", "last"),
    [
        (0, "no-go: rolled back, and the previous release runs again"),
        (1, "no-go: rolled back, but the stack is not as it was before"),
        (
            6,
            "no-go: rolled back, but the result is unknown: "
            "2 checks could not be evaluated (exit code 6)",
        ),
    ],
)
def test_a_no_go_is_rolled_back(fake: FakeInstallation, code: int, last: str) -> None:
    fake.exit_codes("post", 1)
    fake.exit_codes("rollback", code)
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.steps, message_of(done)) == (1, ROLLED_BACK, last)


def test_a_failed_rollback_is_verified_too(fake: FakeInstallation) -> None:
    fake.exit_codes("post", 1)
    fake.exit_codes("rollback", 1)
    done = deploy(fake, f"--rollback={ROLLBACK}; exit 9")
    assert (done.returncode, fake.steps) == (1, ROLLED_BACK)
    assert "gated-deploy: the rollback command ended with exit code 9\n" in done.stderr


def test_without_a_rollback_command(fake: FakeInstallation) -> None:
    fake.exit_codes("post", 1)
    done = deploy(fake)
    assert (done.returncode, fake.steps) == (1, DEPLOYED)
    assert message_of(done) == "no-go, and there is no --rollback command"


def test_a_failed_deploy_without_changes_is_not_rolled_back(fake: FakeInstallation) -> None:
    fake.exit_codes("post", 1)
    fake.exit_codes("rollback", 0)
    done = deploy(fake, f"--rollback={ROLLBACK}", command=f"{DEPLOY}; exit 17")
    assert (done.returncode, fake.steps) == (1, [*DEPLOYED, "rollback"])
    assert fake.calls[-1].startswith("pytest rollback ")
    assert message_of(done) == "no-go: the deploy failed, and the previous release still runs"


def test_github_does_not_show_the_check_for_changes(fake: FakeInstallation) -> None:
    fake.exit_codes("post", 1)
    fake.exit_codes("rollback", 1, 0)
    done = deploy(fake, f"--rollback={ROLLBACK}", command="exit 17", GITHUB_ACTIONS="true")
    assert done.stdout.splitlines() == [
        "pre exited with 0 on GitHub",
        "post exited with 1 on GitHub",
        "rollback exited with 1",
        "rollback exited with 0 on GitHub",
        "::error title=deploy of shop::no-go: rolled back, and the previous release runs again",
    ]


@pytest.mark.parametrize("verdict", [1, 6])
def test_a_deploy_that_fails_halfway_is_rolled_back(fake: FakeInstallation, verdict: int) -> None:
    fake.exit_codes("post", 1)
    fake.exit_codes("rollback", verdict, 0)
    done = deploy(fake, f"--rollback={ROLLBACK}", command=f"{DEPLOY}; exit 17")
    assert (done.returncode, fake.steps) == (1, [*DEPLOYED, *["rollback"] * 3])
    assert message_of(done) == "no-go: rolled back, and the previous release runs again"


@pytest.mark.parametrize(("ended", "code"), [(17, 17), (1, 8), (4, 8), (6, 8), (7, 8), (8, 8)])
def test_the_exit_code_of_a_failed_command_with_a_go(
    fake: FakeInstallation, ended: int, code: int
) -> None:
    done = deploy(fake, f"--rollback={ROLLBACK}", command=f"{DEPLOY}; exit {ended}")
    assert (done.returncode, fake.steps) == (code, DEPLOYED)
    assert message_of(done) == (
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
def test_the_availability_objective(
    fake: FakeInstallation, objective: str, slo: str, code: int, last: str
) -> None:
    (fake.folder / "watch").write_text(objective, encoding="utf-8")
    done = deploy(fake, f"--rollback={ROLLBACK}", *filter(None, [slo]))
    assert (done.returncode, fake.steps, message_of(done)) == (code, DEPLOYED, last)


def test_arguments(fake: FakeInstallation) -> None:
    fake.exit_codes("post", 1)
    deploy(
        fake,
        f"--rollback={ROLLBACK}",
        "--slo=99.9",
        "--wait=60",
        "--compose-file=a.yml",
        "--compose-file=b c.yml",
        "--project-dir=.",
        "--environments=envs",
        "--output=out",
    )
    root = fake.folder / "stackproof"
    gate = ["-c", f"{root}/pyproject.toml"]
    reports = ["-m", "shop", "--output=out"]

    def arguments(program: str) -> list[str]:
        *options, run = fake.arguments(program)
        assert re.fullmatch("--testrunuid=[0-9a-f]{32}", run)
        return options

    assert arguments("pytest pre") == [
        *gate, "--gate=pre", *reports, "--junitxml=out/shop/junit-pre.xml", "--environments=envs",
        "--services=api,nginx", "--compose-file=a.yml", "--compose-file=b c.yml", "--project-dir=.",
        "-p", "xdist",
    ]  # fmt: skip
    assert fake.arguments("stackproof") == [
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
        for path in fake.folder.glob("out/shop/verdict*.json")
    }
    assert kept == {"verdict.json": "rollback"} | {
        f"verdict-{gate}.json": gate for gate in ("pre", "post", "rollback")
    }


def test_earlier_results_are_removed(fake: FakeInstallation) -> None:
    fake.exit_codes("pre", 1)
    kept = fake.folder / "stackproof" / "reports" / "out" / "shop"
    kept.mkdir(parents=True)
    for name in ("verdict-post.json", "junit-post.xml", "baseline.json"):
        (kept / name).touch()
    deploy(fake)
    assert {path.name for path in kept.iterdir()} == {
        "verdict.json", "verdict-pre.json", "baseline.json"
    }  # fmt: skip


def test_the_annotation_and_summary_on_github(fake: FakeInstallation, tmp_path: Path) -> None:
    fake.exit_codes("post", 4)
    summary = tmp_path / "summary.md"
    reason = (
        "it is unknown whether the deploy is right: nothing is rolled back: "
        "ERROR: the environment is not <valid>"
    )
    assert "::" not in deploy(fake).stdout
    done = deploy(fake, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert done.stdout.splitlines()[-1] == f"::error title=deploy of shop::{reason}"
    assert summary.read_text(encoding="utf-8") == (
        f"<h2>deploy of shop</h2>\n\n<pre>{html.escape(reason, quote=False)}</pre>\n\n"
    )


SPOILED = {
    "of another run": (0, 'sed -i "s/$run/another/" "$verdict"', 6),
    "not written": (1, 'rm "$verdict"', 6),
    "killed": (0, "kill -KILL $$", 6),
    "internal error": (1, "exit 3", 3),
    "the other exit code": (1, "exit 0", 6),
}
"""A gate that leaves no verdict of its own: its exit code, what follows it, and ours."""


@pytest.mark.parametrize("spoiled", SPOILED)
@pytest.mark.parametrize("gate", ["pre", "post"])
def test_only_a_verdict_of_this_run_counts(fake: FakeInstallation, gate: str, spoiled: str) -> None:
    code, line, expected = SPOILED[spoiled]
    fake.exit_codes(gate, code)
    fake.run_after(gate, line)
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.steps) == (expected, DEPLOYED if gate == "post" else ["pre"])
    assert ("nothing was deployed" if gate == "pre" else "nothing is rolled back") in message_of(
        done
    )


def test_an_old_verdict_that_cannot_be_removed(fake: FakeInstallation) -> None:
    """As in a read-only directory: every gate exits with 0 and none can write."""
    folder = fake.folder / "stackproof" / "reports" / "out" / "shop"
    (folder / "verdict.json" / "in-the-way").mkdir(parents=True)
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.steps) == (6, ["pre"])


@pytest.mark.parametrize("name", ["baseline.json", "watch.json", "verdict-post.json"])
def test_an_earlier_result_that_cannot_be_removed(fake: FakeInstallation, name: str) -> None:
    earlier = fake.folder / "stackproof" / "reports" / "out" / "shop" / name
    earlier.mkdir(parents=True)
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.calls) == (6, [])
    assert (
        message_of(done)
        == f"{earlier} of an earlier deploy cannot be removed: nothing was deployed"
    )


@pytest.mark.parametrize("spoil", ["rm", "truncate -s0"])
def test_nothing_is_deployed_without_a_baseline(fake: FakeInstallation, spoil: str) -> None:
    fake.run_after("pre", f"{spoil} $output/$environment/baseline.json")
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.steps) == (6, ["pre"])


@pytest.mark.parametrize(
    "spoil",
    ["rm $output/$environment/watch.json; kill -KILL $$", ": >$output/$environment/watch.json"],
)
def test_a_lost_watch(fake: FakeInstallation, spoil: str) -> None:
    fake.run_after("watch", spoil)
    done = deploy(fake, f"--rollback={ROLLBACK}")
    assert (done.returncode, fake.steps) == (6, DEPLOYED[:3])
    assert message_of(done).startswith(
        "the watch left no result, so the deploy may be unfinished: nothing is rolled back: "
    )


def test_a_gate_that_hangs(fake: FakeInstallation) -> None:
    script = fake.folder / "stackproof" / "scripts" / "gate.sh"
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace("GATE_SECONDS=180", "GATE_SECONDS=1"), encoding="utf-8")
    fake.run_after("post", "exec sleep 60")
    done = deploy(fake, f"--rollback={ROLLBACK}", "--wait=0")
    assert (done.returncode, fake.steps) == (6, DEPLOYED)
    assert message_of(done).endswith(": the gate did not end within 1 s")
