"""Files that an operator names are read without blocking and up to a limit."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stackproof.files.regular_file import read_regular_file


def test_content_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2048)
    assert read_regular_file(path, 2048) == b"x" * 2048
    with pytest.raises(OSError, match="larger than 1 KiB"):
        read_regular_file(path, 1024)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "Is a directory"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (str, "No such file or directory"),
    ],
    ids=["directory", "FIFO", "device", "missing"],
)
def test_what_is_not_a_regular_file(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    path = tmp_path / "file"
    make(path)
    with pytest.raises(OSError, match=reason):
        read_regular_file(path)


def test_a_null_character_in_a_path() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        read_regular_file(Path("a\0b"))
