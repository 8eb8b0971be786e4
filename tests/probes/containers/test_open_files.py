"""Open files of containers' processes, counted on the engine's machine."""

import subprocess
from pathlib import Path

import pytest

from stackproof.engine.machine_commands import run_here
from stackproof.facts.container import OpenFiles
from stackproof.probes.containers import open_files
from stackproof.shell import Line, container_id
from stackproof.unobserved import Unobserved

API, WEB = "a1" * 32, "b2" * 32
PRINTED = f"""\
/proc/7/cgroup:0::/system.slice/docker-{API}.scope
/proc/8/cgroup:3:pids:/docker/{API}
/proc/9/cgroup:0::/docker/{WEB}
/proc/7/comm:redis: server
/proc/8/comm:python3
/proc/9/comm:nginx
/proc/7/limits:Max open files            1000                 4096                 files
/proc/8/limits:Max open files            100                  4096                 files
/proc/9/limits:Max open files            unlimited            unlimited            files
     50 open 7
     30 open 8
     12 open 9
"""
DENIED = Unobserved(
    reason="permission denied: only root on the engine's machine can count open files"
)
NOT_COUNTED = Unobserved(reason="its open files were not counted")


def test_the_process_nearest_to_its_limit() -> None:
    assert open_files.parse(PRINTED, [API, WEB]) == {
        API: OpenFiles(name="python3", used=30, limit=100),
        WEB: OpenFiles(name="nginx", used=12, limit=None),
    }


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("", NOT_COUNTED),
        ("sh: find: not found\n", NOT_COUNTED),
        (PRINTED.partition("/proc/7/comm")[0], NOT_COUNTED),
        (PRINTED.partition("/proc/7/limits")[0], NOT_COUNTED),
        (PRINTED.partition("     50 open")[0], NOT_COUNTED),
        (PRINTED.replace("30 open 8", "1 denied 8"), DENIED),
        (PRINTED.replace("50 open 7", "1 denied 7").replace("30 open 8", "1 denied 8"), DENIED),
        # One has ended meanwhile, or is dead.
        (
            PRINTED.replace("     30 open 8\n", ""),
            OpenFiles(name="redis: server", used=50, limit=1000),
        ),
    ],
)
def test_what_was_not_counted(printed: str, found: OpenFiles | Unobserved) -> None:
    assert open_files.parse(printed, [API])[API] == found


def _printed(root: Path, find: str = "") -> str:
    """What the command prints for the processes below a folder, with another `find`."""
    line = open_files.command([container_id(API), container_id(WEB)])
    return run_here(Line(find + line.replace("/proc/", f"{root}/proc/"))).replace(str(root), "")


def _process(root: Path, number: int, container: str, files: int) -> None:
    process = root / "proc" / str(number)
    (process / "fd").mkdir(parents=True)
    (process / "cgroup").write_text(f"4:memory:/docker/{container}\n3:pids:/docker/{container}\n")
    (process / "comm").write_text("app\n")
    (process / "limits").write_text(
        "Limit                     Soft Limit           Hard Limit           Units\n"
        "Max processes             9                    9                    processes\n"
        "Max open files            64                   128                  files     \n"
    )
    for each in range(files):
        (process / "fd" / str(each)).symlink_to("/dev/null")


def test_both_containers(tmp_path: Path) -> None:
    _process(tmp_path, 7, API, 3)
    _process(tmp_path, 8, API, 5)
    _process(tmp_path, 9, WEB, 1)
    _process(tmp_path, 10, "cd" * 32, 9)
    assert open_files.parse(_printed(tmp_path), [API, WEB]) == {
        API: OpenFiles(name="app", used=5, limit=64),
        WEB: OpenFiles(name="app", used=1, limit=64),
    }


@pytest.mark.parametrize("text", ["find: '{}': Permission denied", "find: {}: Permission denied"])
def test_permission_denied(text: str, tmp_path: Path) -> None:
    """As `find` of GNU and of busybox says it."""
    _process(tmp_path, 7, API, 3)
    said = text.format(f"{tmp_path}/proc/7/fd")
    printed = _printed(tmp_path, f"find() {{ echo {subprocess.list2cmdline([said])}; }}\n")
    assert open_files.parse(printed, [API])[API] == DENIED


def test_no_process(tmp_path: Path) -> None:
    assert open_files.parse(_printed(tmp_path), [API])[API] == NOT_COUNTED
