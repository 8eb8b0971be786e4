"""Further settings of a container are those that the Compose file specifies."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackproof.environment.loader import load
from stackproof.facts.container import Container
from stackproof.facts.options import OF_A_REMOVED_ONE, OptionValue
from tests import shop
from tests.suites.specified import BIND, RAW, VOLUME, changed

MIB = 1 << 20
BACK = RAW["NetworkSettings"]["Networks"]["shop_back"]
SECCOMP = '{"defaultAction": "SCMP_ACT_ALLOW"}'


def health(**values: Any) -> Container:
    return changed(Config={"Healthcheck": {"Test": ["CMD", "true"], **values}})


def config(**values: Any) -> Container:
    return changed(Config=values)


def host(**values: Any) -> Container:
    return changed(HostConfig=values)


def back(**values: Any) -> Container:
    return changed(Networks={"shop_back": {**BACK, **values}})


def port(address: str) -> Container:
    return host(PortBindings={"80/tcp": [{"HostIp": address, "HostPort": "8080"}]})


def removed(container: Container) -> Container:
    """The container after the one whose IPC namespace it has was replaced."""
    settings = container.creation.settings
    assert settings
    assert settings.options
    options = {**settings.options, "ipc": OptionValue.of("ipc", OF_A_REMOVED_ONE)}
    creation = container.creation.model_copy(
        update={"settings": settings.model_copy(update={"options": options})}
    )
    return container.model_copy(update={"creation": creation})


REMOVED = removed(host(PidMode="container:api", IpcMode="container:api"))
# By name: the check, what the Compose file says, a container that is like that, another one, and
# what is said of the other.
CASES: Mapping[str, tuple[str, str, Container, Container, str]] = {
    "interval": (
        "options.health_check",
        "healthcheck: {test: [CMD, 'true'], interval: 1m30s}",
        health(Interval=90 * 10**9), health(Interval=30 * 10**9),
        "healthcheck interval: expected 90s, observed 30s",
    ),
    "timeout": (
        "options.health_check",
        "healthcheck: {test: [CMD, 'true'], timeout: 500ms}",
        health(Timeout=500 * 10**6), health(),
        "healthcheck timeout: expected 0.5s, observed 30s",
    ),
    "retries": (
        "options.health_check",
        "healthcheck: {test: [CMD, 'true'], retries: 3}",
        health(), health(Retries=10),
        "healthcheck retries: expected 3, observed 10",
    ),
    "start-period": (
        "options.health_check",
        "healthcheck: {start_period: 40s, retries: 5}",
        health(StartPeriod=40 * 10**9, Retries=5), health(),
        "healthcheck retries and healthcheck start_period: expected 5, 40s, observed 3, 0s",
    ),
    "disabled": (
        "options.health_check",
        "healthcheck: {disable: true, interval: 5s}",
        changed(Config={"Healthcheck": {"Test": ["NONE"]}}), health(),
        "healthcheck disable: expected true, observed false",
    ),
    "without-test": (
        "options.health_check",
        "healthcheck: {test: [NONE]}",
        changed(Config={"Healthcheck": None}), health(),
        "healthcheck disable: expected true, observed false",
    ),
    "init": (
        "options.process",
        "init: true", host(Init=True), host(Init=None), "init: expected true, observed false"),
    "signal": (
        "options.process",
        "stop_signal: QUIT", config(StopSignal="SIGQUIT"), config(StopSignal="15"),
        "stop_signal: expected SIGQUIT, observed SIGTERM",
    ),
    "grace": (
        "options.process",
        "stop_grace_period: 1m30s", config(StopTimeout=90), config(),
        "stop_grace_period: expected 90s, observed 1s",
    ),
    "folder": (
        "options.process",
        "working_dir: /app/", config(WorkingDir="/app"), config(WorkingDir="/srv"),
        "working_dir: expected /app, observed /srv",
    ),
    "terminal": (
        "options.process",
        "tty: true\n    stdin_open: true", config(Tty=True, OpenStdin=True), config(OpenStdin=True),
        "tty: expected true, observed false",
    ),
    "names": (
        "options.network",
        "hostname: web\n    domainname: shop.example",
        config(Hostname="web", Domainname="shop.example"), config(Hostname="b662d2c3fd37"),
        "domainname and hostname: expected shop.example, web, observed none, b662d2c3fd37",
    ),
    "resolver": (
        "options.network",
        "dns: [9.9.9.9, 1.1.1.1]\n    dns_search: a.example",
        host(Dns=["9.9.9.9", "1.1.1.1"], DnsSearch=["a.example"]),
        host(Dns=["1.1.1.1", "9.9.9.9"], DnsSearch=["a.example"]),
        "dns: expected 9.9.9.9, 1.1.1.1, observed 1.1.1.1, 9.9.9.9",
    ),
    "address": (
        "options.network",
        "networks: {back: {ipv4_address: 172.30.0.9}}",
        back(IPAMConfig={"IPv4Address": "172.30.0.9"}), back(IPAMConfig=None),
        "ipv4_address shop_back: expected 172.30.0.9, observed none",
    ),
    "link": (
        "options.network",
        "links: [api:backend]",
        back(Links=["shop-api-1:backend", "shop-api-1:api-1"]), back(Links=None),
        "links backend: expected linked, observed none",
    ),
    "link-without-network": (
        "options.network",
        "network_mode: bridge\n    links: [api:backend]",
        host(Links=["/shop-api-1:/shop-web-1/backend"]), host(Links=None),
        "links backend: expected linked, observed none",
    ),
    "only-ipv4": (
        "options.network",
        "ports: ['0.0.0.0:8080:80']", port("0.0.0.0"), port(""),  # noqa: S104
        "host_ip 80/tcp: expected 0.0.0.0, observed any",
    ),
    "everywhere": (
        "options.network",
        "ports: ['8080:80']", port(""), port("::"), ""),
    "pid": (
        "options.isolation",
        "pid: host", host(PidMode="host"), host(), "pid: expected host, observed none"),
    "ipc": (
        "options.isolation",
        "ipc: 'service:api'", host(IpcMode="container:5e5e"), host(IpcMode="private"),
        "ipc: expected that of another container, observed private",
    ),
    "sysctl": (
        "options.isolation",
        "sysctls: [net.core.somaxconn=1024]",
        host(Sysctls={"net.core.somaxconn": "1024"}), host(Sysctls={"net.core.somaxconn": "128"}),
        "sysctls net.core.somaxconn: expected 1024, observed 128",
    ),
    "profiles": (
        "options.isolation",
        "security_opt: ['seccomp=unconfined', 'apparmor:web', 'label:disable']",
        host(SecurityOpt=["seccomp=unconfined", "apparmor=web"]), host(SecurityOpt=None),
        "security_opt apparmor and security_opt seccomp: expected web, unconfined, "
        "observed none, none",
    ),
    "profile-from-file": (
        "options.isolation",
        "security_opt: ['seccomp:./seccomp.json']",
        host(SecurityOpt=['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']),
        host(SecurityOpt=['seccomp={"defaultAction":"SCMP_ACT_LOG"}']),
        "security_opt seccomp: expected profile e658ea75, observed profile 2aff5d48",
    ),
    "profile-elsewhere": (
        "options.isolation",
        "security_opt: ['seccomp:/srv/profile.json']",
        host(SecurityOpt=['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']), host(), "",
    ),
    "groups": (
        "options.isolation",
        "group_add: [1000, mail]", host(GroupAdd=["mail", "1000"]), host(GroupAdd=["mail"]),
        "group_add: expected 1000, mail, observed mail",
    ),
    "tmpfs": (
        "options.mounts",
        "tmpfs: ['/run:size=64m,mode=755', '/other:size=10%']",
        host(Tmpfs={"/run": "size=67108864,mode=0755", "/other": ""}),
        host(Tmpfs={"/run": "size=1m,mode=755"}),
        "tmpfs_size /run: expected 64 MiB, observed 1 MiB",
    ),
    "tmpfs-options": (
        "options.mounts",
        "tmpfs: ['/run:mode=1770,noexec,uid=33', '/plain', '/ro:ro']",
        host(Tmpfs={"/run": "uid=33,noexec,mode=1770", "/plain": "", "/ro": "ro"}),
        host(Tmpfs={"/run": "uid=33,mode=1777", "/plain": "exec", "/ro": "ro"}),
        "tmpfs_options /plain and tmpfs_options /run: expected none, mode=1770, noexec, uid=33, "
        "observed exec, mode=1777, uid=33",
    ),
    "tmpfs-mode": (
        "options.mounts",
        "volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 0700}}, {type: tmpfs, target: /u}]",
        host(Mounts=[{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"Mode": 0o700}},
                     {"Type": "tmpfs", "Target": "/u"}]),
        host(Mounts=[{"Type": "tmpfs", "Target": "/t"},
                     {"Type": "tmpfs", "Target": "/u", "TmpfsOptions": {"Mode": 0o1777}}]),
        "tmpfs_options /t and tmpfs_options /u: expected mode=700, none, "
        "observed none, mode=1777",
    ),
    "volumes-from": (
        "options.mounts",
        "volumes_from: [api:ro]", host(VolumesFrom=["1f" * 32]), host(VolumesFrom=None),
        "volumes_from: expected that of another container, observed none",
    ),
    "block-devices": (
        "options.limits",
        "blkio_config: {device_read_bps: [{path: /dev/sda, rate: 12mb}], "
        "device_write_iops: [{path: /dev/sda, rate: 30}]}",
        host(BlkioDeviceReadBps=[{"Path": "/dev/sda", "Rate": 12 * MIB}],
             BlkioDeviceWriteIOps=[{"Path": "/dev/sda", "Rate": 30}], BlkioWeight=0),
        host(BlkioDeviceReadBps=[{"Path": "/dev/sda", "Rate": MIB}],
             BlkioDeviceWriteIOps=[{"Path": "/dev/sda", "Rate": 30}]),
        "blkio_config device_read_bps./dev/sda: expected 12582912, observed 1048576",
    ),
    "tmpfs-long": (
        "options.mounts",
        "volumes: [{type: tmpfs, target: /t, tmpfs: {size: 10m}}]",
        host(Mounts=[{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 10 * MIB}}]),
        host(Mounts=[{"Type": "tmpfs", "Target": "/t"}]),
        "tmpfs_size /t: expected 10 MiB, observed none",
    ),
    "volume-driver": (
        "options.mounts",
        "volumes: ['nfs:/data', '/srv:/srv:rslave']",
        changed(Mounts=[{**VOLUME, "Driver": "nfs"}, {**BIND, "Destination": "/srv",
                                                     "Propagation": "rslave"}]),
        changed(Mounts=[{**VOLUME, "Driver": "local"}, {**BIND, "Destination": "/srv",
                                                       "Propagation": "rprivate"}]),
        "propagation /srv and volume_driver /data: expected rslave, nfs, "
        "observed rprivate, local",
    ),
    "swap": (
        "options.limits",
        "mem_limit: 1g\n    memswap_limit: 1536m",
        host(MemorySwap=1536 * MIB), host(MemorySwap=2048 * MIB),
        "memswap_limit: expected 1.5 GiB, observed 2 GiB",
    ),
    "swap-without-limit": (
        "options.limits",
        "memswap_limit: -1", host(MemorySwap=-1), host(MemorySwap=MIB),
        "memswap_limit: expected unlimited, observed 1 MiB",
    ),
    "reservation": (
        "options.limits",
        "deploy: {resources: {reservations: {memory: 100m}}}",
        host(MemoryReservation=100 * MIB), host(),
        "mem_reservation: expected 100 MiB, observed 0 B",
    ),
    "cpus": (
        "options.limits",
        "cpuset: 0-2\n    cpu_shares: 512",
        host(CpusetCpus="0,1,2", CpuShares=512), host(CpusetCpus="0-1", CpuShares=512),
        "cpuset: expected 0, 1, 2, observed 0, 1",
    ),
    "oom": (
        "options.limits",
        "oom_score_adj: -500", host(OomScoreAdj=-500), host(),
        "oom_score_adj: expected -500, observed 0",
    ),
    "label": (
        "options.labels",
        "labels: {traefik.enable: true, team: shop, empty: ''}",
        config(Labels={"traefik.enable": "true", "team": "shop", "empty": "", "other": "x"}),
        config(Labels={"traefik.enable": "true", "com.docker.compose.project": "shop"}),
        "labels team: expected shop, observed none",
    ),
    "log-options": (
        "options.logging",
        "logging: {driver: json-file, options: {max-file: 3}}",
        host(LogConfig={"Type": "json-file", "Config": {"max-file": "3"}}),
        host(LogConfig={"Type": "json-file", "Config": {}}),
        "logging options.max-file: expected 3, observed none",
    ),
    "privileged": (
        "options.isolation",
        "privileged: true", host(Privileged=True), host(Privileged=False),
        "privileged: expected true, observed false",
    ),
    "devices": (
        "options.isolation",
        "device_cgroup_rules: ['c 1:3 mr', 'a 7:* rmw']",
        host(DeviceCgroupRules=["a 7:* rmw", "c 1:3 mr"]), host(DeviceCgroupRules=["c 1:3 mr"]),
        "device_cgroup_rules: expected a 7:* rmw, c 1:3 mr, observed c 1:3 mr",
    ),
    "of-a-removed-one": (
        "options.isolation",
        "pid: service:api\n    ipc: service:api",
        host(PidMode=f"container:{'1f' * 32}", IpcMode="container:api"), REMOVED,
        "ipc: expected that of another container, observed that of a removed container",
    ),
    "nothing": (
        "options.labels",
        "labels: {}", changed(), host(Init=True, PidMode="host"), ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """The options of each case, as Compose reads them."""
    folder = tmp_path_factory.mktemp("options")
    services = "".join(
        f"  {name}:\n    image: app\n    {text}\n" for name, (_, text, *_) in CASES.items()
    )
    sections = "networks: {back: {}}\nvolumes: {nfs: {driver: nfs}}\n"
    compose = f"name: shop\nservices:\n{services}  api: {{image: api}}\n{sections}"
    (folder / "compose.yaml").write_text(compose, encoding="utf-8")
    (folder / "seccomp.json").write_text(SECCOMP, encoding="utf-8")
    (folder / "shop.yaml").write_text("compose: {files: compose.yaml}", encoding="utf-8")
    environment = load("shop", folder, {"PATH": os.environ["PATH"]}, offline=True)
    return {name: dict(each.options) for name, each in environment.services.items()}


def _failures(
    folder: Path, declared: Mapping[str, Mapping[str, str]], containers: Mapping[str, Container]
) -> dict[str, str]:
    named = {name: each.model_copy(update={"name": name}) for name, each in containers.items()}
    environment = {"services": {name: {"options": declared[name]} for name in CASES}}
    ran = shop.replay(folder, environment, shop.facts(containers=named), "-m", "shop and options")
    return {check: line for check, (_, line) in ran.results("shop").items()}


def test_containers_that_are_as_declared(
    tmp_path: Path, declared: Mapping[str, Mapping[str, str]]
) -> None:
    same = {name: each[2] for name, each in CASES.items()}
    assert _failures(tmp_path, declared, same) == {}


def test_containers_that_are_otherwise(
    tmp_path: Path, declared: Mapping[str, Mapping[str, str]]
) -> None:
    others = {name: each[3] for name, each in CASES.items()}
    said = {
        f"{check}[{name}]": f"{name} {line}"
        for name, (check, _, _, _, line) in CASES.items()
        if line
    }
    assert _failures(tmp_path, declared, others) == said


@pytest.mark.parametrize(
    ("observed", "failed"),
    [
        ([{**VOLUME, "Driver": "nfs"}], []),
        ([{**VOLUME, "Driver": "local"}], ["options.mounts[web]"]),
        # One failure is enough to say that the mount is missing.
        ([], ["mounts.data[web]"]),
        ([{**BIND, "Destination": "/data"}], ["mounts.data[web]"]),
    ],
)
def test_options_of_a_mount_that_is_missing(
    observed: list[Mapping[str, Any]], failed: list[str], tmp_path: Path
) -> None:
    web = {
        "mounts": {"/data": {"kind": "volume", "source": VOLUME["Name"]}},
        "options": {"volume_driver./data": "nfs"},
    }
    facts = shop.facts(containers={"web": changed(Mounts=observed)})
    environment = {"services": {"web": web}}
    ran = shop.replay(tmp_path, environment, facts, "-m", "shop and (options or mounts)")
    assert failed == [check for check in ran.results("shop") if "undeclared" not in check]


def test_a_namespace_of_a_removed_container(
    tmp_path: Path, declared: Mapping[str, Mapping[str, str]]
) -> None:
    """Compose keeps its container unless it is forced; the engine cannot start it."""
    web = REMOVED.model_copy(update={"name": "web", "status": "exited"})
    environment = {"services": {"web": {"options": declared["of-a-removed-one"]}}}
    ran = shop.replay(tmp_path, environment, shop.facts(containers={"web": web}))
    hints = {
        each["id"]: each["hints"][0]["text"].partition(" up ")[2]
        for each in ran.verdict("shop")["checks"]
        if each["id"] in ("options.isolation[web]", "containers.running[web]")
    }
    assert hints == dict.fromkeys(
        ("options.isolation[web]", "containers.running[web]"), "-d --force-recreate web"
    )
