"""Debian packages that the lab needs on the host."""

import os
import shutil

from lab.process import LabError, run, say


def install(*names: str) -> None:
    """Install packages, or say which ones a person without the right to must ask for."""
    wanted = " ".join(names)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"install {wanted} first, or run this as root on Debian or Ubuntu")
    say(f"installing {wanted}")
    run("apt-get", "update", "--quiet", deadline=300)
    run(
        "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *names,
        deadline=900, environment={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip


def candidate(name: str) -> str | None:
    """Return the version of the package that would be installed."""
    if shutil.which("apt-cache") is None:
        return None
    for line in run("apt-cache", "policy", name, deadline=30).splitlines():
        label, _, version = line.strip().partition(": ")
        if label == "Candidate" and version != "(none)":
            return version
    return None
