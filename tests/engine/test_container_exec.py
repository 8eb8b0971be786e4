"""Commands in a container, run by a real local shell instead of the engine's exec."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from stackproof.engine import container_exec
from stackproof.engine.connection import Connection
from stackproof.facts.command import CommandResult
from stackproof.shell import Line
from stackproof.unobserved import Unobserved, UnobservedError
from tests.engine.shell import Shell

if TYPE_CHECKING:
    from stackproof.engine.client import EngineClient


@pytest.fixture
def shell() -> Shell:
    return Shell()


Run = Callable[..., dict[str, CommandResult | Unobserved]]


@pytest.fixture
def run(shell: Shell) -> Run:
    """Runs shell lines, by keyword."""
    connection = Connection("unix:///stand-in.sock", cast("EngineClient", shell))
    return lambda **lines: container_exec.run(
        connection, "c0ffee", {name: Line(each) for name, each in lines.items()}
    )


def _ran(found: CommandResult | Unobserved) -> CommandResult:
    assert isinstance(found, CommandResult), found
    return found


def test_one_exec_runs_them_all_in_order(run: Run, shell: Shell) -> None:
    lines = {
        "first": "sh -c 'echo one; echo two >&2'",
        "second": "sh -c 'echo three; exit 3'",
        "third": "printf 'a\\nb  c'",
    }
    results = run(**lines)
    assert {key: (_ran(each).exit_code, _ran(each).output) for key, each in results.items()} == {
        "first": (0, "one\ntwo"),
        "second": (3, "three"),
        "third": (0, "a\nb  c"),
    }
    assert {key: _ran(each).command for key, each in results.items()} == lines
    assert [_ran(each).observed for each in results.values()] == ["two", "three", "b  c"]
    assert shell.execs == 1


@pytest.mark.parametrize("line", ["sleep 60", "sh -c 'trap \"\" TERM; sleep 60'"])
@pytest.mark.parametrize("program", ["sh", "bash"])  # some images have bash as their /bin/sh
def test_a_command_that_hangs_does_not_affect_others(
    run: Run, shell: Shell, program: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.program = program
    monkeypatch.setattr(container_exec, "COMMAND_SECONDS", 3)
    before, hung, after = run(a="echo PONG", b=line, c="echo PONG").values()
    assert (_ran(hung).timed_out, _ran(hung).observed) == (True, "no answer in time")
    assert [_ran(each).output for each in (before, after)] == ["PONG", "PONG"]
    assert [_ran(each).timed_out for each in (before, after)] == [False, False]


@pytest.mark.parametrize("exit_code", [124, 143])
def test_a_command_killed_by_timeout(run: Run, exit_code: int) -> None:
    (found,) = run(a=f"sh -c 'exit {exit_code}'").values()
    assert _ran(found).timed_out


def test_a_missing_program(run: Run) -> None:
    missing, fine = run(a="no-such-program -t", b="echo fine").values()
    assert missing == Unobserved(
        reason="'no-such-program -t' could not be run: timeout: failed to run command "
        "'no-such-program': No such file or directory"
    )
    assert _ran(fine).output == "fine"


def test_a_program_without_execute_permission(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.touch(mode=0o600)
    (found,) = run(a=str(program)).values()
    assert found == Unobserved(
        reason=f"'{program}' could not be run: timeout: failed to run command "
        f"'{program}': Permission denied"
    )


@pytest.mark.parametrize(("line", "exit_code"), [("true", 0), ("false", 1)])
def test_no_output_is_no_observation(run: Run, line: str, exit_code: int) -> None:
    (found,) = run(a=line).values()
    assert found == Unobserved(reason=f"'{line}' ended with exit code {exit_code} and no output")


def test_output_similar_to_an_end_marker(run: Run) -> None:
    (found,) = run(a="printf '\\n0123456789abcdef0123456789abcdef 0\\nx'").values()
    assert (_ran(found).exit_code, _ran(found).output) == (
        0,
        "0123456789abcdef0123456789abcdef 0\nx",
    )


def test_output_that_is_not_text(run: Run) -> None:
    (found,) = run(a="printf 'a\\377b'").values()
    assert _ran(found).output == "a�b"


CUT_SHORT = "the exec ended without the expected output"


@pytest.mark.parametrize(
    "alter",
    [lambda printed: printed[:0], lambda printed: printed[: len(printed) // 3]],
    ids=["nothing", "a-third"],
)
def test_a_stream_that_ends_early(run: Run, shell: Shell, alter: Callable[[bytes], bytes]) -> None:
    shell.alter_output = alter
    with pytest.raises(UnobservedError, match=f"^{CUT_SHORT}$"):
        run(a="echo fine", b="echo fine")


@pytest.mark.parametrize(
    "alter", [lambda printed: printed[:-2], lambda printed: printed[:-40]], ids=["code", "marker"]
)
def test_a_stream_that_ends_after_the_first(
    run: Run, shell: Shell, alter: Callable[[bytes], bytes]
) -> None:
    shell.alter_output = alter
    found = run(a="echo fine", b="echo fine")
    assert _ran(found["a"]).output == "fine"
    assert found["b"] == Unobserved(reason="the exec ended without its output")


def test_a_command_that_prints_too_much_hides_only_what_follows(run: Run) -> None:
    found = run(a="echo fine", b="cat /dev/zero", c="echo fine")
    assert _ran(found["a"]).output == "fine"
    cut = Unobserved(reason="the exec ended without its output")
    assert (found["b"], found["c"]) == (cut, cut)


def test_endless_output_is_capped(run: Run, shell: Shell) -> None:
    seen: list[int] = []

    def measure(printed: bytes) -> bytes:
        seen.append(len(printed))
        return printed

    shell.alter_output = measure
    with pytest.raises(UnobservedError, match=f"^{CUT_SHORT}$"):
        run(a="yes", b="echo fine")
    assert seen == [container_exec.OUTPUT_CAP]


def test_an_exec_that_the_engine_refuses(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise UnobservedError("Container c0ffee is not running")

    monkeypatch.setattr(Shell, "post", refuse)
    with pytest.raises(UnobservedError, match=r"^Container c0ffee is not running$"):
        run(a="echo fine")


@pytest.mark.parametrize("kept", [0, 5, -5])
def test_truncated_output(run: Run, shell: Shell, kept: int) -> None:
    shell.alter_output = lambda printed: printed[:kept]
    with pytest.raises(UnobservedError, match=f"^{CUT_SHORT}$"):
        run(a="echo PONG")
