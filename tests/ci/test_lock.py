"""The lock file: it has all that stackproof needs, in versions that fit, each with its hashes."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.ci.stage import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE)
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEEDED = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]


@pytest.mark.parametrize("needed", NEEDED)
def test_what_is_needed_is_locked(needed: str) -> None:
    requirement = Requirement(needed)
    version = LOCKED.get(canonicalize_name(requirement.name))
    assert version, "run scripts/lock"
    assert requirement.specifier.contains(version, prereleases=True)


def test_each_package_has_hashes_and_nothing_names_a_registry() -> None:
    lines = [line for line in LOCK.splitlines() if not line.startswith("#")]
    packages = " ".join(lines).replace("\\", " ")
    for package in re.split(r"\s(?=[a-z][\w.-]*==)", packages):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package
    assert not re.search("://|--(extra-)?index|--find-links|@ ", LOCK)
