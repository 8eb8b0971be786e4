"""The engine's machine, read from what one shell line prints there."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.machine_commands import run_here
from stackproof.environment.model import Environment
from stackproof.facts.machine import Capacity, HostFile
from stackproof.probes import host
from stackproof.probes.containers.inspect import Inspection
from stackproof.probes.declaration import Target
from stackproof.shell import path
from stackproof.unobserved import Unobserved
from tests import shop

PRINTED = """\
disk /dev/vda         264212084 25627188  80763724      25% /var/lib/docker
inodes /dev/vda       16777216 503290 16273926    3% /var/lib/docker
MemTotal:       24683656 kB
MemFree:        22982956 kB
MemAvailable:   23823908 kB
file 600 root 33 /opt/shop/secrets/password
file 1644 app 0 /opt/shop/secrets/with space
find: '/srv/secrets/key': Permission denied
find: /srv/secrets/busybox: Permission denied
find: '/nope/x': No such file or directory
"""


def test_what_is_printed() -> None:
    state = host.parse(PRINTED)
    assert state.disk == Capacity(
        total=(25627188 + 80763724) * 1024, free=80763724 * 1024, where="/var/lib/docker"
    )
    assert state.inodes == Capacity(total=16777216, free=16273926, where="/var/lib/docker")
    assert state.memory == Capacity(total=24683656 * 1024, free=23823908 * 1024)
    assert state.files == {
        "/opt/shop/secrets/password": HostFile(mode=0o600, owner="root", size=33),
        "/opt/shop/secrets/with space": HostFile(mode=0o1644, owner="app", size=0),
    }
    assert state.closed == ("/srv/secrets/key", "/srv/secrets/busybox")


@pytest.mark.parametrize(
    ("row", "capacity"),
    [
        ("/dev/sdb1 0 0 0 - /data", Capacity(total=0, free=0, where="/data")),  # btrfs
        ("/dev/sdb1 - - - - /data", Capacity(total=0, free=0, where="/data")),
        (
            "//nas/my share 10 4 6 40% /mnt/my disk",
            Capacity(total=10, free=6, where="/mnt/my disk"),
        ),
        ("/dev/sdb1 10 10 0 100% /", Capacity(total=10, free=0, where="/")),
    ],
)
def test_a_row_of_df(row: str, capacity: Capacity) -> None:
    assert host.parse(f"inodes {row}\n").inodes == capacity


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("", "disk of the engine's data: no answer"),
        (
            "disk df: /data: No such file or directory\n",
            "disk of the engine's data: df: /data: No such file or directory",
        ),
    ],
)
def test_no_disk(printed: str, reason: str) -> None:
    assert host.parse(printed).disk == Unobserved(reason=reason)


def test_a_kernel_that_does_not_estimate() -> None:
    memory = host.parse("MemTotal: 10 kB\nMemFree: 5 kB\n").memory
    assert memory == Unobserved(reason="/proc/meminfo does not say what memory is available")


@pytest.mark.parametrize("unseen", [{}, {"db": Unobserved(reason="no answer within 5 s")}])
def test_mounts_of_a_container_that_was_not_observed(
    unseen: dict[str, Unobserved], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may write to a disk that nobody measured."""
    monkeypatch.setattr(host, "observe_host", lambda *_: shop.HOST)
    declared = Environment.model_validate({"name": "shop", "services": {"db": {}}, "host": {}})
    inspections = {"api": Inspection(shop.container(), has_terminal=False, pid=7), **unseen}
    engine: Any = None
    found = host.host.observe(Target(declared), engine, shop.MACHINE, inspections)
    assert found.data == unseen.get("db", ())


def test_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    secret = folder / "password"
    secret.write_text("never shown")
    secret.chmod(0o640)
    alone = tmp_path / "key"
    alone.touch(0o604)
    alone.chmod(0o604)
    line = host.command(
        path(str(folder)), [path(str(each)) for each in (folder, alone, tmp_path / "none")]
    )
    printed = run_here(line)
    state = host.parse(printed)
    assert {each: file.mode for each, file in state.files.items()} == {
        str(secret): 0o640,
        str(alone): 0o604,
    }
    for capacity in (state.disk, state.inodes, state.memory):
        assert isinstance(capacity, Capacity)
        assert 0 <= capacity.free_ratio <= 1
    assert "never shown" not in printed


def test_a_disk_of_which_nothing_can_be_seen() -> None:
    state = host.parse(run_here(host.command(path("/no/such/directory"), [])))
    assert isinstance(state.disk, Unobserved)
    assert state.disk.reason.endswith("No such file or directory")
    assert isinstance(state.memory, Capacity)
