"""`stackproof watch`: its command line, exit codes and files."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stackproof.cli import watch
from stackproof.cli.command_line import main
from stackproof.reports.availability.model import Watch
from tests.flaky_server import FlakyServer

ROOT = Path(__file__).parents[2]
STACKPROOF = (sys.executable, "-m", "stackproof")
DEADLINE = 30

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def _short_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BEFORE_SECONDS", 0.3)
    monkeypatch.setattr(watch, "AFTER_SECONDS", 0.3)
    monkeypatch.setattr(watch, "MAX_AFTER_SECONDS", 1)


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


def test_every_request_succeeds(
    run: Run, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("sh", "-c", "echo to output; echo to errors >&2; sleep 0.3") == 0
    out, errors = capfd.readouterr()
    assert out == "to output\n"
    printed = errors.splitlines()
    assert printed[0] == "to errors"
    assert re.fullmatch(r"shop availability: 100 % of \d+ requests", printed[1])
    assert printed[-1].endswith("/out/shop/watch.svg")
    result = written()
    assert (result.exit_code, result.command_exit_code, result.interrupted) == (0, 0, False)
    assert [route.route for route in result.routes] == ["api"]
    [route] = result.routes
    assert (route.right, route.failures, route.availability) == (route.requests, {}, 100)
    assert [(each.instance, each.before) for each in route.instances] == [("one", True)]
    assert route.before
    assert route.after
    assert route.after.samples == route.requests


def test_an_outage(
    run: Run, server: FlakyServer, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    down, up = server.switch("reset"), server.switch("success")
    assert run("sh", "-c", f"sleep 0.3; {down}; sleep 0.5; {up}; sleep 0.3") == 7
    printed = capfd.readouterr().err
    first = r"api availability: expected at least 100 %, observed \d+\.?\d* %"
    assert re.match(first, printed)
    assert "reset: connection reset by peer" in printed
    assert "api was down for " in printed
    result = written()
    assert (result.objective, result.exit_code) == ("missed", 7)
    [outage] = result.routes[0].outages
    assert list(outage.failures) == ["reset"]
    assert outage.at_least <= outage.seconds <= outage.at_most


@pytest.mark.parametrize(("slo", "code"), [("100", 7), ("1", 0)])
def test_the_objective(run: Run, server: FlakyServer, slo: str, code: int) -> None:
    script = f"sleep 0.3; {server.switch('5xx')}; sleep 0.2; {server.switch('success')}"
    assert run("sh", "-c", script, options=(f"--slo={slo}",)) == code


def test_the_exit_code_of_a_failed_command_wins(
    run: Run, server: FlakyServer, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("sh", "-c", f"{server.switch('5xx')}; sleep 0.3; exit 9") == 9
    assert (written().command_exit_code, written().objective) == (9, "missed")
    assert capfd.readouterr().err.splitlines()[1] == "the command ended with exit code 9"


def test_a_command_that_is_killed(run: Run, written: Callable[..., Watch]) -> None:
    assert run("sh", "-c", "kill -KILL $$") == 137
    assert not written().interrupted


def test_an_outage_after_the_command(
    run: Run, server: FlakyServer, written: Callable[..., Watch]
) -> None:
    later = f"(sleep 0.1; {server.switch('5xx')}; sleep 0.5; {server.switch('success')}) &"
    assert run("sh", "-c", later) == 7
    [outage] = written().routes[0].outages
    assert outage.ended is not None


def test_waiting_for_the_end_of_an_outage_has_a_limit(
    run: Run, server: FlakyServer, written: Callable[..., Watch]
) -> None:
    assert run("sh", "-c", f"sleep 0.2; {server.switch('5xx')}") == 7
    [outage] = written().routes[0].outages
    assert outage.ended is None


def test_a_new_instance(
    run: Run, server: FlakyServer, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("sh", "-c", f"sleep 0.2; {server.switch('new instance')}; sleep 0.3") == 0
    printed = [(each.instance, each.before) for each in written().routes[0].instances]
    assert printed == [("one", True), ("two", False)]
    assert "api was answered by one (old, " in capfd.readouterr().err


def test_a_local_network_failure(
    run: Run, written: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("sleep", "0.2", environment="away") == 6
    first = capfd.readouterr().err.splitlines()[0]
    assert first == (
        "away availability: expected at least 100 %, unknown: "
        "host unreachable: Network is unreachable"
    )
    result = written("away")
    assert (result.objective, result.availability, result.requests) == ("unknown", None, 0)
    assert result.routes[0].unseen > 0


def test_an_unreadable_ca_file(run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ran = tmp_path / "ran"
    assert run("touch", str(ran), environment="lost") == 6
    assert not ran.exists()
    assert re.fullmatch(
        r"stackproof: no request can be sent, so the command was not run: "
        r"CA file \S+/none\.pem: No such file or directory\n",
        capfd.readouterr().err,
    )


USAGE = "(usage: stackproof watch ENV [--rate=10] [--slo=100] -- COMMAND...)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
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
            "--slo: expected 0 to 100 percent, got 101",
        ),
        (
            ["watch", "shop", "--slo=nan", "--", "true"],
            "--slo: expected 0 to 100 percent, got nan",
        ),
        (["watch", "shop", "--", "no-such-command"], "there is no command no-such-command"),
        (
            ["watch", "inside", "--", "true"],
            "inside declares no public route (vantage: here)",
        ),
    ],
)
def test_wrong_usage(
    arguments: list[str], message: str, environments: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if len(arguments) > 1:
        arguments = ["watch", f"--environments={environments}", *arguments[1:]]
    assert main(arguments) == 4
    assert capsys.readouterr().err == f"stackproof: {message}\n"


def test_an_unknown_environment(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("true", environment="shpo") == 4
    assert "did you mean 'shop'?" in capsys.readouterr().err


def test_output_that_cannot_be_written(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("in the way", encoding="utf-8")
    assert run("true") == 6
    assert "/out/shop/watch.json could not be written: " in capfd.readouterr().err


def test_earlier_results_are_removed_first(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "shop"
    folder.mkdir(parents=True)
    for name in ("watch.json", "watch.svg"):
        (folder / name).write_text("of an earlier deploy", encoding="utf-8")
    result = tmp_path / "result"
    assert run("sh", "-c", f"ls -A {folder} >{result}") == 0
    assert result.read_text(encoding="utf-8") == ""


def test_earlier_results_that_cannot_be_removed(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    earlier = tmp_path / "out" / "shop" / "watch.json"
    earlier.mkdir(parents=True)  # not even root can unlink a directory
    assert run("touch", str(tmp_path / "ran")) == 6
    assert not (tmp_path / "ran").exists()
    assert capfd.readouterr().err == (
        "stackproof: no request can be sent, so the command was not run: "
        f"{earlier} of an earlier watch cannot be removed\n"
    )


def test_the_job_summary(
    run: Run, server: FlakyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "summary.md"
    page.write_text("## of another step\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    script = f"sleep 0.3; {server.switch('5xx')}; sleep 0.2; {server.switch('success')}"
    assert run("sh", "-c", script) == 7
    printed = page.read_text(encoding="utf-8").splitlines()
    assert printed[:2] == ["## of another step", "## shop, watch: ❌"]
    assert re.fullmatch(
        r"\| api \| [\d.]+ % \| \d+ \| [\d.]+ s \| [\d.]+ s from \S+ UTC \(\d+ 5xx\) \|",
        printed[-2],
    )


def test_a_job_summary_that_cannot_be_written(
    run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/full")
    assert run("true") == 0
    assert capfd.readouterr().err.splitlines()[-1] == (
        "the job summary could not be written: No space left on device"
    )


def test_an_internal_error(
    monkeypatch: pytest.MonkeyPatch, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(watch, "watch", broken)
    assert run("true") == 3
    assert capfd.readouterr().err == "stackproof: internal error: MemoryError()\n"


def test_secrets_in_the_command_are_redacted(run: Run, tmp_path: Path) -> None:
    assert run("sh", "-c", "true", "--password=hunter2-hunter2") == 0
    for name in ("watch.json", "watch.svg"):
        text = (tmp_path / "out" / "shop" / name).read_text(encoding="utf-8")
        assert "hunter2" not in text
        assert "[redacted]" in text


def test_the_timeline_marks_the_outage(run: Run, server: FlakyServer, tmp_path: Path) -> None:
    run("sh", "-c", f": '<&>'; {server.switch('5xx')}; sleep 0.3; {server.switch('success')}")
    picture = ElementTree.parse(tmp_path / "out" / "shop" / "watch.svg")  # noqa: S314
    texts = [element.text or "" for element in picture.iter() if element.text]
    assert "api" in texts
    assert any(text.startswith("sh -c ") and "<&>" in text for text in texts)
    assert any(re.fullmatch(r"\d\.\d\d s: \d+ 5xx", text) for text in texts)


def test_the_file_has_a_version(run: Run, tmp_path: Path) -> None:
    run("true")
    path = tmp_path / "out" / "shop" / "watch.json"
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 1
