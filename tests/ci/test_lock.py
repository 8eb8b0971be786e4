"""The lock file contains every dependency, in a version that fits, with hashes."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.ci.fake_installation import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE)
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEEDED = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]


@pytest.mark.parametrize("needed", NEEDED)
def test_every_dependency_is_locked(needed: str) -> None:
    requirement = Requirement(needed)
    version = LOCKED.get(canonicalize_name(requirement.name))
    assert version, "run scripts/lock"
    assert requirement.specifier.contains(version, prereleases=True)


def test_packages_have_hashes_and_no_registry() -> None:
    lines = [line for line in LOCK.splitlines() if not line.startswith("#")]
    packages = " ".join(lines).replace("\\", " ")
    for package in re.split(r"\s(?=[a-z][\w.-]*==)", packages):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package
    assert not re.search("://|--(extra-)?index|--find-links|@ ", LOCK)
