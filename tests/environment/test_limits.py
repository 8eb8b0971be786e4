"""Files that are too large or not regular files: rejected with one line."""

import os
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stackproof.environment.document.dotenv import read_variables
from stackproof.environment.loader import InvalidEnvironment, load, names

MIB = 1024**2
SECONDS = 3
MEMORY = 60 * MIB
API = "services: {api: {}}\n"


def message_of(folder: Path, name: str = "shop", **variables: str) -> str:
    """Return the message of an invalid environment. Loading it must take little time and memory."""
    started, used = time.process_time(), _memory()
    with pytest.raises(InvalidEnvironment) as error:
        load(name, folder, variables)
    assert time.process_time() - started < SECONDS
    assert _memory() - used < MEMORY
    text = str(error.value)
    assert text.isprintable()
    assert len(text) <= 2100
    return text.replace(f"{folder}/", "")


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def rejected(folder: Path, text: str, **variables: str) -> str:
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    return message_of(folder, **variables)


def services(count: int, body: str) -> str:
    return "services:\n" + "".join(f"  s{number}: {body}\n" for number in range(count))


VALUES = "expected at most 20000 values; an alias counts as what it stands for"
ALIASES = "expected at most 1024 KiB, with every alias replaced"
DEPTH = "nested too deeply: expected at most 20 levels"
LENGTH = "expected at most 65536 characters"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (services(50_000, "{}"), f"shop.yaml:20000: {VALUES}"),
        (services(1_001, "{}"), "shop.yaml:1: services: expected at most 1000 entries, got more"),
        ("a: &a [" + "x, " * 999 + "x]\n" + services(99, "{may: *a}"), f"shop.yaml:21: {VALUES}"),
        (f"a: &a {'x' * 60_000}\n" + services(999, "{image: *a}"), f"shop.yaml:19: {ALIASES}"),
        (
            "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(3_000)),
            f"shop.yaml:20: {DEPTH}",
        ),
        ("services: " + "{a: " * 50_000, f"shop.yaml:1: {DEPTH}"),
        (API + "#" * 2 * MIB, "shop.yaml:1: cannot be read: larger than 1024 KiB"),
        (API + f"description: {'x' * 100_000}", f"shop.yaml:2: description: {LENGTH}"),
        (API + f"? {'x' * 500_000}\n: 1\n", f"shop.yaml:2: unknown key '{'x' * 60}…'; known are "),
        (
            f"services: {{api: {{{', '.join(f'k{n}: 1' for n in range(15_000))}}}}}",
            "shop.yaml:1: services.api: unknown key 'k0'; known are ",
        ),
        (
            f"services: {{api: {{ports: [{', '.join(['x'] * 15_000)}]}}}}",
            "shop.yaml:1: services.api.ports[0]: expected a whole number, got 'x' (and 14999 more)",
        ),
        (
            f"{services(1_000, '{}')}deploy: {{order: [{', '.join(['x'] * 5_000)}]}}",
            "shop.yaml:1002: deploy.order[0]: expected a declared service (s0, s1, ",
        ),
    ],
    ids=[
        "values", "services", "list", "text", "chain", "depth", "size", "scalar", "key", "keys",
        "errors", "undeclared",
    ],
)  # fmt: skip
def test_too_large(text: str, message: str, tmp_path: Path) -> None:
    assert rejected(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${A:-" * 2_000 + "x" + "}" * 2_000, "expected at most 20 nested expressions"),
        ("${SHORT:+" * 2_000 + "x" + "}" * 2_000, "expected at most 20 nested expressions"),
        ("${LONG}" * 9_000, LENGTH),
        ("${LONG:-${LONG}}" * 4_000, LENGTH),
        ("$$" * 300_000, LENGTH),
        ("${" + "A" * 60_000, "expected ${NAME}, "),
        ("".join(f"${{A{n}}}" for n in range(6_000)), "variables A0, A1, A2, "),
    ],
)
def test_expressions(text: str, message: str, tmp_path: Path) -> None:
    message_found = rejected(
        tmp_path, f"{API}description: '{text}'\n", LONG="x" * 100_000, SHORT="x"
    )
    assert message_found.startswith(f"shop.yaml:2: description: {message}")


def test_many_expressions_of_one_long_variable(tmp_path: Path) -> None:
    models = ", ".join(["'${LONG}'"] * 9_000)
    message_found = rejected(
        tmp_path, f"services: {{api: {{models: [{models}]}}}}", LONG="x" * 65_000
    )
    assert message_found.endswith(
        "models[16]: expected at most 1024 KiB, with every variable replaced (and 8983 more)"
    )


