"""Exit codes are verdicts, whatever is wrong with the process, its options and its outputs."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from tests.fixtures.sites import Answer, serving
from tests.suites.command_line import ROOT, RUN_SECONDS, Ran, run

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
WORKERS = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])


def declare(folder: Path, url: str, name: str = "shop") -> str:
    """Write an environment of one route; return the option that leads to it."""
    environment = {
        "services": {"api": {}},
        "routes": {"home": {"url": url, "service": "api"}},
    }
    declared = folder / "environments"
    declared.mkdir(exist_ok=True)
    (declared / f"{name}.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    return f"--environments={declared}"


@pytest.fixture(params=[200, 500], ids=["healthy", "failing"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, str]]:
    """The exit code that a stack of one route deserves, and the option that leads to it."""
    with serving(lambda _: (request.param, {}, b"")) as site:
        yield int(request.param != 200), declare(tmp_path, f"http://{site.address}/")


@pytest.fixture
def healthy(tmp_path: Path) -> Iterator[str]:
    with serving(lambda _: (200, {}, b"")) as site:
        yield declare(tmp_path, f"http://{site.address}/")


def _verdict(folder: Path) -> dict[str, Any]:
    verdict: dict[str, Any] = json.loads((folder / "shop" / "verdict.json").read_text("utf-8"))
    return verdict


def _shell(line: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a line of bash with `pipefail`: `$P` is its command."""
    command = " ".join([sys.executable, "-m", "pytest", "-m", "'shop and routes'", *options])
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", line.replace("$P", command)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "$P | head -c 1",
        "$P -n2 | head -c 1",
        "$P >/dev/full",
        "$P >&-",
        "$P 2>&-",
        "$P <&-",
        "$P >&- 2>&- <&-",
        "$P -n2 >&- 2>&- <&-",
        "$P >/dev/full 2>/dev/full",
        "$P -n2 >/dev/full 2>/dev/full",
    ],
)
def test_a_stream_that_cannot_be_written(tmp_path: Path, stack: tuple[int, str], line: str) -> None:
    code, environments = stack
    ran = _shell(line, f"--output={tmp_path}", environments)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert _verdict(tmp_path)["exit_code"] == code
    expected = "cannot write to standard output: No space left on device\n"
    assert ran.stderr == (expected if line == "$P >/dev/full" else "")


def test_a_verdict_that_nobody_can_read_is_none(tmp_path: Path, healthy: str) -> None:
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
    ("where", "workers"),
    [
        ("full", ()),
        ("full", ("-n2",)),
        ("read_only", ()),
        ("a file", ()),
        ("facts in the way", ()),
        ("facts in the way", ("-n2", "--dist=worksteal")),
    ],
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
    ran = run(written, "-m", "shop and routes", environments, *workers)
    assert ran.exit_code == code, ran.output
    assert ran.errors == ""
    assert "Traceback" not in ran.output
    told = [line for line in ran.output.splitlines() if line.startswith("cannot ")]
    lines = [f"cannot write {written}/shop/{name}: {error}" for name in unwritten]
    if where == "read_only":
        lines.insert(1, f"cannot remove {written}/shop/verdict.json: {error}")
    assert told == lines
    assert f"shop: {'NO-GO' if code else 'GO'} — " in ran.output
    left = {path.name for path in set(written.rglob("*")) - set(before)}
    assert left <= {"shop", "run.lock", "facts.lock", "verdict.json"}


def test_reports_of_plugins_that_cannot_be_written(tmp_path: Path, stack: tuple[int, str]) -> None:
    code, environments = stack
    (tmp_path / "file").write_text("in the way")
    junit, allure = f"{tmp_path}/file/junit.xml", f"{tmp_path}/file/allure"
    options = (environments, f"--junitxml={junit}", f"--alluredir={allure}")
    ran = run(tmp_path / "out", "-m", "shop and routes", *options)
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


def _refused(ran: Ran, message: str) -> None:
    assert (ran.exit_code, ran.output.strip(), ran.errors.strip()) == (4, "", f"ERROR: {message}")
    assert not ran.written.exists()


LISTINGS = [
    "--setup-plan",
    "--setup-only",
    "--fixtures",
    "--fixtures-per-test",
    "--markers",
    "--cache-show",
]


@pytest.mark.parametrize("option", LISTINGS)
def test_options_that_verify_nothing(tmp_path: Path, option: str) -> None:
    ran = run(tmp_path / "out", "-m", "lab", option)
    _refused(ran, f"{option} verifies nothing: leave it out")


