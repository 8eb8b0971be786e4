"""Texts that are safe to print."""

import errno
import os

import pytest

from stackproof.printable import LONGEST_LINE, error_line, lines, one_line, printable, uncut_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\r\nb\vc\x85d\u2028e", "a\nb\nc\nd\ne"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07text", "red text"),
        ("a\u202eb\u200bc", "abc"),
        ("tab\tstays", "tab\tstays"),
        ("\ud800\ue000", "??"),
        ("e\u0301\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301\u0301"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_a_field_is_cut() -> None:
    assert one_line("x" * LONGEST_LINE) == "x" * LONGEST_LINE
    assert one_line("x" * (LONGEST_LINE + 1)) == "x" * (LONGEST_LINE - 1) + "…"
    assert uncut_line("x" * (LONGEST_LINE + 1)) == "x" * (LONGEST_LINE + 1)
    assert one_line(" a \n b\t") == "a b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::error::forged", ": :error::forged"),
        ("x ::warning file=a::b", "x : :warning file=a::b"),
        ("##[error]forged", "# #[error]forged"),
        ("##vso[task.complete]", "# #vso[task.complete]"),
        ("::ffff:10.0.0.1 std::vector", "::ffff:10.0.0.1 std::vector"),
    ],
)
def test_commands_to_a_ci_runner_are_disabled(text: str, expected: str) -> None:
    assert one_line(text) == expected
    assert lines(text) == one_line(text)


def test_lines_are_cut_one_by_one() -> None:
    assert lines(f"a\n{'x' * 2000}\nb").splitlines() == ["a", "x" * (LONGEST_LINE - 1) + "…", "b"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (ValueError("first\nsecond"), "first second"),
        (KeyError(), "KeyError"),
    ],
)
def test_error_line(error: Exception, expected: str) -> None:
    assert error_line(error) == expected
