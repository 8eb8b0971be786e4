"""What containers mount, compared with what lies on the host, from the kernel's mount tables."""

import os
from pathlib import Path

import pytest

from stackproof.engine.machine_commands import run_here
from stackproof.facts.container import Mount
from stackproof.facts.machine import SourceState
from stackproof.probes import mount_sources
from stackproof.probes.mount_sources import Mounted
from stackproof.unobserved import Unobserved

TABLE = r"""
here 254:1 / /
here 254:2 / /srv
here 0:44 /@home /home
here 0:44 /@home /mnt/with\040space
"""


def _state(
    source: str, mounted: str, leads: str = "", kind: str = "bind", target: str = "/etc/app"
) -> SourceState:
    printed = f"{TABLE}source {source}\nleads {leads or source}\n"
    printed += f"mount 7 {mounted} {target}\n" if mounted else ""
    mount = Mount(kind=kind, source=source, target=target)
    return mount_sources.parse(printed, {"c0ffee": Mounted(7, (mount,))})["c0ffee"][target]


@pytest.mark.parametrize(
    ("source", "mounted"),
    [
        ("/opt/shop/conf", "254:1 /opt/shop/conf"),
        ("/srv/shop/conf", "254:2 /shop/conf"),
        ("/srv", "254:2 /"),
        ("/home/dev/shop", "0:44 /@home/dev/shop"),
        ("/mnt/with space/a b", r"0:44 /@home/a\040b"),
    ],
)
def test_current(source: str, mounted: str) -> None:
    assert _state(source, mounted) == ""


@pytest.mark.parametrize(
    ("mounted", "state"),
    [
        ("254:1 /opt/shop/conf//deleted", "deleted"),
        ("254:1 /opt/shop/conf.old", "moved to /opt/shop/conf.old"),
        ("254:1 /opt/shop.old/conf", "moved to /opt/shop.old/conf"),
    ],
)
@pytest.mark.parametrize("kind", ["bind", "volume"])
def test_replaced(mounted: str, state: str, kind: str) -> None:
    assert _state("/opt/shop/conf", mounted, kind=kind) == state


def test_a_link_that_leads_elsewhere_now() -> None:
    current = "/opt/shop/current"
    assert _state(current, "254:1 /opt/shop/5", leads="/opt/shop/5") == ""
    assert _state(current, "254:1 /opt/shop/5", leads="/opt/shop/6") == "moved to /opt/shop/5"


@pytest.mark.parametrize(
    ("mounted", "reason"),
    [
        ("", "the mount at /etc/app was not observed: only root on the engine's machine can"),
        ("254:9 /shop/conf", "/opt/shop/conf and the mount of it are on other file systems"),
    ],
)
def test_cannot_be_compared(mounted: str, reason: str) -> None:
    assert _state("/opt/shop/conf", mounted) == Unobserved(reason=reason)


def test_a_path_that_the_login_user_cannot_resolve() -> None:
    """`readlink` prints nothing then."""
    mount = Mount(kind="bind", source="/root/conf", target="/conf")
    printed = f"{TABLE}source /root/conf\nleads \nmount 7 254:1 {{}} /conf\n"

    def state(path: str) -> SourceState:
        found = mount_sources.parse(printed.format(path), {"c0ffee": Mounted(7, (mount,))})
        return found["c0ffee"]["/conf"]

    assert state("/root/conf") == ""
    assert state("/root/conf//deleted") == "deleted"
    assert state("/root/other") == Unobserved(
        reason="/root/conf is not there, or permission denied, on the engine's machine"
    )


def test_a_source_that_is_gone(tmp_path: Path) -> None:
    """The container has the old one, and cannot start again."""
    file, gone = tmp_path / "file", tmp_path / "gone"
    file.touch()
    mounts = tuple(Mount(kind="bind", source=str(each), target=each.name) for each in (file, gone))
    mounts = tuple(each.model_copy(update={"target": f"/{each.target}"}) for each in mounts)
    line = mount_sources.command([Mounted(os.getpid(), mounts)])
    assert line
    asked = [each for each in run_here(line).splitlines() if each.startswith("gone ")]
    assert asked == [f"gone {gone}"]
    printed = (
        f"{TABLE}source {gone}\nleads {gone}\n{asked[0]}\nmount 7 254:1 {gone}//deleted /gone\n"
    )
    parsed = mount_sources.parse(printed, {"c0ffee": Mounted(7, mounts[1:])})
    assert parsed["c0ffee"] == {"/gone": "deleted without a new one"}


def test_what_is_not_compared() -> None:
    mounts = (
        Mount(kind="tmpfs", source="", target="/tmp"),  # noqa: S108
        Mount(kind="bind", source="/proc", target="/host/proc"),
        Mount(kind="bind", source="/sys/fs/cgroup", target="/sys/fs/cgroup"),
        Mount(kind="bind", source="-exec", target="/x"),
    )
    assert mount_sources.command([Mounted(7, mounts)]) is None
    assert mount_sources.parse("", {"c0ffee": Mounted(7, mounts)}) == {"c0ffee": {}}
    stopped = Mounted(0, (Mount(kind="bind", source="/opt/x", target="/x"),))
    assert mount_sources.command([stopped]) is None


def test_the_command_reads_the_tables_of_this_machine(tmp_path: Path) -> None:
    """Every mount of this process is at the place to which its path leads."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    point = next(each for each in points if each.count("/") > 1 and "\\" not in each
                 and not each.startswith(("/proc", "/sys", "/dev")))  # fmt: skip
    mounts = (
        Mount(kind="bind", source=point, target=point),
        Mount(kind="bind", source=str(link), target="/link"),
    )
    mounted = Mounted(os.getpid(), mounts)
    line = mount_sources.command([mounted])
    assert line
    printed = run_here(line)
    assert f"source {link}\nleads {tmp_path.resolve()}\n" in printed
    assert mount_sources.parse(printed, {"c0ffee": mounted})["c0ffee"][point] == ""


def test_a_target_behind_a_link() -> None:
    """The container's /var/run is a link to /run, where the kernel shows the mount."""
    printed = (
        f"{TABLE}source /run/x.sock\nleads /run/x.sock\nmount 7 254:1 /run/x.sock /run/x.sock\n"
    )
    mount = Mount(kind="bind", source="/run/x.sock", target="/var/run/x.sock")
    parsed = mount_sources.parse(printed, {"c0ffee": Mounted(7, (mount,))})
    assert parsed == {"c0ffee": {"/var/run/x.sock": ""}}