@pytest.mark.parametrize("option", [*LISTINGS, "--collect-only", "--help", "-VV"])
def test_options_that_verify_nothing_and_are_not_on_the_command_line(
    tmp_path: Path, option: str
) -> None:
    ran = run(tmp_path / "out", "-m", "lab", variables={"PYTEST_ADDOPTS": option})
    where = "set in PYTEST_ADDOPTS or in the configuration"
    _refused(ran, f"{option}, {where}, verifies nothing")


def test_a_gate_that_only_lists(tmp_path: Path) -> None:
    ran = run(tmp_path / "out", "-m", "lab", "--gate=rollback", "--collect-only")
    _refused(ran, "--collect-only verifies nothing: leave it out")


@pytest.mark.parametrize("option", ["--setup-show", "--noconftest", "--assert=rewrite", "-s", "-x"])
def test_options_that_verify_all_the_same(
    tmp_path: Path, stack: tuple[int, str], option: str
) -> None:
    code, environments = stack
    ran = run(tmp_path / "out", "-m", "shop and routes", environments, option)
    assert ran.exit_code == ran.verdict("shop")["exit_code"] == code, ran.output + ran.errors


@pytest.mark.parametrize("arguments", [(), ("-Wignore",), ("-n2",)], ids=repr)
@pytest.mark.parametrize("level", ["1", "2"])
def test_disabled_assertions(tmp_path: Path, level: str, arguments: tuple[str, ...]) -> None:
    variables = {"PYTHONOPTIMIZE": level}
    ran = run(tmp_path / "out", "-m", "lab", *arguments, variables=variables)
    _refused(
        ran,
        "assertions are disabled (PYTHONOPTIMIZE or python -O), so that no check could fail",
    )


@pytest.mark.parametrize("plugin", ["skipping", "python", "fixtures.waivers", "reports.terminal"])
def test_plugins_that_a_verdict_needs(tmp_path: Path, plugin: str) -> None:
    ran = run(tmp_path / "out", "-m", "lab", "-p", f"no:{plugin}")
    _refused(ran, f"-p no:{plugin}: no verdict can be given without this plugin")


BROKEN = {
    "collection": "def pytest_collection_finish(): raise KeyError('a\\nb')",
    "a worker's end": "def pytest_sessionfinish(): raise KeyError('a\\nb')",
    "the end": "def pytest_unconfigure(): raise KeyError('a\\nb')",
    "start": "def pytest_sessionstart(): raise KeyError('a\\nb')",
    "options": "def pytest_addoption(parser): parser.addoption('--output')",
}


@pytest.mark.parametrize(
    ("broken", "code"),
    [("collection", 3), ("a worker's end", 0), ("the end", 0), ("start", 3), ("options", 3)],
)
def test_a_plugin_that_breaks(tmp_path: Path, healthy: str, broken: str, code: int) -> None:
    (tmp_path / "broken_plugin.py").write_text(BROKEN[broken])
    variables = {"PYTHONPATH": str(tmp_path)}
    options = ("-m", "shop and routes", healthy, "-p", "broken_plugin")
    ran = run(tmp_path / "out", *options, variables=variables)
    assert ran.exit_code == code, ran.output + ran.errors
    assert "Traceback" not in ran.output + ran.errors
    if code == 0:
        assert ran.verdict("shop")["verdict"] == "go"
    elif broken != "options":
        assert "internal error: KeyError: 'a\\nb'" in ran.output + ran.errors


