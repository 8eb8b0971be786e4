"""The package as it is built and installed: what it holds, and that it verifies from anywhere."""

import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.cli.project import OWN
from tests.command_line import ROOT, clean_environment
from tests.faults import snapshots

DEADLINE = 300
NOT_BUILT = (".git", ".venv", ".tox", "out", "build", "*_cache", "__pycache__", "*.egg-info")
STALE = Path("stackproof") / "suites" / "test_removed.py"


@dataclass(frozen=True)
class Built:
    sdist: Path
    wheel: Path
    """Built from the sdist."""
    wheel_of_checkout: Path


def _run(*command: str | Path, where: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=where, capture_output=True, text=True, check=False, timeout=DEADLINE,
        env=clean_environment({"PIP_DISABLE_PIP_VERSION_CHECK": "1"}),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that can build and install packages."""
    folder = tmp_path_factory.mktemp("builder")
    python = folder / "bin" / "python"
    _run(sys.executable, "-m", "venv", "--without-pip", folder)  # installing pip takes the longest
    _install(folder, "build", "setuptools>=77")
    return python


@pytest.fixture(scope="session")
def built(builder: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*NOT_BUILT))
    (tree / "build" / "lib" / STALE).parent.mkdir(parents=True)
    (tree / "build" / "lib" / STALE).touch()  # of a build of an earlier version
    build = (builder, "-m", "build", "--no-isolation")
    _run(*build, f"--outdir={folder}", tree)
    _run(*build, "--wheel", f"--outdir={folder / 'direct'}", tree)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Built(sdist, wheel, folder / "direct" / wheel.name)


@pytest.fixture(scope="session")
def venv(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel. It borrows the dependencies of this Python."""
    folder = tmp_path_factory.mktemp("venv")
    _run(sys.executable, "-m", "venv", "--without-pip", folder)
    _install(folder, "--no-deps", built.wheel)
    library = sysconfig.get_path("purelib")
    (site_packages,) = folder.glob("lib/*/site-packages")
    (site_packages / "borrowed.pth").write_text(f"{library}\n", encoding="utf-8")
    return folder


def _install(venv: Path, *arguments: str | Path) -> None:
    python = venv / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *arguments)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with environments and a suite of its own."""
    folder = tmp_path / "project"
    (folder / "suites").mkdir(parents=True)
    (folder / "environments").symlink_to(ROOT / "environments")
    (folder / "suites" / "test_own.py").write_text(OWN.replace("299", "200"), encoding="utf-8")
    return folder


def _files(wheel: Path) -> dict[str, int]:
    with ZipFile(wheel) as archive:
        return {each.filename: each.CRC for each in archive.infolist()}


def test_what_the_wheel_holds(built: Built) -> None:
    files = _files(built.wheel)
    assert {name.partition("/")[0] for name in files} == {
        "stackproof", f"{built.wheel.name.removesuffix('-py3-none-any.whl')}.dist-info"
    }  # fmt: skip
    suites = {f"stackproof/{each.relative_to(ROOT)}" for each in ROOT.glob("suites/**/test_*.py")}
    schemas = ("environment/environment.schema.json", "reports/verdict.schema.json")
    data = ("py.typed", "pytest.ini", *schemas)
    assert suites | {f"stackproof/{each}" for each in data} <= files.keys()
    assert not [name for name in files if name.endswith((".yaml", "conftest.py"))]
    assert files == _files(built.wheel_of_checkout)
    assert STALE.as_posix() not in files


def test_a_build_leaves_no_build_directory(built: Built) -> None:
    (only,) = (
        each for each in (built.sdist.parent / "tree" / "build").rglob("*") if each.is_file()
    )
    assert only.name == STALE.name


def test_what_the_sdist_holds(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {each.name.partition("/")[2]: each for each in archive}
    top = {name.partition("/")[0] for name in names} - {""}
    assert top == {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg",
                   "setup.py", "src"}  # fmt: skip
    assert names["src/stackproof/suites/test_routes.py"].isfile(), "not a link that leads nowhere"


def test_the_configuration_is_that_of_a_checkout() -> None:
    of_package = ConfigParser(interpolation=None)
    of_package.read(ROOT / "src" / "stackproof" / "pytest.ini", encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    of_checkout = project["tool"]["pytest"]["ini_options"]
    assert of_package["pytest"]["addopts"] == of_checkout["addopts"]
    assert of_package["pytest"]["python_files"].split() == of_checkout["python_files"]


@pytest.mark.parametrize(
    "command", [("bin/stackproof",), ("bin/python", "-m", "stackproof")], ids=" ".join
)
def test_a_replay(venv: Path, project: Path, command: tuple[str, ...]) -> None:
    facts = project / "facts.json"
    facts.write_text(snapshots.read("healthy-lab").model_dump_json(), encoding="utf-8")
    before = _written(venv)
    program: tuple[str | Path, ...] = (venv / command[0], *command[1:])
    output = _run(*program, "check", "lab", f"--facts={facts}", where=project)
    verdict = json.loads(
        (project / "reports" / "out" / "lab" / "replay" / "verdict.json").read_text()
    )
    assert verdict["verdict"] == "go", output
    ids = {check["id"] for check in verdict["checks"]}
    assert {"containers.running[redis]", "own.header[api]"} <= ids
    assert _written(venv) == before, "nothing is written beside the installed package"
    assert (project / ".pytest_cache").is_dir()


@pytest.mark.live
def test_the_lab(built: Built, project: Path, tmp_path: Path) -> None:
    """In a fresh virtual environment, next to a package that is called `fixtures`."""
    folder = tmp_path / "venv"
    _run(sys.executable, "-m", "venv", "--without-pip", folder)
    _install(folder, "fixtures", built.wheel)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip")
    assert "No broken requirements" in _run(*pip, "--python", python, "check")
    _run(python, "-c", "import fixtures, stackproof; fixtures.TempDir", where=folder)
    output = _run(folder / "bin" / "stackproof", "check", "lab", where=project)
    assert "lab: GO" in output
    verdict = json.loads((project / "reports" / "out" / "lab" / "verdict.json").read_text())
    ids = {check["id"] for check in verdict["checks"]}
    assert {"containers.running[redis]", "own.header[api]"} <= ids


def test_pytest_says_what_to_run_instead(venv: Path, project: Path) -> None:
    done = subprocess.run(
        [venv / "bin" / "python", "-m", "pytest", "-m", "lab"],
        cwd=project, capture_output=True, text=True, check=False, timeout=DEADLINE,
    )  # fmt: skip
    message = f"ERROR: there are no suites in {project}: run `stackproof check lab`"
    assert (done.returncode, done.stderr.strip()) == (4, message)


def _written(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix != ".pyc" and path.is_file()}
