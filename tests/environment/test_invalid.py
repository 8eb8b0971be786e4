"""Each file in `invalid/` is rejected with exactly the message in the `.txt` file next to it."""

import re
from pathlib import Path

import pytest

from stackproof.environment.loader import InvalidEnvironment, load, names

HERE = Path(__file__).parent
INVALID = HERE / "invalid"
VARIABLES = {"TOKEN": "s3cret-99x", "DEPLOY_KEY": ""}


@pytest.fixture(autouse=True)
def _working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


@pytest.mark.parametrize("name", names(INVALID))
def test_message(name: str) -> None:
    with pytest.raises(InvalidEnvironment) as error:
        load(name, INVALID, VARIABLES)
    assert f"{error.value}\n" == (INVALID / f"{name}.txt").read_text(encoding="utf-8")
    assert error.value.__context__ is None


def test_each_file_has_its_message() -> None:
    messages = {file.stem: file.read_text(encoding="utf-8") for file in INVALID.glob("*.txt")}
    assert set(messages) == set(names(INVALID))
    assert len(messages) >= 20
    assert [name for name, text in messages.items() if len(text.splitlines()) != 1] == []
    assert [name for name, text in messages.items() if VARIABLES["TOKEN"] in text] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "prdo",
            "no environment 'prdo' in configs/; did you mean 'prod'? (there are: dev, prod)",
        ),
        ("x", "no environment 'x' in configs/ (there are: dev, prod)"),
        (
            "../configs/dev",
            "no environment '../configs/dev' in configs/ (there are: dev, prod)",
        ),
    ],
)
def test_missing_environment(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    for known in ("prod", "dev", ".hidden"):
        (tmp_path / "configs" / f"{known}.yaml").touch()
    with pytest.raises(InvalidEnvironment) as error:
        load(name, tmp_path / "configs", {})
    assert str(error.value) == message


def test_no_directory(tmp_path: Path) -> None:
    assert names(tmp_path / "none") == ()
    with pytest.raises(InvalidEnvironment, match=r"no environment 'prod' in .* \(there are none\)"):
        load("prod", tmp_path / "none", {})


def test_file_name_that_cannot_be_a_marker(tmp_path: Path) -> None:
    (tmp_path / "my prod.yaml").write_text("services: {api: {}}", encoding="utf-8")
    with pytest.raises(InvalidEnvironment, match=r"prod\.yaml:1: expected a file name of letters"):
        load("my prod", tmp_path, {})


def test_path_outside_the_working_directory_is_absolute(tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text("services: {}", encoding="utf-8")
    with pytest.raises(InvalidEnvironment) as error:
        load("prod", tmp_path, {})
    assert str(error.value).startswith(f"{tmp_path}/prod.yaml:1: services: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "expected UTF-8 text"),
        (b"a: \x00", "not valid YAML: "),
        # PyYAML has a limit of its own since 6.0.4; before, Python's is met.
        (b"a: " + b"[" * 100_000, r"nested too deeply|not valid YAML: .* nesting depth"),
        (b"a: &loop [*loop]", r"a\[0\]: no anchor &loop before this alias"),
    ],
    ids=["encoding", "control-character", "nesting", "loop"],
)
def test_hostile_file(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_bytes(content)
    with pytest.raises(InvalidEnvironment) as error:
        load("prod", tmp_path, {})
    assert re.search(rf"prod\.yaml:1: ({message})", str(error.value))
    assert len(str(error.value).splitlines()) == 1
