"""What of a container is as good as root on the host, whichever way it was given."""

import json
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.facts.root_access import exposes_engine
from stackproof.probes.containers.inspect import parse_inspect

SAMPLE = Path(__file__).parents[2] / "samples" / "inspect-unlimited.json"


def _found(mounts: tuple[str, ...] = (), **host: Any) -> dict[str, str]:
    raw: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    raw["HostConfig"] |= {"CgroupnsMode": "private", **host}
    raw["Mounts"] = [
        {"Type": "bind", "Source": each, "Destination": "/host", "RW": False} for each in mounts
    ]
    return dict(parse_inspect(Answer(raw)).creation.root_access)


def test_an_ordinary_container_has_none() -> None:
    ordinary = {
        "CapAdd": ["NET_ADMIN", "CAP_SYS_NICE", "NET_RAW"],
        "CapDrop": ["ALL"],
        "PidMode": "container:" + "5" * 64,
        "IpcMode": "shareable",
        "SecurityOpt": ["no-new-privileges", "seccomp={}", "label=type:svirt_t"],
        "Devices": [{"PathOnHost": each} for each in ("/dev/dri", "/dev/net/tun", "/dev/kvm")],
        "DeviceCgroupRules": ["c 13:* rmw", "c 189:* rwm"],
        "GroupAdd": ["1000", "video"],
        "MaskedPaths": ["/proc/kcore"],
        "VolumesFrom": None,
    }
    mounts = ("/etc/localtime", "/etc/nginx/conf.d", "/etc/letsencrypt", "/srv/etc", "/opt/shop",
              "/home/dev/shop", "/root/shop", "/etc/ssl/certs", "/var/log", "/srv")  # fmt: skip
    assert _found(mounts, **ordinary) == {}
    assert _found(GroupAdd=[], CapAdd=None, Devices=None) == {}


@pytest.mark.parametrize(
    ("host", "setting", "permission"),
    [
        ({"CapAdd": ["CAP_SYS_ADMIN"]}, "cap_add: SYS_ADMIN", "capabilities"),
        ({"CapAdd": ["sys_ptrace"]}, "cap_add: SYS_PTRACE", "capabilities"),
        ({"CapAdd": ["SYS_MODULE"]}, "cap_add: SYS_MODULE", "capabilities"),
        ({"CapAdd": ["DAC_READ_SEARCH"]}, "cap_add: DAC_READ_SEARCH", "capabilities"),
        ({"CapAdd": ["SYS_RAWIO"]}, "cap_add: SYS_RAWIO", "capabilities"),
        ({"CapAdd": ["ALL"], "CapDrop": ["NET_RAW"]}, "cap_add: ALL", "capabilities"),
        ({"CapAdd": ["NET_ADMIN"], "NetworkMode": "host"}, "cap_add: NET_ADMIN", "capabilities"),
        ({"PidMode": "host"}, "pid: host", "host-namespaces"),
        ({"IpcMode": "host"}, "ipc: host", "host-namespaces"),
        ({"UTSMode": "host"}, "uts: host", "host-namespaces"),
        ({"UsernsMode": "host"}, "userns_mode: host", "host-namespaces"),
        ({"CgroupnsMode": "host"}, "cgroup: host", "host-namespaces"),
        ({"SecurityOpt": ["seccomp=unconfined"]}, "security_opt: seccomp=unconfined", "unconfined"),
        ({"SecurityOpt": ["seccomp:unconfined"]}, "security_opt: seccomp=unconfined", "unconfined"),
        (
            {"SecurityOpt": ["apparmor=unconfined"]},
            "security_opt: apparmor=unconfined",
            "unconfined",
        ),
        ({"SecurityOpt": ["label=disable"]}, "security_opt: label=disable", "unconfined"),
        ({"MaskedPaths": []}, "security_opt: systempaths=unconfined", "unconfined"),
        ({"DeviceCgroupRules": ["b 8:0 rwm"]}, "device_cgroup_rules: b 8:0 rwm", "host-devices"),
        ({"DeviceCgroupRules": ["a *:* rwm"]}, "device_cgroup_rules: a *:* rwm", "host-devices"),
        ({"DeviceCgroupRules": ["c 1:1 rwm"]}, "device_cgroup_rules: c 1:1 rwm", "host-devices"),
        ({"GroupAdd": ["docker"]}, "group_add: docker", "host-files"),
        ({"VolumesFrom": ["5" * 64]}, "volumes_from", "volumes-from"),
    ],
)
def test_setting(host: dict[str, Any], setting: str, permission: str) -> None:
    assert _found(**host) == {setting: permission}


@pytest.mark.parametrize(
    "device",
    ["/dev/mem", "/dev/kmem", "/dev/port", "/dev/sda", "/dev/sda1", "/dev/vdb", "/dev/xvda",
     "/dev/nvme0n1p2", "/dev/mapper/vg-root", "/dev/dm-0", "/dev/loop0", "/dev/disk/by-id/x",
     "/dev"],
)  # fmt: skip
def test_device(device: str) -> None:
    assert _found(Devices=[{"PathOnHost": device}]) == {f"devices: {device}": "host-devices"}


@pytest.mark.parametrize(
    "source",
    ["/", "/etc", "/proc", "/proc/sys", "/sys", "/sys/fs/cgroup", "/run", "/var/run", "/root",
     "/home", "/boot", "/dev", "/usr", "/var", "/var/lib/docker", "/var/lib/docker/volumes",
     "/etc/shadow", "/etc/cron.d", "/etc/sudoers.d", "/root/.ssh", "/home/dev/.ssh/authorized_keys",
     "/host_mnt/etc"],
)  # fmt: skip
def test_mount(source: str) -> None:
    assert _found((source,)) == {f"volumes: {source}": "host-files"}


def test_what_privileged_mode_includes_is_not_repeated() -> None:
    host: dict[str, Any] = {
        "Privileged": True,
        "SecurityOpt": ["label=disable"],
        "MaskedPaths": None,
    }
    assert _found(**host) == {}
    assert _found(**host, PidMode="host") == {"pid: host": "host-namespaces"}


def test_the_engine_disables_labels_itself() -> None:
    host: dict[str, Any] = {"PidMode": "host", "SecurityOpt": ["label=disable"]}
    assert _found(**host) == {"pid: host": "host-namespaces"}


@pytest.mark.parametrize(
    "source",
    ["/var/run/docker.sock", "/run/docker.sock", "/run/user/1000/docker.sock", "/run/user/1000",
     "/run/containerd/containerd.sock", "/run/podman", "/srv/engine/docker.sock",
     "/run/crio/crio.sock", "/host_mnt/var/run/docker.sock", "/run/docker.sock.raw", "/run", "/"],
)  # fmt: skip
def test_engine(source: str) -> None:
    assert exposes_engine(source)


@pytest.mark.parametrize("source", ["", "/run/nginx", "/srv/docker", "/run/user", "/etc"])
def test_no_engine(source: str) -> None:
    assert not exposes_engine(source)
