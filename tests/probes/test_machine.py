"""The engine as it describes itself: its product, and what it cannot enforce or reach."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.facts.machine import Machine
from stackproof.probes.machine import machine

SAMPLES = Path(__file__).parents[1] / "samples"
INFO: dict[str, Any] = {
    "ServerVersion": "28.0.0", "NCPU": 2, "MemTotal": 1, "CgroupVersion": "2", "Name": "n",
    "DockerRootDir": "/", "SystemTime": "2026-01-01T00:00:00Z", "ID": "9df4",
    "SecurityOptions": ["name=seccomp,profile=builtin"],
}  # fmt: skip


class Canned:
    """A connection on which every call returns the same JSON."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def call(self, _: Callable[[Any], Any]) -> Answer:
        return Answer(self.value)


def observed(info: dict[str, Any]) -> Machine:
    return machine.observe(None, Canned(info))


def test_docker() -> None:
    engine = observed(INFO)
    assert (engine.product, engine.id, engine.rootless) == ("Docker", "9df4", False)
    assert engine.not_enforced == ()


def test_podman() -> None:
    info = json.loads((SAMPLES / "info-podman.json").read_text(encoding="utf-8"))
    engine = observed(info)
    assert (engine.product, engine.engine_version, engine.rootless) == ("Podman", "4.3.1", False)
    assert engine.id == ""  # another one in each response
    assert engine.not_enforced == ()
    assert observed({**info, "Rootless": True}).rootless


@pytest.mark.parametrize(
    ("options", "rootless"),
    [
        (["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"], True),
        (["name=rootless,slirp4netns"], True),
        (["name=userns"], False),
        (["name=rootless-not"], False),
        ([], False),
        (None, False),
    ],
)
def test_rootless(options: list[str] | None, rootless: bool) -> None:
    assert observed({**INFO, "SecurityOptions": options}).rootless == rootless


@pytest.mark.parametrize(
    ("flags", "limits"),
    [
        ({}, ()),
        ({"MemoryLimit": True, "CpuCfsPeriod": True, "CpuCfsQuota": True, "PidsLimit": True}, ()),
        ({"MemoryLimit": False, "CpuCfsQuota": True}, ("memory",)),
        ({"MemoryLimit": True, "CpuCfsPeriod": False, "CpuCfsQuota": False}, ("CPU",)),
        ({"CpuCfsQuota": False, "PidsLimit": False}, ("CPU", "process")),
    ],
)
def test_limits_that_cannot_be_enforced(flags: dict[str, bool], limits: tuple[str, ...]) -> None:
    assert observed({**INFO, **flags}).not_enforced == limits
