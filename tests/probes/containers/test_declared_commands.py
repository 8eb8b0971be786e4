"""Commands that an environment declares: quoted word by word, and what their results mean."""

import shlex
import subprocess
from typing import Any

import pytest

from stackproof.environment.own_requests import DeclaredCommand
from stackproof.facts.command import CommandResult
from stackproof.probes.containers.command_output import command_mismatch
from stackproof.probes.containers.commands import declared_line
from stackproof.shell import UnusableError
from stackproof.unobserved import UnobservedError
from tests import shop
from tests.shop import said

WORDS = ["a b", "$(reboot)", "`reboot`", "; reboot", "| reboot", "> /etc/passwd", "'", '"', "*",
         "$HOME", "\\", "-n", "", "é", "<name>"]  # fmt: skip


def command(*argv: str, **declared: Any) -> DeclaredCommand:
    return DeclaredCommand(name="orders", service="db", argv=argv or ("client",), **declared)


def test_no_word_means_anything_to_a_shell() -> None:
    line = declared_line(command("printf", "[%s]\\n", *WORDS))
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout == "".join(f"[{word}]\n" for word in WORDS)
    assert shlex.split(line)[2:] == WORDS


def test_a_control_character() -> None:
    unchecked = DeclaredCommand.model_construct(name="x", service="db", argv=("a\nb",))
    with pytest.raises(UnusableError, match="unusable argument"):
        declared_line(unchecked)


@pytest.mark.parametrize(
    ("declared", "result", "found"),
    [
        ({}, said("client", 0, ""), ("", "")),
        ({}, said("client", 1, "oops"), ("exit code 0", "exit code 1: oops")),
        ({"exit_code": 3}, said("client", 3, "oops"), ("", "")),
        ({"exit_code": 3}, said("client", 0, "fine"), ("exit code 3", "exit code 0: fine")),
        ({"text": "ok"}, said("client", 0, "all ok"), ("", "")),
        ({"text": "ok"}, said("client", 0, "not\nwell"), ("output with ok", "not well")),
        ({"text": "ok"}, said("client", 0, ""), ("output with ok", "no output")),
        ({"no_text": "lag"}, said("client", 0, "none"), ("", "")),
        ({"no_text": "lag"}, said("client", 0, "a lag"), ("output without lag", "a lag")),
        (
            {},
            CommandResult(command="client", exit_code=None, output="db is exited"),
            ("a result", "db is exited"),
        ),
    ],
)
def test_mismatch(declared: Any, result: CommandResult, found: tuple[str, str]) -> None:
    assert command_mismatch(command(**declared), result) == found


def test_a_command_that_does_not_end_in_time() -> None:
    with pytest.raises(UnobservedError, match="it did not end within its share of 4 s"):
        command_mismatch(command(), said("client", 137, "", timed_out=True))


ENVIRONMENT = {
    "services": {"db": {}, "web": {"instances": 2}},
    "commands": {
        "tables": {"service": "db", "argv": ["client", "tables"], "text": "orders"},
        "workers": {"service": "web", "argv": ["workers"]},
    },
    "requests": {"ready": {"service": "web", "port": 9000, "path": "/ready", "text": "yes"}},
}
CONTAINERS = {name: shop.container() for name in ("db", "web#1", "web#2")}


def test_checks(tmp_path: Any) -> None:
    facts = shop.facts(
        containers=CONTAINERS,
        declared_commands={
            "db": {"tables": said("client tables", 0, "users")},
            "web#1": {"workers": said("workers", 0, "")},
        },
        declared_requests={"web#1": {"ready": shop.answered(("http://x/ready", 200), body="no")}},
    )
    ran = shop.replay(tmp_path, ENVIRONMENT, facts, "-k", "test_command or test_request")
    assert ran.results("shop") == {
        "health.command[tables]": (
            "FAIL", "tables command: expected output with orders, observed users",
        ),
        "health.request[ready]": ("FAIL", "ready /ready: expected yes, observed no"),
    }  # fmt: skip
    assert ran.verdict("shop")["counts"]["PASS"] == 1
