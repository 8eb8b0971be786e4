"""`stackproof check` with checks of the project's own."""

from pathlib import Path

import pytest

from tests.cli.project import OWN, checks_in, deny, refused, run_process, write_suite
from tests.in_process import check, run


@pytest.mark.parametrize(("where", "options"), [("suites", ()), ("elsewhere", ("-n1",))])
def test_own_suites(project: Path, facts: str, where: str, options: tuple[str, ...]) -> None:
    (project / where).mkdir()
    (project / where / "test_balancer.py").write_text(OWN, encoding="utf-8")
    if where != "suites":
        options = (*options, f"--suites={where}")
    run_check = run_process if options else check
    done = run_check(project, "lab", facts, "-m", "balancer or datastores", *options)
    assert done.exit_code == 1, done.output + done.errors
    outcomes = {each["id"]: each["outcome"] for each in checks_in(project / "reports" / "out")}
    assert outcomes["balancer.header[api]"] == "FAIL"
    assert outcomes["datastores.ping[redis]"] == "PASS"
    assert "api status: expected 299, observed 200" in done.output


def test_own_suites_in_a_checkout(tmp_path: Path, facts: str) -> None:
    (tmp_path / "test_balancer.py").write_text(OWN, encoding="utf-8")
    ran = run(
        tmp_path / "out",
        "-m",
        "lab and not routes",
        facts,
        f"--suites={tmp_path}",
        variables={"PYTHONPATH": str(tmp_path)},
    )
    assert ran.exit_code == 1, ran.output + ran.errors
    outcomes = {each["id"]: each["outcome"] for each in ran.verdict("lab")["checks"]}
    assert outcomes["balancer.header[api]"] == "FAIL"
    assert outcomes["containers.running[api]"] == "PASS"


def test_an_own_conftest(project: Path, facts: str) -> None:
    (project / "suites").mkdir()
    (project / "suites" / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef wanted(): return 200\n", encoding="utf-8"
    )
    text = OWN.replace("health_result: Response", "health_result: Response, wanted: int")
    (project / "suites" / "test_balancer.py").write_text(
        text.replace("== 299", "== wanted"), encoding="utf-8"
    )
    done = check(project, "lab", facts, "-m", "balancer")
    assert done.exit_code == 0, done.output + done.errors


_NO_SUBJECT = "def test_it():\n    assert True\n"
_KINDS = "expected exactly one argument of stack, service, "


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("health", OWN, "suites/test_health.py: 'health' is a reserved name: there is a suite of"),
        ("skip", OWN, "suites/test_skip.py: 'skip' is a reserved name: pytest or a plugin has a"),
        (
            "own",
            "import no_such_module\n",
            "suites/test_own.py cannot be collected: ModuleNotFoundError: No module named "
            "'no_such_module'",
        ),
        ("own", "def test_(:\n", "suites/test_own.py cannot be collected: SyntaxError: invalid"),
        ("own", _NO_SUBJECT, f"suites/test_own.py cannot be collected: test_it: {_KINDS}"),
        (
            "own",
            OWN.replace('"health"', '"healht"'),
            "suites/test_own.py cannot be collected: declares 'healht': Service has no",
        ),
        (
            "own",
            "import unittest\n\nclass TestIt(unittest.TestCase):\n    def test_it(self): pass\n",
            "suites/test_own.py cannot be collected: test_it: expected a function or a method of a "
            "plain class, got TestCaseFunction",
        ),
        (
            "own",
            "import pytest\n\npytest.importorskip('no_such_module')\n",
            "suites/test_own.py cannot be collected: skipped: could not import 'no_such_module'",
        ),
    ],
)
def test_a_wrong_suite(
    project: Path, facts: str, name: str, text: str, message: str
) -> None:  # fmt: skip
    (project / "suites").mkdir()
    (project / "suites" / f"test_{name}.py").write_text(text, encoding="utf-8")
    done = check(project, "lab", facts)
    assert done.exit_code == 4, done.output + done.errors
    (line,) = done.errors.strip().splitlines()
    assert line.startswith(f"ERROR: {message}")
    assert not list((project / "reports").rglob("verdict.json"))


def test_a_wrong_suite_has_a_traceback_only_if_asked_for(project: Path, facts: str) -> None:
    (project / "suites").mkdir()
    (project / "suites" / "test_own.py").write_text("\nimport no_such_module\n", encoding="utf-8")
    place = "No module named 'no_such_module' (suites/test_own.py:2)"
    done = check(project, "lab", facts)
    assert done.output.count(place) == done.errors.count(place) == 1
    assert "importlib" not in done.output
    assert "importlib" in check(project, "lab", facts, "--full-trace").output


def test_a_wrong_suite_with_a_worker(project: Path, facts: str) -> None:
    (project / "suites").mkdir()
    (project / "suites" / "test_own.py").write_text("import no_such_module\n", encoding="utf-8")
    done = run_process(project, "lab", facts, "-n1")
    assert done.exit_code == 4, done.output + done.errors
    assert done.errors.strip() == (
        "ERROR: suites/test_own.py cannot be collected: ModuleNotFoundError: "
        "No module named 'no_such_module' (suites/test_own.py:1)"
    )


@pytest.mark.parametrize("folder", ["none", "empty", "environments/lab.yaml"])
def test_suites_in_what_holds_none(project: Path, folder: str) -> None:
    (project / "empty").mkdir()
    done = check(project, "lab", f"--suites={folder}")
    message = "no test_*.py in empty" if folder == "empty" else f"no directory {folder}"
    assert (done.exit_code, done.errors.strip()) == (4, f"ERROR: --suites: there is {message}")


def test_a_suite_of_another_directory(project: Path, facts: str, tmp_path: Path) -> None:
    suite = tmp_path / "elsewhere" / "test_own.py"
    suite.parent.mkdir()
    suite.write_text(OWN, encoding="utf-8")
    done = check(project, "lab", facts, f"--suites={suite.parent}", str(suite))
    assert done.exit_code == 1, done.output + done.errors
    checks = {str(each["id"]).partition("[")[0] for each in checks_in(project / "reports" / "out")}
    assert checks == {"own.header"}


@pytest.mark.parametrize("name", ["httpx.py", "cryptography/__init__.py", "statistics.py"])
def test_a_module_that_hides_a_library(project: Path, facts: str, name: str) -> None:
    write_suite(project, "test_own.py")
    write_suite(project, name, "")
    module = name.partition(".")[0].partition("/")[0]
    assert refused(check(project, "lab", facts)) == (
        f"ERROR: suites/{module}: rename it: it hides the library {module}, which checks may need"
    )


def test_two_suites_of_one_name(project: Path, facts: str) -> None:
    write_suite(project, "a/test_own.py")
    write_suite(project, "b/test_own.py")
    assert refused(check(project, "lab", facts)) == (
        "ERROR: suites/b/test_own.py: the suite 'own' is in two files, the other is "
        "suites/a/test_own.py"
    )


@pytest.mark.parametrize("options", [(), ("--suites=suites",)])
def test_suites_that_cannot_be_read(
    project: Path, facts: str, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mock: the user of the tests may be root, who can read any directory."""
    folder = write_suite(project, "test_own.py").parent
    deny(folder, monkeypatch)
    assert refused(check(project, "lab", facts, *options)) == "ERROR: suites: Permission denied"
