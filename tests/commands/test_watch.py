"""`stackproof watch`, from its command line to its exit code and its files."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from commands import deploy, watch
from commands.__main__ import main
from reports.availability import Watch
from tests.commands.moody import Moody

ROOT = Path(__file__).parents[2]
DEADLINE = 30

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def _short_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BEFORE_SECONDS", 0.3)
    monkeypatch.setattr(watch, "AFTER_SECONDS", 0.3)
    monkeypatch.setattr(watch, "AFTER_SECONDS_AT_MOST", 1)


@pytest.fixture
def environments(tmp_path: Path, server: Moody) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    route = {
        "url": f"http://{server.address}/",
        "service": "api",
        "identity": {"fields": {"service": "api"}},
        "instance": {"field": "instance"},
    }
    inside = {"url": "http://localhost:1/", "service": "api", "vantage": "server"}
    shop = {"services": {"api": {}}, "routes": {"api": route, "inside": inside}}
    (folder / "shop.yaml").write_text(yaml.safe_dump(shop), encoding="utf-8")
    inside_only = {"services": {"api": {}}, "routes": {"inside": inside}}
    (folder / "inside.yaml").write_text(yaml.safe_dump(inside_only), encoding="utf-8")
    lost = {**shop, "ca_file": "none.pem"}
    (folder / "lost.yaml").write_text(yaml.safe_dump(lost), encoding="utf-8")
    away = {**shop, "resolve": {server.address: "224.0.0.1:80"}}
    (folder / "away.yaml").write_text(yaml.safe_dump(away), encoding="utf-8")
    return folder


@pytest.fixture
def run(tmp_path: Path, environments: Path) -> Run:
    def run(*command: str, environment: str = "shop", options: tuple[str, ...] = ()) -> int:
        return main(
            [
                "watch", environment, f"--environments={environments}",
                f"--output={tmp_path / 'out'}", "--rate=20", *options, "--", *command,
            ]
        )  # fmt: skip

    return run


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Watch]:
    def read(environment: str = "shop") -> Watch:
        path = tmp_path / "out" / environment / "watch.json"
        return Watch.model_validate_json(path.read_text(encoding="utf-8"))

    return read


def _mood(server: Moody, mood: str) -> str:
    # Whole at every moment: it is read meanwhile.
    new = f"{server.mood_file}.new"
    return f"echo '{mood}' > {new}; mv {new} {server.mood_file}"


def test_all_is_right(
    run: Run, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("sh", "-c", "echo to output; echo to errors >&2; sleep 0.3") == 0
    out, errors = capfd.readouterr()
    assert out == "to output\n"
    told = errors.splitlines()
    assert told[0] == "to errors"
    assert re.fullmatch(r"shop availability: 100 % of \d+ requests", told[1])
    assert told[-1].endswith("/out/shop/watch.svg")
    seen = written()
    assert (seen.exit_code, seen.command_exit_code, seen.interrupted) == (0, 0, False)
    assert [route.route for route in seen.routes] == ["api"]
    [route] = seen.routes
    assert (route.right, route.failures, route.availability) == (route.requests, {}, 100)
    assert [(each.instance, each.before) for each in route.instances] == [("one", True)]
    assert route.before
    assert route.after
    assert route.after.samples == route.requests


def test_an_outage(
    run: Run, server: Moody, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    down, up = _mood(server, "reset"), _mood(server, "right")
    assert run("sh", "-c", f"sleep 0.3; {down}; sleep 0.5; {up}; sleep 0.3") == 7
    told = capfd.readouterr().err
    first = r"api availability: expected at least 100 %, observed \d+\.?\d* %"
    assert re.match(first, told)
    assert "reset: connection reset by peer" in told
    assert "api was down for " in told
    seen = written()
    assert (seen.objective, seen.exit_code) == ("missed", 7)
    [outage] = seen.routes[0].outages
    assert list(outage.failures) == ["reset"]
    assert outage.at_least <= outage.seconds <= outage.at_most


@pytest.mark.parametrize(("slo", "code"), [("100", 7), ("1", 0)])
def test_the_objective(run: Run, server: Moody, slo: str, code: int) -> None:
    script = f"sleep 0.3; {_mood(server, '5xx')}; sleep 0.2; {_mood(server, 'right')}"
    assert run("sh", "-c", script, options=(f"--slo={slo}",)) == code


def test_the_command_s_own_failure_comes_first(
    run: Run, server: Moody, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("sh", "-c", f"{_mood(server, '5xx')}; sleep 0.3; exit 9") == 9
    assert (written().command_exit_code, written().objective) == (9, "missed")
    assert capfd.readouterr().err.splitlines()[1] == "the command ended with exit code 9"


def test_a_command_that_a_signal_ended(run: Run, written: Callable[..., Watch]) -> None:
    assert run("sh", "-c", "kill -KILL $$") == 137
    assert not written().interrupted


def test_an_outage_after_the_command_ended(
    run: Run, server: Moody, written: Callable[..., Watch]
) -> None:
    later = f"(sleep 0.1; {_mood(server, '5xx')}; sleep 0.5; {_mood(server, 'right')}) &"
    assert run("sh", "-c", later) == 7
    [outage] = written().routes[0].outages
    assert outage.ended is not None


def test_an_outage_that_does_not_end_is_not_waited_for_for_ever(
    run: Run, server: Moody, written: Callable[..., Watch]
) -> None:
    assert run("sh", "-c", f"sleep 0.2; {_mood(server, '5xx')}") == 7
    [outage] = written().routes[0].outages
    assert outage.ended is None


def test_a_new_instance(
    run: Run, server: Moody, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("sh", "-c", f"sleep 0.2; {_mood(server, 'new')}; sleep 0.3") == 0
    told = [(each.instance, each.before) for each in written().routes[0].instances]
    assert told == [("one", True), ("two", False)]
    assert "api was answered by one (old, " in capfd.readouterr().err


def test_no_network_here(
    run: Run, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("sleep", "0.2", environment="away") == 6
    first = capfd.readouterr().err.splitlines()[0]
    assert first == (
        "away availability: expected at least 100 %, unknown: "
        "no way to the host: Network is unreachable"
    )
    seen = written("away")
    assert (seen.objective, seen.availability, seen.requests) == ("unknown", None, 0)
    assert seen.routes[0].unseen > 0


def test_a_ca_file_that_cannot_be_read(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = tmp_path / "ran"
    assert run("touch", str(ran), environment="lost") == 6
    assert not ran.exists()
    assert re.fullmatch(
        r"stackproof: nothing can be probed, so the command was not run: "
        r"CA file \S+/none\.pem: No such file or directory\n",
        capfd.readouterr().err,
    )


USAGE = "(usage: stackproof watch ENV [--rate=10] [--slo=100] -- COMMAND...)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], f"the following arguments are required: watch {USAGE}"),
        (["wach"], f"argument watch: invalid choice: 'wach' (choose from 'watch') {USAGE}"),
        (["watch", "--", "true"], f"the following arguments are required: ENV {USAGE}"),
        (["watch", "shop"], f"there is no command to run {USAGE}"),
        (["watch", "shop", "--"], f"there is no command to run {USAGE}"),
        (["watch", "shop", "true"], f"unrecognized arguments: true {USAGE}"),
        (
            ["watch", "shop", "--rate=fast", "--", "true"],
            f"argument --rate: invalid float value: 'fast' {USAGE}",
        ),
        (
            ["watch", "shop", "--rate=0", "--", "true"],
            "--rate: expected more than 0 and at most 100, got 0",
        ),
        (
            ["watch", "shop", "--slo=101", "--", "true"],
            "--slo: expected a share of 0 to 100 percent, got 101",
        ),
        (
            ["watch", "shop", "--slo=nan", "--", "true"],
            "--slo: expected a share of 0 to 100 percent, got nan",
        ),
        (["watch", "shop", "--", "no-such-command"], "there is no command no-such-command"),
        (
            ["watch", "inside", "--", "true"],
            "inside declares no route that is looked at from outside",
        ),
    ],
)
def test_wrong_usage(
    arguments: list[str], said: str, environments: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if len(arguments) > 1:
        arguments = ["watch", f"--environments={environments}", *arguments[1:]]
    assert main(arguments) == 4
    assert capsys.readouterr().err == f"stackproof: {said}\n"


def test_an_environment_that_does_not_exist(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("true", environment="shpo") == 4
    assert "did you mean 'shop'?" in capsys.readouterr().err


def test_files_that_cannot_be_written(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("in the way", encoding="utf-8")
    assert run("true") == 6
    assert "/out/shop/watch.json could not be written: " in capfd.readouterr().err


def test_an_earlier_watch_is_removed_first(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "shop"
    folder.mkdir(parents=True)
    for name in ("watch.json", "watch.svg"):
        (folder / name).write_text("of an earlier deploy", encoding="utf-8")
    seen = tmp_path / "seen"
    assert run("sh", "-c", f"ls -A {folder} >{seen}") == 0
    assert seen.read_text(encoding="utf-8") == ""


def test_an_earlier_watch_that_cannot_be_removed(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    earlier = tmp_path / "out" / "shop" / "watch.json"
    earlier.mkdir(parents=True)  # not even root can unlink a directory
    assert run("touch", str(tmp_path / "ran")) == 6
    assert not (tmp_path / "ran").exists()
    assert capfd.readouterr().err == (
        "stackproof: nothing can be probed, so the command was not run: "
        f"{earlier} of an earlier watch cannot be removed\n"
    )


def test_the_summary_of_a_job(
    run: Run, server: Moody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "summary.md"
    page.write_text("## of another step\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    script = f"sleep 0.3; {_mood(server, '5xx')}; sleep 0.2; {_mood(server, 'right')}"
    assert run("sh", "-c", script) == 7
    told = page.read_text(encoding="utf-8").splitlines()
    assert told[:2] == ["## of another step", "## shop, watch: ❌"]
    assert re.fullmatch(
        r"\| api \| [\d.]+ % \| \d+ \| [\d.]+ s \| [\d.]+ s from \S+ UTC \(\d+ 5xx\) \|", told[-2]
    )


def test_a_summary_that_cannot_be_written(
    run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/full")
    assert run("true") == 0
    assert capfd.readouterr().err.splitlines()[-1] == (
        "the summary of the job could not be written: No space left on device"
    )


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", ">&- 2>&-", "2>&1 | true"])
def test_what_it_says_can_be_lost_and_its_exit_code_cannot(
    environments: Path, tmp_path: Path, redirection: str
) -> None:
    command = shlex.join(
        [
            sys.executable, "-m", "commands", "watch", "shop", f"--environments={environments}",
            f"--output={tmp_path / 'out'}", "--", "sh", "-c", "exit 9",
        ]
    )  # fmt: skip
    line = f"set -o pipefail; {command} {redirection}"
    done = subprocess.run(["/bin/bash", "-c", line], cwd=ROOT, timeout=DEADLINE, check=False)
    assert done.returncode == 9


def test_a_defect_of_ours_is_not_no_go(
    monkeypatch: pytest.MonkeyPatch, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(watch, "watch", broken)
    assert run("true") == 3
    assert capfd.readouterr().err == "stackproof: internal error: MemoryError()\n"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"stackproof \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_a_secret_of_the_command_is_not_written(run: Run, tmp_path: Path) -> None:
    assert run("sh", "-c", "true", "--password=hunter2-hunter2") == 0
    for name in ("watch.json", "watch.svg"):
        text = (tmp_path / "out" / "shop" / name).read_text(encoding="utf-8")
        assert "hunter2" not in text
        assert "[redacted]" in text


def test_the_picture_marks_the_outage(run: Run, server: Moody, tmp_path: Path) -> None:
    run("sh", "-c", f": '<&>'; {_mood(server, '5xx')}; sleep 0.3; {_mood(server, 'right')}")
    picture = ElementTree.parse(tmp_path / "out" / "shop" / "watch.svg")  # noqa: S314
    texts = [element.text or "" for element in picture.iter() if element.text]
    assert "api" in texts
    assert any(text.startswith("sh -c ") and "<&>" in text for text in texts)
    assert any(re.fullmatch(r"\d\.\d\d s: \d+ 5xx", text) for text in texts)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt(
    environments: Path,
    tmp_path: Path,
    written: Callable[..., Watch],
    number: signal.Signals,
    code: int,
) -> None:
    """What is started elsewhere than at a terminal gets the signal with all its children."""
    begun, cleaned = tmp_path / "begun", tmp_path / "cleaned"
    script = f"trap 'touch {cleaned}; exit 9' INT TERM; touch {begun}; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "commands", "watch", "shop", f"--environments={environments}",
            f"--output={tmp_path / 'out'}", "--", "sh", "-c", script,
        ],
        cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            _await(begun, process)
            process.send_signal(number)
            process.wait(DEADLINE)
        finally:
            process.kill()
    assert process.returncode == code
    assert cleaned.exists()
    seen = written()
    assert (seen.interrupted, seen.exit_code, seen.command_exit_code) == (True, code, 9)
    assert sum(part.right for part in seen.routes[0].slices) > 0


def _await(file: Path, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + DEADLINE
    while not file.exists():
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.01)


AT_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def test_ctrl_c_at_a_terminal(
    environments: Path, tmp_path: Path, written: Callable[..., Watch]
) -> None:
    """The terminal interrupts the command itself, so it is not interrupted a second time."""
    begun, count = tmp_path / "begun", tmp_path / "count"
    trap = f"echo interrupted >> {count}; sleep 0.5; exit 9"
    script = f"trap '{trap}' INT; touch {begun}; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [
            sys.executable, "-c", AT_A_TERMINAL, sys.executable, "-m", "commands", "watch", "shop",
            f"--environments={environments}", f"--output={tmp_path / 'out'}",
            "--", "sh", "-c", script,
        ],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        try:
            _await(begun, process)
            shown, _ = process.communicate(b"\x03", timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 130
    assert count.read_text(encoding="utf-8") == "interrupted\n"
    assert (written().interrupted, written().command_exit_code) == (True, 9)
    text = shown.decode()
    assert re.search(r"\x1b\[2K\d+ s · before · \d+ requests\r", text)
    assert "\x1b[2Kshop availability: " in text


def test_a_command_that_ignores_the_interrupt_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "GRACE_SECONDS", 0)
    monkeypatch.setattr(deploy, "_at_terminal", lambda: False)
    begun = tmp_path / "begun"
    script = f"trap '' INT; touch {begun}; while :; do sleep 0.05; done"
    stubborn = deploy.Deploy(["sh", "-c", script])
    with stubborn.passing_signals_on():
        stubborn.start()
        ends = time.monotonic() + DEADLINE
        while not begun.exists():
            assert time.monotonic() < ends
        os.kill(os.getpid(), signal.SIGINT)
        while (code := stubborn.wait(0.05)) is None:
            assert time.monotonic() < ends
    assert (code, stubborn.interrupted_by) == (137, signal.SIGINT)


def test_an_interrupt_while_the_command_is_being_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "_at_terminal", lambda: False)
    command = deploy.Deploy(["sleep", "60"])

    def interrupted(*arguments: object, **options: object) -> object:
        process = popen(*arguments, **options)  # type: ignore[call-overload]
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with command.passing_signals_on():
        command.start()
        assert command.wait(DEADLINE) == 143


def test_json_has_a_version(run: Run, tmp_path: Path) -> None:
    run("true")
    path = tmp_path / "out" / "shop" / "watch.json"
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 1
