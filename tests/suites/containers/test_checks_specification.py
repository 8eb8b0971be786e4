"""The checks of mounts, networks, programs and rights fail where a container is not as declared."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from stackproof.facts.container import Container
from tests import shop
from tests.command_line import Ran
from tests.hints import recorded
from tests.suites.specified import (
    ANONYMOUS,
    BACK,
    BIND,
    DECLARED,
    FRONT,
    TMPFS,
    VOLUME,
    changed,
    host,
)

# By service: what its container is, and by check the first line.
CASES: Mapping[str, tuple[Container, dict[str, str]]] = {
    "same": (changed(), {}),
    # What else engines report for the same settings.
    "written-otherwise": (
        changed(
            Config={"Entrypoint": [""]},
            HostConfig={
                "CapAdd": ["NET_BIND_SERVICE"], "CapDrop": ["all"], "DeviceRequests": [],
                "SecurityOpt": ["label=type:svirt_t", "no-new-privileges"],
                "Ulimits": [{"Name": "RLIMIT_NPROC", "Soft": 512, "Hard": 512},
                            {"Name": "RLIMIT_NOFILE", "Soft": 1024, "Hard": 2048}],
            },
            Mounts=[VOLUME, TMPFS, BIND, {**ANONYMOUS, "Destination": "/var/cache/app"}],
        ),
        {},
    ),
    # Podman lists what it drops, and has fewer defaults.
    "podman": (
        host(
            Runtime="oci", CapAdd=[],
            CapDrop=[f"CAP_{name}" for name in (
                "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID",
                "SETPCAP", "SETUID", "SYS_CHROOT",
            )],
        ),
        {},
    ),
    "web-command": (
        changed(Config={"Cmd": ["web", "--port", "80"]}),
        {"specification.command": "command: expected sleep 100000, observed web --port 80"},
    ),
    "without-command": (
        changed(Config={"Cmd": None, "Entrypoint": ["/entrypoint", "a b"]}),
        {
            "specification.command": "command: expected sleep 100000, observed none",
            "specification.entrypoint": "entrypoint: expected none, observed /entrypoint 'a b'",
        },
    ),
    "root": (
        changed(Config={"User": ""}),
        {"specification.user": "user: expected 1000:1000, observed none"},
    ),
    "unprotected": (
        host(ReadonlyRootfs=False, SecurityOpt=["no-new-privileges:false"], CapAdd=None,
             CapDrop=None, PidsLimit=None, ShmSize=67108864, Ulimits=None, Devices=[],
             ExtraHosts=None),
        {
            "specification.read_only": "file system: expected read-only, observed writable",
            "specification.no_new_privileges": "new privileges: expected prevented, "
            "observed possible",
            "specification.cap_drop": "dropped capabilities: expected ALL, observed it holds "
            "AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_RAW, SETFCAP, "
            "SETGID, SETPCAP, SETUID, SYS_CHROOT",
            "specification.devices": "devices: expected /dev/null:/dev/mynull:r, observed none",
            "specification.extra_hosts": "extra hosts: expected db.example:10.1.2.3, "
            "host.docker.internal:host-gateway, observed none",
            "resources.pids_limit": "process limit: expected 100, observed unlimited",
            "resources.shm_size": "shared memory: expected 128 MiB, observed 64 MiB",
            "resources.ulimits": "ulimits: expected nofile 1024:2048, nproc 512, "
            "observed nofile the engine's, nproc the engine's",
        },
    ),
    "without-capability": (
        host(CapAdd=[]),
        {
            "specification.cap_add": "added capabilities: expected NET_BIND_SERVICE, "
            "observed no NET_BIND_SERVICE"
        },
    ),
    "administrator": (
        host(CapAdd=["CAP_NET_BIND_SERVICE", "CAP_SYS_ADMIN"]),
        {
            "specification.cap_add": "added capabilities: expected NET_BIND_SERVICE, "
            "observed also SYS_ADMIN",
            "specification.cap_drop": "dropped capabilities: expected ALL, "
            "observed it holds SYS_ADMIN",
            "configuration.root_access": "root access to the host: expected none, "
            "observed cap_add: SYS_ADMIN",
        },
    ),
    # Both lists have no effect then.
    "privileged": (
        host(Privileged=True),
        {"configuration.privileged": "privileges: expected unprivileged, observed privileged"},
    ),
    "other-limits": (
        host(
            PidsLimit=200, ShmSize=1 << 30,
            Ulimits=[{"Name": "nproc", "Soft": 512, "Hard": (1 << 64) - 1},
                     {"Name": "nofile", "Soft": 1024, "Hard": 2048}],
        ),
        {
            "resources.pids_limit": "process limit: expected 100, observed 200",
            "resources.shm_size": "shared memory: expected 128 MiB, observed 1 GiB",
            "resources.ulimits": "ulimits: expected nofile 1024:2048, nproc 512, "
            "observed nofile 1024:2048, nproc 512:-1",
        },
    ),
    "other-devices": (
        host(
            Devices=[{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda",
                      "CgroupPermissions": "rwm"}],
            DeviceRequests=[{"Driver": "nvidia", "Count": -1, "DeviceIDs": None,
                             "Capabilities": [["gpu"]], "Options": {}}],
            ExtraHosts=["db.example:10.9.9.9", "host.docker.internal:host-gateway"],
        ),
        {
            "specification.devices": "devices: expected /dev/null:/dev/mynull:r, "
            "observed /dev/sda:/dev/sda:rwm",
            "specification.gpus": "GPUs: expected none, observed all of nvidia",
            "specification.extra_hosts": "extra hosts: expected db.example:10.1.2.3, "
            "host.docker.internal:host-gateway, observed db.example:10.9.9.9, "
            "host.docker.internal:host-gateway",
            "configuration.root_access": "root access to the host: expected none, "
            "observed devices: /dev/sda",
        },
    ),
    "data-anonymous": (
        changed(Mounts=[ANONYMOUS, TMPFS, BIND]),
        {"mounts.data": "data: expected shop_data at /data, observed an anonymous volume at /data"},
    ),
    "data-nowhere": (
        changed(Mounts=[TMPFS, BIND]),
        {"mounts.data": "data: expected shop_data at /data, observed nothing at /data"},
    ),
    "data-of-another": (
        changed(Mounts=[{**VOLUME, "Name": "old_data"}, TMPFS, BIND]),
        {"mounts.data": "data: expected shop_data at /data, observed old_data at /data"},
    ),
    "data-on-the-host": (
        changed(Mounts=[{**BIND, "Destination": "/data", "RW": True}, TMPFS, BIND]),
        {"mounts.data": "data: expected shop_data at /data, observed /opt/try/conf at /data"},
    ),
    "mounts-other": (
        changed(
            HostConfig={"Tmpfs": None},
            Mounts=[VOLUME, {**BIND, "Source": "/opt/old/conf"},
                    {**VOLUME, "Name": "scratch", "Destination": "/scratch"}],
        ),
        {
            "mounts.declared": "mounts: expected /opt/try/conf (read-only) at /etc/app, "
            "a tmpfs at /scratch, a tmpfs at /tmp, observed /opt/old/conf (read-only) at "
            "/etc/app, scratch at /scratch, nothing at /tmp"
        },
    ),
    "mounts-writable": (
        changed(Mounts=[VOLUME, TMPFS, {**BIND, "RW": True}]),
        {
            "mounts.declared": "mounts: expected /opt/try/conf (read-only) at /etc/app, "
            "observed /opt/try/conf at /etc/app"
        },
    ),
    "mounts-more": (
        changed(
            Mounts=[VOLUME, TMPFS, BIND, {**BIND, "Source": "/srv/app", "Destination": "/app"},
                    {**VOLUME, "Name": "mine", "Destination": "/mine"},
                    {**BIND, "Source": "/srv/key", "Destination": "/run/secrets/key"}],
        ),
        {
            "mounts.undeclared": "undeclared mounts: expected none, "
            "observed /srv/app at /app, mine at /mine"
        },
    ),
    "network-lost": (
        changed(Networks={"shop_front": FRONT}),
        {
            "networks.networks": "networks: expected shop_back, shop_front, observed shop_front",
            "networks.aliases": "aliases: expected primary in shop_back, observed none",
        },
    ),
    "network-gained": (
        changed(Networks={"shop_back": BACK, "shop_front": FRONT, "bridge": FRONT}),
        {
            "networks.networks": "networks: expected shop_back, shop_front, "
            "observed bridge, shop_back, shop_front"
        },
    ),
    "alias-lost": (
        changed(
            Networks={"shop_back": {**BACK, "Aliases": ["web", "b662d2c3fd37"]},
                      "shop_front": FRONT}
        ),
        {
            "networks.aliases": "aliases: expected primary in shop_back, "
            "observed alias-lost in shop_back, web in shop_back"
        },
    ),
    "host-network": (
        changed(HostConfig={"NetworkMode": "host"}, Networks={"host": {}}),
        {
            "networks.networks": "networks: expected shop_back, shop_front, observed host",
            "networks.network_mode": "network mode: expected shop_back, observed host",
            "networks.aliases": "aliases: expected primary in shop_back, observed none",
            "configuration.host_network": "network mode: expected a network of its own, "
            "observed host",
        },
    ),
}  # fmt: skip

FINDINGS = yaml.safe_load(
    Path(__file__).with_name("specification_findings.yaml").read_text("utf-8")
)
"""By check: the service whose container is wrong, and what the check then says of it."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    containers = {
        name: container.model_copy(update={"name": name}) for name, (container, _) in CASES.items()
    }
    environment = {"services": {name: dict(DECLARED) for name in CASES}}
    # The inspected container is of such a machine.
    machine = shop.MACHINE.model_copy(update={"cgroup_version": "1"})
    observed = shop.facts(containers=containers, machine=machine)
    folder = tmp_path_factory.mktemp("specification")
    return shop.replay(folder, environment, observed, "-k", "not containers")


