"""`stackproof check` in a directory that has environments and is no checkout."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from stackproof.cli.command_line import main
from tests import command_line
from tests.cli.project import OWN, checks_in, deny, refused, run_process, write_suite
from tests.command_line import ROOT
from tests.in_process import check, run

USAGE = "(usage: stackproof check [ENV] [OPTION...])"


def _stable(output: str) -> list[str]:
    """The lines of an output but for durations and the place of the verdict."""
    lines = [re.sub(r"\(?[\d.]+ ?s\b\)?", "", line) for line in output.splitlines()]
    return [
        line.partition("verdict:")[0].rstrip()
        for line in lines
        # The place of the verdict gets a line of its own if it is long.
        if line.partition("verdict:")[0].strip()
        and not line.startswith(("rootdir:", "configfile:", "testpaths:", "cachedir:", "="))
    ]


def test_it_says_and_writes_what_pytest_does_in_a_checkout(
    project: Path, facts: str, tmp_path: Path
) -> None:
    done = run_process(project, "lab", facts, "-vv")
    ran = command_line.run(tmp_path / "out", "-m", "lab", facts, "-vv")
    assert (done.exit_code, done.errors) == (ran.exit_code, "") == (1, "")
    assert _stable(done.output) == _stable(ran.output)
    assert checks_in(project / "reports" / "out") == checks_in(tmp_path / "out")
    assert "suites/services/test_containers.py::test_restarts[lab-api]" in done.output
    assert not (ROOT / "src" / "stackproof" / ".pytest_cache").exists()


def test_suites_with_workers(project: Path, facts: str, tmp_path: Path) -> None:
    options = (facts, "-k", "not limit")
    done = run_process(project, "lab", *options, "-n2", "-m", "containers or tls", "--output=given")
    ran = run(tmp_path / "out", "-m", "lab and (containers or tls)", *options)
    assert done.exit_code == ran.exit_code == 1, done.output + done.errors
    assert checks_in(project / "given") == checks_in(tmp_path / "out")


def test_the_plugin_is_loaded_without_the_configuration(project: Path, facts: str) -> None:
    done = check(project, "lab", facts, "-k", "redis", "-o", "addopts=")
    assert done.exit_code == 0, done.output + done.errors
    assert "lab: REPLAY" in done.output


def test_other_environments(project: Path, facts: str, tmp_path: Path) -> None:
    (project / "environments").rename(project / "elsewhere")
    assert check(project, "lab", facts, "-k", "redis", "--environments=elsewhere").exit_code == 0
    done = check(project, "lab", facts)
    message = f"there is no directory {project}/environments to read environments from"
    assert (done.exit_code, done.errors.strip()) == (4, f"ERROR: {message}")


def test_a_folder_below_the_project(project: Path, facts: str) -> None:
    """As Compose does, it finds the Compose file in all folders above."""
    (project / "compose.yaml").write_text("services: {}", encoding="utf-8")
    write_suite(project, "test_own.py")
    below = project / "deep" / "er"
    below.mkdir(parents=True)
    done = check(below, "lab", facts, "-k", "header or redis")
    assert done.exit_code == 1, done.output + done.errors
    assert "expected 299" in done.output
    assert checks_in(project / "reports" / "out")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), f"name an environment: dev, kinds, lab, prod, proxies, staging {USAGE}"),
        (("-x", "lab"), f"name the environment before the options {USAGE}"),
        (("lba",), "no environment 'lba' in environments/; did you mean 'lab'? (there are: dev, "),
        (
            ("lab", "-m", "routes) or (staging"),
            "-m 'routes) or (staging' cannot be parsed: at column 7: ",
        ),
        (("lab and routes",), "no environment 'lab and routes' in environments/ (there are: dev, "),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...],
    message: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project)
    assert main(["check", *arguments]) == 4
    error = capsys.readouterr().err
    assert error.startswith(f"stackproof: {message}")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("-xm prod", "ERROR: -m: write it apart from other options"),
        ("--no-such-option", "check ENV: error: unrecognized arguments: --no-such-option"),
        ("--outptu=x", "ERROR: there is no option --outptu; did you mean --output?"),
        (
            "--enviroments x",
            "ERROR: there is no option --enviroments; did you mean --environments?",
        ),
        ("--fixtures", "ERROR: --fixtures verifies nothing: leave it out"),
        (
            "-m nothing",
            "ERROR: -m nothing: neither an environment (dev, kinds, lab, prod, proxies, staging)",
        ),
    ],
)
def test_wrong_options_of_pytest(project: Path, option: str, message: str) -> None:
    done = check(project, "lab", *option.split())
    assert done.exit_code == 4, done.output + done.errors
    assert message in done.errors


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("staging", "expected one environment, got staging as well"),
        ("lab", "expected one environment, got lab as well"),
        (".", ".: expected no argument after the environment, or the id of a check, such as "),
        ("suites/test_health.py::test_no", "suites/test_health.py::test_no: there is no such"),
        ("suites/health", "suites/health: there is no such check; --collect-only lists all"),
    ],
)
def test_an_argument_that_is_no_check(
    project: Path, facts: str, argument: str, message: str
) -> None:
    done = check(project, "lab", facts, argument)
    assert done.exit_code == 4, done.output
    assert done.errors.strip().startswith(f"ERROR: {message}")
    assert len(done.errors.strip().splitlines()) == 1


def test_ids_that_are_printed_select_checks(project: Path, facts: str) -> None:
    (project / "suites").mkdir()
    (project / "suites" / "test_own.py").write_text(OWN, encoding="utf-8")
    listed = check(project, "lab", facts, "--collect-only", "-v").output
    ids = (
        "suites/services/test_containers.py::test_restarts[lab-redis]",
        "suites/test_datastores.py::test_ping",
        "suites/test_own.py",
    )
    assert "test_restarts[lab-redis]" in listed
    done = check(project, "lab", facts, *ids)
    assert done.exit_code == 1, done.output + done.errors
    checks = {str(each["id"]) for each in checks_in(project / "reports" / "out")}
    assert {"containers.restarts[redis]", "datastores.ping[redis]", "own.header[api]"} <= checks
    assert {name.partition("[")[0] for name in checks} == {
        "containers.restarts", "datastores.ping", "own.header"
    }  # fmt: skip
    assert done.verdict("lab")["selection"] == shlex.join(["-m", "lab", *ids])


def test_a_folder_of_suites_selects_its_checks(project: Path, facts: str) -> None:
    done = check(project, "lab", facts, "suites/services")
    assert done.exit_code == 1, done.output + done.errors
    suites = {str(each["suite"]) for each in checks_in(project / "reports" / "out")}
    assert {"containers", "identity", "resources"} <= suites
    assert suites <= {path.stem[5:] for path in ROOT.glob("suites/services/test_*.py")}


@pytest.mark.parametrize(
    "option",
    [
        "--ignore=suites/services/test_containers.py",
        "--ignore=suites/services",
        "--ignore-glob=*/test_cont*",
        "--deselect=suites/services/test_containers.py",
        "-opython_functions=test_[!r]*",
    ],
)
def test_what_leaves_checks_out_is_in_the_verdict(project: Path, facts: str, option: str) -> None:
    done = check(project, "lab", facts, option)
    assert done.exit_code == 0, done.output + done.errors
    assert not [each for each in checks_in(project / "reports" / "out")
                if str(each["id"]).startswith("containers.restarts")]  # fmt: skip
    (*_, written) = shlex.split(done.verdict("lab")["selection"])
    assert option.endswith(written)


@pytest.mark.parametrize("options", [("-n1",), ("--alluredir=results",)])
def test_plugins_that_are_asked_for_where_pytest_loads_none(
    project: Path, facts: str, options: tuple[str, ...]
) -> None:
    done = run_process(
        project, "lab", facts, "-k", "restarts", *options, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    )
    assert (done.exit_code, done.errors) == (1, ""), done.output + done.errors


def test_environments_that_cannot_be_read(
    project: Path, facts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mock: the user of the tests may be root, who can read any directory."""
    (project / "environments").unlink()
    (project / "environments").mkdir()
    deny(project / "environments", monkeypatch)
    line = refused(check(project, "lab", facts))
    assert line == "stackproof: environments/ cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("file", "named", "message"),
    [
        ("lab.yaml", "lab.yaml", "no environment 'lab.yaml' in environments/; did you mean 'lab'?"),
        ("lab.yaml", "environments/lab.yaml", "no environment 'environments/lab.yaml' in environm"),
        (
            "lab.yml",
            "lab.yml",
            "no environment 'lab.yml' in environments/; rename lab.yml to l",
        ),
        ("lab.yml", "lab", "no environment 'lab' in environments/; rename lab.yml to lab.yaml"),
        ("my lab.yaml", "my lab", "environments/my lab.yaml: expected a file name of letters, di"),
    ],
)
def test_a_file_instead_of_an_environment(
    project: Path, file: str, named: str, message: str
) -> None:
    (project / "environments").unlink()
    (project / "environments").mkdir()
    (project / "environments" / file).touch()
    assert refused(check(project, named)).startswith(f"stackproof: {message}")


