"""xdist workers on another host: each observes for itself, and its results are kept apart."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import OUT, stack
from tests.command_line import ROOT, Ran, run
from tests.sshd import serving_ssh

pytestmark = pytest.mark.live

PARTS = ("conftest.py", "pyproject.toml", "environments", "fixtures", "suites", "reports", "src")


@contextmanager
def _far(folder: Path) -> Iterator[tuple[Path, str]]:
    """A checkout on another host, and the option that has a worker there."""
    stack.up()
    checkout = folder / "far"
    (checkout / "lab" / "out").mkdir(parents=True)
    shutil.copy(OUT / "lab.env", checkout / "lab" / "out")
    for part in PARTS:
        if (source := ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, checkout / part, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, checkout)
    # As if stackproof were installed from that checkout.
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={checkout / "src"} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with serving_ssh(folder) as sshd:
        known, settings = folder / "known_hosts", folder / "ssh_config"
        known.write_text(f"{sshd.known_host}\n")
        settings.write_text(
            f"Host far\n  HostName {sshd.host}\n  Port {sshd.port}\n  User {sshd.user}\n"
            f"  IdentityFile {sshd.key_file}\n  UserKnownHostsFile {known}\n"
        )
        yield (
            checkout,
            f"--tx=ssh=far//id=far//ssh_config={settings}//python={python}//chdir={checkout}",
        )


def _look(folder: Path, worker: str) -> Ran:
    here = "--tx=popen//id=here"
    return run(folder / "out", "-m", "lab and synthetic", "--dist=each", here, worker)


def test_each_check_is_made_from_each_place(tmp_path: Path) -> None:
    with _far(tmp_path) as (_, worker):
        ran = _look(tmp_path, worker)
    assert ran.exit_code == 0, ran.output
    subjects = [check["subject"] for check in ran.verdict("lab")["checks"]]
    seen = {place: {each.removesuffix(place) for each in subjects if each.endswith(place)}
            for place in ("@here", "@far")}  # fmt: skip
    assert seen["@here"] == seen["@far"] != set()
    assert {"facts-here.json", "facts-far.json"} <= {
        file.name for file in (ran.written / "lab").iterdir()
    }


def test_what_is_wrong_from_one_place_alone(tmp_path: Path) -> None:
    with _far(tmp_path) as (checkout, worker):
        lab = checkout / "environments" / "lab.yaml"
        text = lab.read_text(encoding="utf-8")
        changed = text.replace("127.0.0.1:${LAB_HTTPS_PORT:-443}", "127.0.0.1:1")
        assert changed != text
        lab.write_text(changed, encoding="utf-8")
        ran = _look(tmp_path, worker)
    assert ran.exit_code == 1, ran.output
    not_passed = ran.results("lab")
    assert not_passed["routes.status[home@far]"] == (
        "FAIL",
        "home status: expected 200, observed connection refused (from far)",
    )
    assert {check for check in not_passed if not check.endswith("@far]")} == set()


def test_a_place_that_cannot_be_reached(tmp_path: Path) -> None:
    stack.up()
    ran = _look(tmp_path, "--tx=ssh=nobody@127.0.0.1 -p 1//id=far//python=python3")
    assert ran.exit_code == 6
    assert (
        "Exit: could not be evaluated: host unreachable over ssh: nobody@127.0.0.1 -p 1"
        in ran.errors
    )