@pytest.mark.parametrize("name", CASES)
def test_service(ran: Ran, name: str) -> None:
    expected = {f"{check}[{name}]": f"{name} {line}" for check, line in CASES[name][1].items()}
    failed = {
        check: line
        for check, (outcome, line) in ran.results("shop").items()
        if check.endswith(f"[{name}]") and outcome == "FAIL"
    }
    assert failed == expected


@pytest.mark.parametrize("check", FINDINGS)
def test_finding(ran: Ran, check: str) -> None:
    (found,) = [each for each in ran.verdict("shop")["checks"] if each["id"] == check]
    observed = {"evidence": found["evidence"], "hints": recorded(found["hints"])}
    assert observed == FINDINGS[check]


OTHERS = {
    "configuration.host_network", "configuration.privileged", "configuration.root_access",
}  # fmt: skip


def test_every_check_of_a_service_has_a_finding() -> None:
    cases = {check for _, lines in CASES.values() for check in lines}
    assert {check.partition("[")[0] for check in FINDINGS} == cases - OTHERS


def test_old_snapshot(tmp_path: Path) -> None:
    """It holds no settings: they were neither as declared nor otherwise."""
    creation = changed().creation.model_copy(update={"settings": None, "root_access": {}})
    old = changed().model_copy(update={"name": "old", "creation": creation})
    environment = {"services": {"old": {**DECLARED, "gpus": "all"}}}
    ran = shop.replay(
        tmp_path,
        environment,
        shop.facts(containers={"old": old}),
        "-k",
        "not containers and not test_pids_free",
    )
    reason = "could not be evaluated: the snapshot does not hold the settings of containers"
    checks = {check.partition("[")[0] for check in FINDINGS} - {
        "networks.networks",
        "networks.network_mode",
    }
    assert ran.results("shop") == {f"{check}[old]": ("UNKNOWN", reason) for check in checks}