@pytest.mark.parametrize("command", ["check", "watch"])
def test_a_directory_that_was_deleted(
    project: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "gone").mkdir()
    monkeypatch.chdir(project / "gone")
    (project / "gone").rmdir()
    assert main([command, "lab"]) == 4
    message = "stackproof: the current directory cannot be used: No such file or directory\n"
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(
    ("module", "text", "message"),
    [
        (
            "kinds",
            "from stackproof.kinds.registry import Datastore, datastore\n\n"
            "@datastore('redis')\nclass Again(Datastore):\n    pass\n",
            ":3: ValueError: two declarations of kinds are named 'redis'",
        ),
        ("probes", "import no_such_module\n", ":1: ModuleNotFoundError: No module named 'no_such"),
    ],
)
def test_a_wrong_module_of_the_package(project: Path, module: str, text: str, message: str) -> None:
    """In a process of its own: the modules are imported once."""
    package = project / "source" / "stackproof"
    shutil.copytree(ROOT / "src" / "stackproof", package)
    new = package / module / "second.py"
    new.write_text(text, encoding="utf-8")
    done = run_process(project, "lab", PYTHONPATH=str(package.parent))
    assert refused(done).startswith(f"ERROR: stackproof cannot be loaded: {new}{message}")
    traced = run_process(project, "lab", "--full-trace", PYTHONPATH=str(package.parent))
    assert "import_module" in traced.output + traced.errors
