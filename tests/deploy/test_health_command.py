"""Health checks whose exit code is always 0, and those of which that cannot be decided."""

import pytest

from stackproof.deploy.health_command import always_succeeds
from stackproof.facts.settings import CommandLine

SILENCED = "curl -f http://localhost/health || exit 0"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["CMD", "true"], "true"),
        (["CMD", "/bin/true"], "/bin/true"),
        (["CMD", "echo", "well"], "echo well"),
        (["CMD", "sh", "-c", "curl -f x || :"], "sh -c curl -f x || :"),
        *(
            (["CMD-SHELL", text], text)
            for text in (
                "true", ":", "exit 0", SILENCED, "curl -f x || true", "curl -f x ||true",
                "curl -f x; exit 0;", "curl -f x >/dev/null 2>&1 || echo down", "a && b || true",
                "curl x || echo 'it is down' >&2", "echo well > /dev/null", "a || b; echo $?",
            )
        ),
        (["CMD-SHELL", "curl -f x\nexit 0\n"], "curl -f x\nexit 0\n"),
    ],
)  # fmt: skip
def test_always(command: list[str], text: str) -> None:
    assert always_succeeds(CommandLine.of(command)) == text


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["NONE"],
        ["CMD"],
        ["CMD-SHELL"],
        ["CMD-SHELL", ""],
        ["CMD", "curl", "-f", "http://localhost/health"],
        # There are no such programs: these always fail.
        ["CMD", ":"],
        ["CMD", "exit", "0"],
        # With -e, a shell ends at the first failure.
        ["CMD", "sh", "-ec", "false; true"],
        ["CMD", "sh"],
        *(
            ["CMD-SHELL", text]
            for text in (
                "curl -f x", "curl -f x || exit 1", "curl -f x || exit 1; true", "a && echo well",
                "a || b && true", "if a; then exit 1; fi; true", "set -e; curl x; true",
                "trap 'exit 1' EXIT; true", "curl -f x # || true", "a | true", "a & true",
                "(a || exit 1); true", "{ a || exit 3; }; true", "kill 1; true",
                "echo well > /data/probe", "true < /data/probe", "echo ${PORT:?}",
                "curl -f x || exit", "[ -f x ] || exit $?; true", "it's || true", "eval x; true",
            )
        ),
    ],
)  # fmt: skip
def test_possibly_not(command: list[str]) -> None:
    assert always_succeeds(CommandLine.of(command)) == ""


def test_a_secret_stays_redacted() -> None:
    line = CommandLine.of(["CMD-SHELL", "curl -u app:hunter2secret http://x || true"])
    assert "hunter2secret" not in always_succeeds(line)
