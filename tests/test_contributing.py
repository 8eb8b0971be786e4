"""The examples in CONTRIBUTING.md: those of a check are in the code, that of a kind works."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.faults.fault import Fault
from stackproof.facts.command import CommandResult
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import ROOT, RUN_SECONDS, Ran, clean_environment

_TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_EXISTING = re.compile(r"\(`([\w/]+\.py)`\).*?```python\n(.*?)```", flags=re.DOTALL)
_NEW = re.compile(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", flags=re.DOTALL)
EXISTING = _EXISTING.findall(_TEXT)
NEW = dict(_NEW.findall(_TEXT))
KIND, SUITE = "src/stackproof/kinds/mongodb.py", "suites/test_mongodb.py"
ENVIRONMENT, FAULTS = "environments/shop.yaml", "lab/faults/kinds/mongodb.py"
PING = "mongosh --quiet --eval 'db.runCommand({ping: 1}).ok' shop"
REFUSED = "MongoNetworkError: connect ECONNREFUSED 127.0.0.1:27017"


@pytest.mark.parametrize(("file", "example"), EXISTING, ids=[file for file, _ in EXISTING])
def test_existing_example(file: str, example: str) -> None:
    assert example in (ROOT / file).read_text(encoding="utf-8")


def test_there_are_examples() -> None:
    assert len(EXISTING) == 5
    assert NEW.keys() == {KIND, SUITE, ENVIRONMENT, FAULTS}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository with the example of a kind: a new module and a check."""
    copy = tmp_path_factory.mktemp("repository")
    for file in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / file, copy)
    for folder in ("src", "fixtures", "suites", "reports", "docs", "tests/kinds"):
        shutil.copytree(
            ROOT / folder, copy / folder, symlinks=True,
            ignore=shutil.ignore_patterns("out", "__pycache__", "*.egg-info"),
        )  # fmt: skip
    (copy / KIND).write_text(NEW[KIND], encoding="utf-8")
    (copy / SUITE).write_text(NEW[SUITE], encoding="utf-8")
    return copy


def in_repository(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy. It is another `stackproof`: it needs a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=repository, capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
        env=clean_environment({"PYTHONPATH": f"{repository / 'src'}:{repository}"}),
    )  # fmt: skip


def outcome(
    repository: Path, folder: Path, result: CommandResult | Unobserved
) -> tuple[str, str, str]:
    """Return the outcome, the first line and the reason of the check of the example."""
    observed = shop.facts(
        containers={"orders": shop.container()}, commands={"mongodb_ping orders": result}
    )
    options = shop.save(folder, yaml.safe_load(NEW[ENVIRONMENT]), observed)
    written = folder / "out"
    done = in_repository(repository, "-m", "pytest", f"--output={written}", "-m", "shop", *options)
    ran = Ran(done.returncode, done.stdout, done.stderr, written, replayed=True)
    (check,) = [
        each for each in ran.verdict("shop")["checks"] if each["id"] == "mongodb.ping[orders]"
    ]
    return check["outcome"], check["headline"], check["severity"]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (shop.said(PING, 0, "1"), ("PASS", "")),
        (
            shop.said(PING, 1, REFUSED),
            ("FAIL", f"orders ping: expected 1, observed {REFUSED}"),
        ),
        (shop.STUCK, ("UNKNOWN", "could not be evaluated: no answer within 8 s")),
    ],
    ids=["PASS", "FAIL", "UNKNOWN"],
)
def test_kind(
    repository: Path,
    tmp_path: Path,
    result: CommandResult | Unobserved,
    expected: tuple[str, str],
) -> None:
    assert outcome(repository, tmp_path, result) == (*expected, "critical")


def test_fault_of_a_kind(repository: Path, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(NEW[FAULTS], names)  # noqa: S102
    (fault,) = names["FAULTS"]
    assert isinstance(fault, Fault)
    hung = shop.said(PING, 137, "", timed_out=True)
    found, headline, _ = outcome(repository, tmp_path, hung)
    assert (found, headline) == ("FAIL", fault.says)
    assert fault.red == {"mongodb.ping[orders]"}


def test_environment_of_a_kind(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(
        NEW[ENVIRONMENT].replace("{database: shop}", "{databse: shop}"), encoding="utf-8"
    )
    arguments = ["-m", "pytest", "-m", "shop", f"--environments={tmp_path}", "--collect-only"]
    done = in_repository(repository, *arguments)
    assert done.returncode == 4
    problem = "datastores.mongodb.orders: missing key 'database' (and 1 more)"
    assert f"shop.yaml:5: {problem}" in done.stderr


def test_documentation_of_a_kind(repository: Path) -> None:
    done = in_repository(repository, "-m", "tests.kinds.pages")
    assert done.returncode == 0, done.stderr
    fields = (repository / "docs/environments.md").read_text(encoding="utf-8")
    assert "| `mongodb` | `database` | **required** |" in fields
    commands = (repository / "docs/access.md").read_text(encoding="utf-8")
    assert "\nmongosh --quiet --eval 'db.runCommand({ping: 1}).ok' <database>\n" in commands
