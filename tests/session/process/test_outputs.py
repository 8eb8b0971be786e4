"""A verdict stands, whatever output of a run cannot be written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests import in_process
from tests.command_line import ROOT, RUN_SECONDS, run
from tests.session.process.one_route import verdict_of


def _shell(line: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a line of bash with `pipefail`: `$P` is its command."""
    command = " ".join([sys.executable, "-m", "pytest", "-m", "'shop and routes'", *options])
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", line.replace("$P", command)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stack", "line"),
    [
        (200, "$P | head -c 1"),
        (500, "$P -n1 | head -c 1"),
        (200, "$P >/dev/full"),
        (500, "$P >/dev/full"),
        (500, "$P >&-"),
        (200, "$P 2>&-"),
        (500, "$P <&-"),
        (200, "$P >&- 2>&- <&-"),
        (500, "$P -n1 >&- 2>&- <&-"),
        (500, "$P >/dev/full 2>/dev/full"),
        (200, "$P -n1 >/dev/full 2>/dev/full"),
    ],
    indirect=["stack"],
)
def test_a_stream_that_cannot_be_written(tmp_path: Path, stack: tuple[int, str], line: str) -> None:
    code, environments = stack
    ran = _shell(line, f"--output={tmp_path}", environments)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert verdict_of(tmp_path)["exit_code"] == code
    expected = "cannot write to standard output: No space left on device\n"
    assert ran.stderr == (expected if line == "$P >/dev/full" else "")


def test_an_undelivered_verdict_is_unknown(tmp_path: Path, healthy: str) -> None:
    """Neither the file nor the screen could be written: a go that was never delivered."""
    (tmp_path / "out").write_text("in the way")
    ran = _shell("$P >/dev/full", f"--output={tmp_path}/out", healthy)
    assert ran.returncode == 6
    assert ran.stderr.splitlines() == [
        "cannot write to standard output: No space left on device",
        "ERROR: no verdict could be delivered: nothing is known",
    ]


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A file system without room."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    try:
        (folder / "fill").write_bytes(b"x" * 4096)
        yield folder
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file system that cannot be written, with the verdict of an earlier run."""
    folder = tmp_path / "read-only"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "verdict.json").write_text('{"verdict": "go"}')
    bind = ["/bin/mount", "--bind", str(folder), str(folder)]
    if subprocess.run(bind, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    try:
        subprocess.run(["/bin/mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("stack", "where", "workers"),
    [
        *product((200, 500), ("full", "read_only", "a file", "facts in the way"), [()]),
        (500, "full", ("-n1",)),
        (500, "facts in the way", ("-n2", "--dist=worksteal")),
    ],
    indirect=["stack"],
)
def test_outputs_that_cannot_be_written(
    tmp_path: Path,
    stack: tuple[int, str],
    where: str,
    workers: tuple[str, ...],
    request: pytest.FixtureRequest,
) -> None:
    code, environments = stack
    written, error = tmp_path / "out", "No space left on device"
    unwritten = ["verdict.json", "facts.json"]
    if where in ("full", "read_only"):
        written = request.getfixturevalue(where)
    if where == "read_only":
        error = "Read-only file system"
    if where == "a file":
        written.write_text("in the way")
        error = "Not a directory"
    if where == "facts in the way":
        (written / "shop" / "facts.json").mkdir(parents=True)
        unwritten, error = ["facts.json"], "Is a directory"
    before = sorted(written.rglob("*"))
    start = run if workers else in_process.run
    ran = start(written, "-m", "shop and routes", environments, *workers)
    assert ran.exit_code == code, ran.output
    assert ran.errors == ""
    assert "Traceback" not in ran.output
    failures = [line for line in ran.output.splitlines() if line.startswith("cannot ")]
    lines = [f"cannot write {written}/shop/{name}: {error}" for name in unwritten]
    if where == "read_only":
        lines.insert(1, f"cannot remove {written}/shop/verdict.json: {error}")
    assert failures == lines
    assert f"shop: {'NO-GO' if code else 'GO'} — " in ran.output
    new = set(written.rglob("*")) - set(before)
    left = {path.name for path in new if ".pytest_cache" not in path.parts}
    assert left <= {"shop", "run.lock", "facts.lock", "verdict.json"}


def test_reports_of_plugins_that_cannot_be_written(tmp_path: Path, stack: tuple[int, str]) -> None:
    code, environments = stack
    (tmp_path / "file").write_text("in the way")
    junit, allure = f"{tmp_path}/file/junit.xml", f"{tmp_path}/file/allure"
    options = (environments, f"--junitxml={junit}", f"--alluredir={allure}")
    ran = in_process.run(tmp_path / "out", "-m", "shop and routes", *options)
    assert (ran.exit_code, ran.errors) == (code, "")
    assert ran.output.splitlines()[-2:] == [
        f"cannot write {allure}: Not a directory",
        f"cannot write {junit}: File exists",
    ]


def test_reports_of_plugins_on_a_full_disk(
    tmp_path: Path, stack: tuple[int, str], full: Path
) -> None:
    code, environments = stack
    options = (environments, f"--junitxml={full}/junit.xml", f"--alluredir={full}/allure")
    ran = run(tmp_path / "out", "-m", "shop and routes", *options)
    assert (ran.exit_code, ran.errors) == (code, "")
    assert ran.output.splitlines()[-2:] == [
        f"cannot write {full}/allure: No space left on device",
        f"cannot write {full}/junit.xml: No space left on device",
    ]
    assert {path.name for path in full.rglob("*")} == {"fill", "allure"}
