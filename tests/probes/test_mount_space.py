"""The file systems that containers write to, measured on the engine's machine."""

import os
from pathlib import Path

import pytest

from stackproof.engine.machine_commands import run_here
from stackproof.facts.container import Mount
from stackproof.facts.machine import Capacity, FileSystem
from stackproof.probes import mount_space
from stackproof.shell import Line
from stackproof.unobserved import Unobserved
from tests.shop import container, created

ENGINE = "/var/lib/docker"
DATA = "/mnt/data/db"
POINTS = r"""
point 254:0 rw rw ext4 /
point 254:1 rw rw ext4 /mnt/data
point 254:2 ro ro ext4 /mnt/archive
point 254:3 rw ro ext4 /mnt/broken
point 7:0 rw ro squashfs /mnt/image
point 0:44 rw rw nfs4 /mnt/with\040space
"""
NO_ANSWER = "the file system of /mnt/data/db: no answer in time"
SPACE = "space 4096 1000 400 300 64 32"


def measured(source: str, space: str = SPACE, at: str = "") -> str:
    at = at or source
    return f"{POINTS}data {source}\nmeasured {at}\n{space} {at}\n"


def parse(output: str, source: str = DATA) -> FileSystem | Unobserved:
    (found,) = mount_space.parse(output, {source: ("shop-db /data",)}, ENGINE)
    assert (found.path, found.mounted_by) == (source, ("shop-db /data",))
    return found.file_system


def test_capacity() -> None:
    """As `df` counts it: blocks that are reserved for root are neither used nor free."""
    assert parse(measured(DATA)) == FileSystem(
        device="254:1",
        disk=Capacity(total=900 * 4096, free=300 * 4096, where="/mnt/data"),
        inodes=Capacity(total=64, free=32, where="/mnt/data"),
        was_made_read_only=False,
        has_engine_data=False,
    )


@pytest.mark.parametrize(
    ("source", "where", "was_made_read_only", "has_engine_data"),
    [
        ("/srv/db", "/", False, True),
        ("/var/lib/docker/volumes/db/_data", "/", False, True),
        ("/mnt/data", "/mnt/data", False, False),
        ("/mnt/database", "/", False, True),
        ("/mnt/with space/db", "/mnt/with space", False, False),
        ("/mnt/broken/db", "/mnt/broken", True, False),
        # Mounted read-only on purpose, or of a kind that is never written.
        ("/mnt/archive/db", "/mnt/archive", False, False),
        ("/mnt/image/db", "/mnt/image", False, False),
    ],
)
def test_which_file_system(
    source: str, where: str, was_made_read_only: bool, has_engine_data: bool
) -> None:
    found = parse(measured(source), source)
    assert isinstance(found, FileSystem)
    assert (found.disk.where, found.was_made_read_only, found.has_engine_data) == (
        where, was_made_read_only, has_engine_data,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("", NO_ANSWER),
        (POINTS, NO_ANSWER),
        (f"{POINTS}data {DATA}\nmeasured {DATA}\n", NO_ANSWER),
        (measured(DATA).replace(POINTS, ""), NO_ANSWER),
        (measured(DATA, "space 4096 1000 400"), NO_ANSWER),
        (f"{POINTS}data {DATA}\nnowhere\n", "/mnt/data/db is not there on the engine's machine"),
        # The nearest directory that can be seen is on another disk.
        (measured(DATA, at="/mnt"), "the file system of /mnt/data/db: permission denied"),
        (
            f"{POINTS}data {DATA}\nmeasured {DATA}\n"
            f"stat: cannot read file system information for '{DATA}': Stale file handle\n",
            "the file system of /mnt/data/db: Stale file handle",
        ),
        (
            f"{POINTS}data {DATA}\nmeasured {DATA}\n"
            f"stat: can't read file system information for '{DATA}': Input/output error\n",
            "the file system of /mnt/data/db: Input/output error",
        ),
    ],
)  # fmt: skip
def test_not_observed(printed: str, reason: str) -> None:
    assert parse(printed) == Unobserved(reason=reason)


def test_the_nearest_directory_that_can_be_seen() -> None:
    assert isinstance(parse(measured(DATA, at="/mnt/data")), FileSystem)


def test_files_are_left_out() -> None:
    printed = f"{POINTS}file /etc/app.conf\n"
    assert mount_space.parse(printed, {"/etc/app.conf": ("a /c",)}, ENGINE) == ()


def _mount(source: str, kind: str = "bind", *, read_only: bool = False) -> Mount:
    return Mount(kind=kind, source=source, target="/x", read_only=read_only)


def test_what_is_measured() -> None:
    mounts = (
        _mount("/srv/a"),
        _mount(f"{ENGINE}/volumes/b/_data", "volume"),
        _mount("/plugin/c", "volume"),
        _mount("/srv/d", read_only=True),
        _mount("", "tmpfs"),
        _mount("/dev/dri"),
        _mount("/srv/../e"),
    )
    both = [
        container(name=name, creation=created(mounts=kept))
        for name, kept in {"one": mounts, "two": mounts[:1]}.items()
    ]
    assert mount_space.sources(both, ENGINE) == {
        "/srv/a": ("one /x", "two /x"),
        f"{ENGINE}/volumes/b/_data": ("one /x",),
    }


def test_nothing_to_measure() -> None:
    assert mount_space.command(()) is None


def _found(*paths: Path | str, stat: str = "") -> dict[str, FileSystem | Unobserved]:
    sources = {str(each): ("shop-db /data",) for each in paths}
    line = mount_space.command(sources)
    assert line
    printed = run_here(Line(line.replace("[ $# -eq 0 ]", f"{stat}[ $# -eq 0 ]")))
    found = mount_space.parse(printed, sources, ENGINE)
    return {each.path: each.file_system for each in found}


def test_this_machine(tmp_path: Path) -> None:
    folder, file = tmp_path / "it is a folder", tmp_path / "file"
    folder.mkdir()
    file.touch()
    gone = tmp_path / "gone" / "below"
    found = _found(folder, file, gone, "/")
    assert set(found) == {str(folder), str(gone), "/"}
    assert found[str(gone)] == Unobserved(reason=f"{gone} is not there on the engine's machine")
    for each in (found[str(folder)], found["/"]):
        assert isinstance(each, FileSystem)
        assert 0 <= each.disk.free_ratio <= 1
        assert not each.was_made_read_only
    actual = os.statvfs(folder)
    measured_now = found[str(folder)]
    assert isinstance(measured_now, FileSystem)
    used = (actual.f_blocks - actual.f_bfree) * actual.f_frsize
    assert abs(measured_now.disk.total - measured_now.disk.free - used) < 1 << 30


def test_a_file_system_that_does_not_answer(tmp_path: Path) -> None:
    """The rest of the command, of which this is the last part, is not affected."""
    found = _found(tmp_path, stat="kill -9 $$; ")
    assert found == {
        str(tmp_path): Unobserved(reason=f"the file system of {tmp_path}: no answer in time")
    }


def test_without_stat(tmp_path: Path) -> None:
    found = _found(tmp_path, stat="stat() { echo 'sh: stat: not found'; }; ")
    assert isinstance(found[str(tmp_path)], Unobserved)
