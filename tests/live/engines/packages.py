"""Docker of another release of Debian, unpacked into a folder without installing it."""

from collections.abc import Sequence
from pathlib import Path

from lab.engine import packages
from lab.process import LabError, run

# The first release of Debian with Docker 28.
SUITE = "forky"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_DOCKER = ("docker.io", "containerd", "tini-static")


def unpack_docker(folder: Path) -> Path:
    """Download the engine; return the folder of its programs. They use this machine's runc.

    Raises:
        LabError: this machine has no access to Debian's packages.
    """
    mirror = packages.mirror()
    if not mirror or not Path(_KEYRING).exists():
        raise LabError(f"no Debian mirror, or no {_KEYRING}")
    root = folder / "root"
    for each in (root, folder / "state/lists/partial", folder / "cache/archives/partial"):
        each.mkdir(parents=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYRING}] {mirror[0]} {SUITE} main\n")
    _apt(folder, "update", "--quiet")
    _apt(folder, "download", *_DOCKER)
    for package in folder.glob("*.deb"):
        run("dpkg", "-x", str(package), str(root), deadline=60)
    programs = root / "programs"
    programs.mkdir()
    for each in (*root.glob("usr/bin/*"), *root.glob("usr/sbin/*")):
        (programs / each.name).symlink_to(each)
    return programs


def _apt(folder: Path, *arguments: str) -> None:
    run("apt-get", *_options(folder), *arguments, deadline=300, directory=folder)


def _options(folder: Path) -> Sequence[str]:
    """Return options that keep apt away from this machine's own lists and packages."""
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Sandbox::User": "root",
    }
    return [f"--option={name}={value}" for name, value in settings.items()]