def test_a_plugin_that_asks_for_success(tmp_path: Path) -> None:
    (tmp_path / "broken_plugin.py").write_text(
        "import pytest\ndef pytest_collection_finish(): pytest.exit('enough', returncode=0)"
    )
    environments = declare(tmp_path, "http://127.0.0.1:9/")
    options = ("-m", "shop and routes", environments, "-p", "broken_plugin")
    ran = run(tmp_path / "out", *options, variables={"PYTHONPATH": str(tmp_path)})
    assert ran.exit_code == 2, ran.output


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@WORKERS
def test_a_run_that_is_stopped(tmp_path: Path, name: str, workers: tuple[str, ...]) -> None:
    number = getattr(signal, name)
    asked, done = Event(), Event()

    def answer(_: str) -> Answer:
        asked.set()
        done.wait(20)
        return 200, {}, b""

    written = tmp_path / "out"
    older = written / "shop" / "verdict.json"
    older.parent.mkdir(parents=True)
    older.write_text('{"verdict": "go"}', encoding="utf-8")
    with ExitStack() as stack:
        site = stack.enter_context(serving(answer))
        stack.callback(done.set)
        environments = declare(tmp_path, f"http://{site.address}/")
        command = [sys.executable, "-m", "pytest", "-m", "shop and routes", *workers]
        with subprocess.Popen(
            [*command, environments, f"--output={written}"], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as running:  # fmt: skip
            assert asked.wait(RUN_SECONDS)
            assert not older.exists(), "what an earlier run said is gone before anything is asked"
            running.send_signal(number)
            output, _ = running.communicate(timeout=RUN_SECONDS)
    assert running.returncode == 128 + number, output
    verdict = json.loads(older.read_text(encoding="utf-8"))
    assert (verdict["verdict"], verdict["interrupted"]) == ("unknown", True)
    assert verdict["exit_code"] == 128 + number
    assert f"by {name}" in output
    assert {path.name for path in older.parent.iterdir()} <= {
        "verdict.json", "run.lock", "facts.json", "facts.lock",
    }  # fmt: skip


def test_a_run_that_is_killed_leaves_no_older_verdict(tmp_path: Path) -> None:
    asked, done = Event(), Event()

    def answer(_: str) -> Answer:
        asked.set()
        done.wait(20)
        return 200, {}, b""

    older = tmp_path / "shop" / "verdict.json"
    older.parent.mkdir(parents=True)
    older.write_text('{"verdict": "go"}', encoding="utf-8")
    with serving(answer) as site:
        environments = declare(tmp_path, f"http://{site.address}/")
        command = [sys.executable, "-m", "pytest", "-m", "shop and routes"]
        with subprocess.Popen(
            [*command, environments, f"--output={tmp_path}"], cwd=ROOT, stdout=subprocess.DEVNULL
        ) as running:
            assert asked.wait(RUN_SECONDS)
            running.kill()
        done.set()
    assert not older.exists()


def test_wrong_usage_leaves_no_older_verdict(tmp_path: Path) -> None:
    older = tmp_path / "out" / "shop" / "verdict.json"
    older.parent.mkdir(parents=True)
    older.write_text('{"verdict": "go"}', encoding="utf-8")
    (tmp_path / "shop.yaml").write_text("services: 3\n", encoding="utf-8")
    ran = run(tmp_path / "out", "-m", "shop", f"--environments={tmp_path}")
    assert ran.exit_code == 4
    assert not older.exists()


def test_every_selected_environment_has_a_verdict(tmp_path: Path, healthy: str) -> None:
    with serving(lambda _: (200, {}, b"")) as site:
        declare(tmp_path, f"http://{site.address}/", "store")
        ran = run(tmp_path / "out", "-m", "(shop or store) and routes", healthy, "-k", "shop")
    assert ran.exit_code == 6, ran.output
    assert ran.verdict("shop")["verdict"] == "go"
    assert ran.verdict("store")["verdict"] == "unknown"


@pytest.mark.parametrize(
    "arguments", [(), ("-p", "xdist"), ("-p", "xdist", "-n2")], ids=["none", "xdist", "workers"]
)
def test_without_the_plugins_that_are_installed(
    tmp_path: Path, stack: tuple[int, str], arguments: tuple[str, ...]
) -> None:
    code, environments = stack
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    options = ("-m", "shop and routes", environments, *arguments)
    ran = run(tmp_path / "out", *options, variables=variables)
    assert ran.exit_code == code, ran.output + ran.errors
    assert re.fullmatch("[0-9a-f]{32}", ran.verdict("shop")["run"])


def _started_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "pytest", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        timeout=RUN_SECONDS, env=clean,
    )  # fmt: skip


@pytest.mark.parametrize("folder", ["docs", "docs/adr", "suites", "environments"])
def test_started_in_a_folder_of_the_project(
    tmp_path: Path, stack: tuple[int, str], folder: str
) -> None:
    code, environments = stack
    output = f"--output={tmp_path}"
    ran = _started_in(ROOT / folder, "-m", "shop and routes", environments, output)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert _verdict(tmp_path)["exit_code"] == code


def test_started_elsewhere_with_the_project_named(tmp_path: Path, stack: tuple[int, str]) -> None:
    code, environments = stack
    options = ("-c", f"{ROOT}/pyproject.toml", environments, f"--output={tmp_path}")
    ran = _started_in(tmp_path, "-m", "shop and routes", *options)
    assert ran.returncode == code, ran.stdout + ran.stderr


@pytest.mark.parametrize("arguments", [("-m", "lab"), ("-m", "shop", "--environments=e")], ids=repr)
def test_started_elsewhere(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = _started_in(tmp_path, *arguments)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert ran.stderr.strip() == (
        f"ERROR: there are no suites in {tmp_path}: run pytest in {ROOT}, "
        f"or with -c {ROOT}/pyproject.toml"
    )


def test_the_suite_of_somebody_else(tmp_path: Path) -> None:
    """It may have an environment's name for a marker, and runs as if we were not installed."""
    (tmp_path / "test_own.py").write_text(
        "import pytest\n@pytest.mark.lab\ndef test_own(): assert 1\n"
    )
    ran = _started_in(tmp_path, "-m", "lab", "-W", "ignore")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