def test_large_and_valid(tmp_path: Path) -> None:
    body = "{ports: [80, 443], limits: {cpus: 1, memory: 1G}, health: {path: /}, may: [privileged]}"
    (tmp_path / "shop.yaml").write_text(services(1_000, body), encoding="utf-8")
    assert len(load("shop", tmp_path, {}, offline=True).services) == 1_000


def test_a_long_chain(tmp_path: Path) -> None:
    for number in range(2_000):
        (tmp_path / f"e{number}.yaml").write_text(f"extends: e{number + 1}\n", encoding="utf-8")
    (tmp_path / "e10.yaml").write_text(API, encoding="utf-8")
    assert message_of(tmp_path, "e0") == (
        "e9.yaml:1: extends: expected at most 10 files, each extending the next"
    )
    assert load("e1", tmp_path, {}, offline=True).services.keys() == {"api"}


def test_many_files(tmp_path: Path) -> None:
    for number in range(5_000):
        (tmp_path / f"e{number:04}.yaml").touch()
    assert "(there are: e0000, e0001, " in message_of(tmp_path)
    assert message_of(tmp_path).endswith(" and 4970 more)")


def test_names_that_cannot_be_printed(tmp_path: Path) -> None:
    for stem in (b"a\nb", b"\x1b[2J", b"\xff", b"\xe2\x80\xae"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + stem + b".yaml")).touch()
    assert names(tmp_path) == ()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


SPECIAL_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (os.mkfifo, "not a regular file"),
    "socket": (_socket, "not a regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "not a regular file"),
    "folder": (Path.mkdir, "Is a directory"),
    "circle": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "memory": (lambda path: path.symlink_to("/proc/self/mem"), "Input/output error"),
    "large": (lambda path: path.write_text("#" * 2 * MIB), "larger than 1024 KiB"),
}


@pytest.mark.parametrize("kind", SPECIAL_FILES)
def test_environment_is_not_a_regular_file(kind: str, tmp_path: Path) -> None:
    make, reason = SPECIAL_FILES[kind]
    make(tmp_path / "shop.yaml")
    assert message_of(tmp_path) == f"shop.yaml:1: cannot be read: {reason}"


@pytest.mark.parametrize("kind", SPECIAL_FILES)
@pytest.mark.parametrize("field", ["env_file", "ca_file"])
def test_other_file_is_not_a_regular_file(field: str, kind: str, tmp_path: Path) -> None:
    make, reason = SPECIAL_FILES[kind]
    make(tmp_path / "other")
    assert rejected(tmp_path, f"{API}{field}: other\n").endswith(f": cannot be read: {reason}")


def test_environment_is_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").symlink_to("gone")
    assert message_of(tmp_path) == "shop.yaml:1: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"A=" + b"x" * 10 * MIB, "1: cannot be read: larger than 1024 KiB"),
        ("A=1\n".encode("utf-16"), "1: expected UTF-8 text"),
        ("A=ä\n".encode("latin-1"), "1: expected UTF-8 text"),
        (b"A='" + b"x" * 900_000, "1: expected NAME=value, got a quote left open"),
        (b"A=1\nB=" + b"\\'" * 400_000 + b"'", "2: expected NAME=value, got a quote left open"),
        (b"A=" + b"'x'" * 300_000 + b" b", "1: expected NAME=value, with quotes around a space"),
    ],
)
def test_invalid_variables_file(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "shop.env").write_bytes(content)
    assert rejected(tmp_path, f"{API}env_file: shop.env\n") == f"shop.env:{message}"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_variables_file_with_editor_artifacts(mark: str, line_end: str, tmp_path: Path) -> None:
    text = mark + line_end.join(["A=1", "", "# more", "B='2 3'", r"C=\'x\ y", r'D="a\"b\n"', ""])
    (tmp_path / "shop.env").write_bytes(text.encode())
    assert read_variables(tmp_path / "shop.env") == {
        "A": "1", "B": "2 3", "C": "'x y", "D": r'a"b\n',
    }  # fmt: skip


@pytest.mark.parametrize("text", ["\ufeff" + API, API.replace("\n", "\r\n")])
def test_environment_with_editor_artifacts(text: str, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_bytes(text.encode())
    assert load("shop", tmp_path, {}, offline=True).services.keys() == {"api"}
