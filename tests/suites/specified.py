"""A container that Compose created as it was declared, and what differs from it.

The facts come from the inspection of a real container, with changes in the form in which engines
report them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackproof.engine.answer import Answer
from stackproof.facts.container import Container
from stackproof.probes.containers.inspect import parse_inspect

SAMPLE = Path(__file__).parents[1] / "samples" / "inspect-specified.json"
RAW: Mapping[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
VOLUME, TMPFS, BIND = sorted(
    RAW["Mounts"], key=lambda each: ("volume", "tmpfs", "bind").index(each["Type"])
)
ANONYMOUS = {**VOLUME, "Name": "5e" * 32}
BACK, FRONT = RAW["NetworkSettings"]["Networks"].values()

DECLARED: Mapping[str, Any] = {
    "command": "sleep 100000",
    "entrypoint": [],
    "user": "1000:1000",
    "read_only": True,
    "cap_drop": ["ALL"],
    "cap_add": ["CAP_NET_BIND_SERVICE"],
    "no_new_privileges": True,
    "limits": {"pids": 100},
    "ulimits": {"nofile": {"soft": 1024, "hard": 2048}, "nproc": 512},
    "devices": ["/dev/null:/dev/mynull:r"],
    "gpus": [],
    "shm_size": "128m",
    "extra_hosts": ["db.example=10.1.2.3", "host.docker.internal:host-gateway"],
    "mounts": {
        "/etc/app": {"kind": "bind", "source": "/opt/try/conf", "read_only": True},
        "/data": {"source": "shop_data"},
        "/tmp": {"kind": "tmpfs"},  # noqa: S108
        "/scratch": {"kind": "tmpfs"},
    },
    "networks": {"shop_front": {}, "shop_back": {"aliases": ["primary"]}},
    "network_mode": "shop_back",
}


def changed(**parts: Any) -> Container:
    """The container with other parts of `Config` and `HostConfig`, mounts or networks."""
    raw = {
        **RAW,
        "Config": {**RAW["Config"], **parts.pop("Config", {})},
        "HostConfig": {**RAW["HostConfig"], **parts.pop("HostConfig", {})},
    }
    if "Networks" in parts:
        raw["NetworkSettings"] = {**RAW["NetworkSettings"], "Networks": parts.pop("Networks")}
    return parse_inspect(Answer({**raw, **parts}))


def host(**changes: Any) -> Container:
    return changed(HostConfig=changes)
