"""Debian packages that the lab needs on the host."""

import os
import shutil

from lab.process import LabError, run, say


def install(*names: str) -> None:
    """Install packages.

    Raises:
        LabError: the user may not install packages.
    """
    wanted = " ".join(names)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"install {wanted} first, or run this as root on Debian or Ubuntu")
    say(f"installing {wanted}")
    run("apt-get", "update", "--quiet", deadline=300)
    run(
        "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *names,
        deadline=900, environment={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip


def ensure(program: str, *names: str) -> None:
    """Install packages, unless a program of theirs is installed.

    Raises:
        LabError: the user may not install packages.
    """
    if shutil.which(program) is None:
        install(*names)


def candidate(name: str) -> str | None:
    """Return the version that apt would install; None if there is none."""
    if shutil.which("apt-cache") is None:
        return None
    for line in run("apt-cache", "policy", name, deadline=30).splitlines():
        label, _, version = line.strip().partition(": ")
        if label == "Candidate" and version != "(none)":
            return version
    return None


def mirror() -> list[str]:
    """Return the Debian mirror of this machine's apt; none if it has none."""
    rows = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)",
        "Created-By: Packages", deadline=30,
    )  # fmt: skip
    for row in rows.splitlines():
        uri, _, origin = row.partition(" ")
        if origin == "Debian Debian" and uri.startswith("http"):
            return [uri]
    return []
