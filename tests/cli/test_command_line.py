"""`stackproof`: its help and its version, and commands that do not exist."""

import re

import pytest

from stackproof.cli.command_line import main
from stackproof.fixtures.own_suites import suite_folders
from stackproof.fixtures.session import collection, retries
from stackproof.fixtures.session.facts import snapshot
from stackproof.fixtures.session.gates import gate_options
from stackproof.reports import verdict_file

HELP = [[], ["init", "--help"], ["--help"], ["-h"], ["check", "--help"], ["watch", "--help"]]


def _print(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    try:
        code = main(arguments)
    except SystemExit as exited:  # as argparse does after its help
        code = int(str(exited.code))
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    return printed.out


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_help_is_readable_on_a_small_terminal(
    arguments: list[str],
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = _print(arguments, capsys)
    assert text.startswith("usage: stackproof ")
    assert max(map(len, text.splitlines())) <= width


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    text = _print([], capsys)
    assert re.findall(r"^  (\w+) {2,}\w", text, re.MULTILINE) == ["init", "check", "show", "watch"]


def test_help_of_check_lists_our_options(
    pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """pytest's own help lists what the plugins declare."""
    parser = type(pytestconfig._parser)(_ispytest=True)
    group = parser.getgroup("stackproof")
    for plugin in (collection, gate_options, retries, snapshot, suite_folders, verdict_file):
        plugin.pytest_addoption(parser)
    ours = {name for option in group.options for name in option.names()}
    assert len(ours) >= 12
    assert ours - set(re.findall(r"--[\w-]+", _print(["check", "--help"], capsys))) == set()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.fullmatch(r"stackproof \d+\.\d+\.\d+\n", _print(["--version"], capsys))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chek"], "no command 'chek'; did you mean check? (there are: init, check, show, watch)"),
        (["x" * 500], f"no command '{'x' * 500}' (there are: init, check, show, watch)"),
        (["--nope"], "unrecognized arguments: --nope (usage: stackproof COMMAND ...)"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_wrong_usage(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 4
    assert capsys.readouterr().err == f"stackproof: {message}\n"
