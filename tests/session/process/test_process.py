"""Exit codes are verdicts, whatever is wrong with the process, its options and its plugins."""

import re
from pathlib import Path

import pytest

from tests import in_process
from tests.command_line import Ran, run
from tests.probes.http.sites import serving
from tests.session.process.one_route import declare


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
    ran = in_process.run(tmp_path / "out", "-m", "lab", option)
    _refused(ran, f"{option} verifies nothing: leave it out")


@pytest.mark.parametrize("option", [*LISTINGS, "--collect-only", "--help", "-VV"])
def test_options_that_verify_nothing_and_are_not_on_the_command_line(
    tmp_path: Path, option: str
) -> None:
    ran = in_process.run(tmp_path / "out", "-m", "lab", variables={"PYTEST_ADDOPTS": option})
    where = "set in PYTEST_ADDOPTS or in the configuration"
    _refused(ran, f"{option}, {where}, verifies nothing")


def test_a_gate_that_only_lists(tmp_path: Path) -> None:
    ran = in_process.run(tmp_path / "out", "-m", "lab", "--gate=rollback", "--collect-only")
    _refused(ran, "--collect-only verifies nothing: leave it out")


@pytest.mark.parametrize("option", ["--setup-show", "--noconftest", "--assert=rewrite", "-s", "-x"])
def test_options_that_verify_all_the_same(
    tmp_path: Path, stack: tuple[int, str], option: str
) -> None:
    code, environments = stack
    ran = in_process.run(tmp_path / "out", "-m", "shop and routes", environments, option)
    assert ran.exit_code == ran.verdict("shop")["exit_code"] == code, ran.output + ran.errors


@pytest.mark.parametrize(
    ("level", "arguments"), [("1", ()), ("2", ("-Wignore",)), ("1", ("-n1",))], ids=repr
)
def test_disabled_assertions(tmp_path: Path, level: str, arguments: tuple[str, ...]) -> None:
    variables = {"PYTHONOPTIMIZE": level}
    ran = run(tmp_path / "out", "-m", "lab", *arguments, variables=variables)
    _refused(
        ran,
        "assertions are disabled (PYTHONOPTIMIZE or python -O), so that no check could fail",
    )


@pytest.mark.parametrize(
    "plugin",
    ["skipping", "python", "stackproof.fixtures.session.waivers", "stackproof.reports.terminal"],
)
def test_plugins_that_a_verdict_needs(tmp_path: Path, plugin: str) -> None:
    ran = in_process.run(tmp_path / "out", "-m", "lab", "-p", f"no:{plugin}")
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


def test_every_selected_environment_has_a_verdict(tmp_path: Path, healthy: str) -> None:
    with serving(lambda _: (200, {}, b"")) as site:
        declare(tmp_path, f"http://{site.address}/", "store")
        options = ("-m", "(shop or store) and routes", healthy, "-k", "shop")
        ran = in_process.run(tmp_path / "out", *options)
    assert ran.exit_code == 6, ran.output
    assert ran.verdict("shop")["verdict"] == "go"
    assert ran.verdict("store")["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("stack", "arguments"),
    [(200, ()), (500, ()), (200, ("-p", "xdist")), (500, ("-p", "xdist", "-n1"))],
    indirect=["stack"],
)
def test_without_the_plugins_that_are_installed(
    tmp_path: Path, stack: tuple[int, str], arguments: tuple[str, ...]
) -> None:
    code, environments = stack
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    options = ("-m", "shop and routes", environments, *arguments)
    start = run if "-n1" in arguments else in_process.run
    ran = start(tmp_path / "out", *options, variables=variables)
    assert ran.exit_code == code, ran.output + ran.errors
    assert re.fullmatch("[0-9a-f]{32}", ran.verdict("shop")["run"])
