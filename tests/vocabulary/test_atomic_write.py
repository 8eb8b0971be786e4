"""A file is written completely or not at all."""

from pathlib import Path

import pytest

from stackproof.files import atomic_write


def test_new_directories_are_created(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "verdict.json"
    atomic_write.write("✓", path)
    assert path.read_text(encoding="utf-8") == "✓"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "error"),
    [("complete", OSError), ("cannot be encoded \udcff", UnicodeEncodeError)],
)
def test_a_failure_keeps_the_previous_content(
    tmp_path: Path, text: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "verdict.json"
    atomic_write.write("previous", path)
    if error is OSError:
        monkeypatch.setattr(Path, "replace", _raise)  # as on a full disk, which a test cannot have
    with pytest.raises(error):
        atomic_write.write(text, path)
    assert path.read_text() == "previous"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a-directory"
    (path / "with-content").mkdir(parents=True)
    with pytest.raises(OSError, match=r"a-directory'$") as error:
        atomic_write.write("text", path)
    assert error.value.filename == str(path)


def _raise(*_: object) -> None:
    raise OSError(28, "No space left on device")
