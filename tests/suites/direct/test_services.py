"""What the checks of services say of several values, long ids and boundaries."""

from typing import Any

import pytest

from stackproof.facts.container import (
    HealthCheckRun,
    HealthState,
    ListedContainer,
    Mount,
    OpenFiles,
    Process,
    Usage,
)
from stackproof.facts.machine import HostFile
from stackproof.facts.settings import CommandLine, Namespace
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved
from tests.shop import AT, GIB, MACHINE, MIB, container, created
from tests.suites.direct.check import (
    Call,
    Said,
    Warnings,
    cases,
    environment,
    says,
    service,
    suite,
    tolerated,
    unknown,
)
from tests.suites.specified import changed

configuration = suite("services/test_configuration.py")
containers = suite("services/test_containers.py")
identity = suite("services/test_identity.py")
mounts = suite("services/test_mounts.py")
resources = suite("services/test_resources.py")
specification = suite("services/test_specification.py")
IMAGE = "sha256:fedcba9876543210"


API = service()
STORED = environment(services={"api": {"secrets": ["a", "b"]}}, secrets={"directory": "./s"})
VOLUME = Mount(kind="volume", source="/v", target="/data", name="shop_data")
ANONYMOUS = Mount(kind="volume", source="/v", target="/cache", name="5e" * 32)
BIND = Mount(kind="bind", source="/opt/app", target="/app")
OTHER = Mount(kind="bind", source="/opt/lib", target="/lib", read_only=True)
TMPFS = Mount(kind="tmpfs", source="", target="/fast")
MOUNTED = container(creation=created(mounts=(BIND, OTHER)))
SICK = HealthState(
    status="unhealthy", failing_streak=2,
    log=(HealthCheckRun(at=AT, exit_code=0, output=""),
         HealthCheckRun(at=AT, exit_code=1, output="down")),
)  # fmt: skip


def listed(state: str = "running", **fields: Any) -> ListedContainer:
    return ListedContainer(
        **{"id": "1", "state": state, "project": "", "service": "", "networks": (), **fields}
    )


def limited(**limits: Any) -> Any:
    return service(limits=limits)


def used(**fields: Any) -> Usage:
    return Usage(**{"memory_limit": Bytes(GIB), "memory_used": Bytes(MIB), **fields})


def files(number: int, limit: int | None = 100) -> Usage:
    return used(most_files=OpenFiles(name="app", used=number, limit=limit))


def specified(**parts: Any) -> Any:
    found = changed().creation.settings
    assert found
    return found.model_copy(update=parts)


WEAK = MACHINE.model_copy(update={"not_enforced": ("CPU", "memory", "process")})

CALLS: list[Any] = [
    (configuration.test_log_driver, (service(logging={"driver": "local"}), container())),
    (configuration.test_log_rotation, (service(logging={"driver": "json-file", "max_size": "1M"}),
     container(creation=created(log_max_size=None)))),
    (configuration.test_secret_files, (STORED.services["api"],
     container(creation=created(mounts=(BIND, VOLUME)),
     unmounted_secrets={"/run/secrets/a": False, "/run/secrets/b": False}), STORED,
     frozenset())),
    (configuration.test_secret_files, (STORED.services["api"],
     container(unmounted_secrets={"/run/secrets/a": True, "/run/secrets/b": True}), STORED,
     frozenset(["/run/secrets/a", "/run/secrets/b", "/run/secrets/c"]))),
    (configuration.test_secret_files, (STORED.services["api"],
     container(unmounted_secrets={"/run/secrets/a": True, "/run/secrets/b": True}), STORED,
     frozenset())),
    (configuration.test_secret_permissions, (API, {"/s/a": HostFile(mode=0o644, owner="root",
     size=1), "/s/b": HostFile(mode=0o666, owner="app", size=1), "/s/c": HostFile(mode=0o600,
     owner="app", size=1)})),
    (configuration.test_secret_permissions, (API, {"/s/c": HostFile(mode=0o640, owner="app",
     size=1)})),
    (configuration.test_secret_variables, (service(public_variables=["B"]),
     container(creation=created(image="postgres:16",
     secret_variables={"POSTGRES_PASSWORD": "name", "B": "name", "C": "format"},
     secret_arguments={"--password": "its command"})), tolerated)),
    (configuration.test_secret_variables, (API,
     container(creation=created(secret_arguments={"--password": "its command",
     "--key": "its entrypoint"})), tolerated)),
    (configuration.test_secret_variables, (service(public_variables=["B"]),
     container(creation=created(secret_variables={"B": "name"})), tolerated)),
    (configuration.test_live_code, (API, MOUNTED)),
    (configuration.test_live_code, (service(host_mounts=["/lib", "/x"]), MOUNTED)),
    (configuration.test_live_code, (service(host_mounts=["/lib", "/app"]), MOUNTED)),
    (configuration.test_code_mounted, (service(host_mounts=["/lib", "/app"]), MOUNTED)),
    (configuration.test_engine_socket, (API, container(creation=created(mounts=(Mount(kind="bind",
     source="/var/run/docker.sock", target="/s"), Mount(kind="bind", source="/run/docker.sock",
     target="/t")))), tolerated)),
    (configuration.test_privileged, (API, container(creation=created(privileged=True)),
     tolerated)),
    (configuration.test_privileged, (service(granted=["privileged"]),
     container(creation=created(privileged=True)), tolerated)),
    (configuration.test_privileged, (service(may=["privileged"]),
     container(creation=created(privileged=True)), tolerated)),
    (configuration.test_host_network, (service(network_mode="host"),
     container(creation=created(network_mode="host")), tolerated)),
    (configuration.test_root_access, (API,
     container(creation=created(root_access={"pid: host": "privileged",
     "cap_add: SYS_ADMIN": "privileged"})), environment(), MACHINE, tolerated)),
    (configuration.test_root_access, (service(cap_add=["SYS_ADMIN"],
     devices=["/dev/sda:/dev/x:r"], mounts={"/x": {"kind": "bind", "source": "/root"}}),
     container(creation=created(root_access={"cap_add: SYS_ADMIN": "privileged",
     "devices: /dev/sda": "privileged", "volumes: /root": "privileged"})), environment(),
     MACHINE, tolerated)),
    (containers.test_exists, (API, None, environment(), {}, False, Warnings())),
    (containers.test_exists, (service(container="shop-api"), None,
     environment(compose_project="shop", services={"api": {"container": "shop-api"}}),
     {"new-api": listed(project="shop", service="api")}, False, Warnings())),
    (containers.test_exists, (API, container(), environment(), {}, False, Warnings())),
    (containers.test_running, (API, None, Warnings())),
    (containers.test_running, (API, container(status="exited", exit_code=3, log_tail=("a", "b")),
     Warnings())),
    (containers.test_running, (service(one_shot=True), container(status="exited", exit_code=3,
     log_tail=("a", "b")), Warnings())),
    (containers.test_running, (service(one_shot=True), container(status="exited"), Warnings())),
    (containers.test_running, (API, container(status="paused"), Warnings())),
    (containers.test_running, (API, container(status="created"), Warnings())),
    (containers.test_running, (API, container(status="exited", namespace=Namespace(id="gone")),
     Warnings())),
    (containers.test_processes, (API, container(), (Process(name="a", pid=1), Process(name="b",
     pid=7, is_dead=True)))),
    (containers.test_healthy, (service(healthcheck="required"), container(health=SICK,
     log_tail=("x", "y")), "")),
    (containers.test_healthy, (service(healthcheck="required"), container(health=None), "")),
    (containers.test_healthy, (service(healthcheck="required"), container(status="exited"), "")),
    (containers.test_healthy, (service(healthcheck="required"), None, "")),
    (containers.test_healthy, (service(healthcheck="if-present"), container(health=None), "")),
    (containers.test_health_check, (service(healthcheck="required"),
     container(health=SICK.model_copy(update={"log": ()})), environment(), "", tolerated)),
    (containers.test_health_check, (service(healthcheck="required"), container(health=None,
     creation=created(has_health_check=False)), environment(), "", tolerated)),
    (containers.test_health_check, (service(healthcheck="required", healthcheck_test=["CMD",
     "true"]), container(health=None, creation=created(has_health_check=False)), environment(),
     "", tolerated)),
    (containers.test_restart_policy, (service(restart="always"), container(), tolerated)),
    (containers.test_restart_policy, (API, container(creation=created(restart="no")), tolerated)),
    (containers.test_restart_policy, (service(one_shot=True),
     container(creation=created(restart="no")), tolerated)),
    (containers.test_oom_killed, (API, container(name="c", oom_killed=True, log_tail=("x", "y")),
     2)),
    (containers.test_oom_killed, (API, container(name="c", status="exited", oom_killed=True,
     memory_limit=None), 0)),
    (containers.test_oom_killed, (API, container(), 1)),
    (containers.test_oom_killed, (API, container(), 0)),
    (identity.test_instances, (API, (container(name="api"),), {"api": listed(), "api-2": listed(),
     "api-3": listed("exited")}, environment())),
    (identity.test_instances, (service(instances=3), (container(name="api"),), {"api": listed()},
     environment(services={"api": {"instances": 3}}))),
    (identity.test_image, (service(image="shop:2"), container(), tolerated)),
    (identity.test_image, (API, container(creation=created(image="shop")), tolerated)),
    (identity.test_image, (API, container(creation=created(image="shop-api:latest",
     compose_project="shop")), tolerated)),
    (identity.test_image, (API, container(creation=created(image="shop_api:latest",
     compose_project="shop")), tolerated)),
    (identity.test_image, (API, container(creation=created(image="shop-web:latest",
     compose_project="shop")), tolerated)),
    (identity.test_stale, (API, container(creation=created(image_id=IMAGE)),
     "sha256:0123456789abcdef")),
    (identity.test_stale, (API, container(creation=created(image_id=IMAGE)), None)),
    (identity.test_stale, (API, container(creation=created(image_id=IMAGE)), IMAGE)),
    (identity.test_origin, (API, container(creation=created(compose_files=("/a/c.yaml",
     "/a/d.yaml"), compose_project="p")), environment(compose_file="compose.yaml",
     compose_project="shop"))),
    (identity.test_origin, (API, container(creation=created(compose_files=(),
     compose_project="")), environment(compose_file="compose.yaml"))),
    (identity.test_origin, (API, container(creation=created(compose_files=("/a/compose.yaml",
     "/a/o.yaml", "/a/p.yaml"), compose_project="shop")),
     environment(compose_file="compose.yaml", compose_overrides=["o.yaml", "p.yaml"]))),
    (identity.test_undeclared, (environment(container_prefix="vpn-", compose_project="shop",
     inactive_services=["debug"]), {"vpn-b": listed("exited"), "vpn-a": listed(project="shop",
     service="x"), "y": listed(project="shop", service="y"), "z": listed("exited",
     project="shop", service="z"), "w/vpn": listed(), "d": listed(project="shop",
     service="debug")}, Warnings())),
    (mounts.test_declared, (service(mounts={"/data": {"source": "shop_data"},
     "/app": {"kind": "bind", "source": "/x", "read_only": True}, "/t": {"kind": "tmpfs"},
     "/w": {"kind": "bind", "source": "/w", "read_only": False}}), MOUNTED, {"/app": BIND,
     "/data": ANONYMOUS, "/w": OTHER.model_copy(update={"target": "/w", "source": "/w"})},
     environment())),
    (mounts.test_declared, (service(mounts={"/data": {"source": "shop_data"},
     "/fast": {"kind": "tmpfs"}}), container(), {"/data": VOLUME, "/fast": TMPFS},
     environment())),
    (mounts.test_undeclared, (service(mounts={"/a": {"source": "x"}, "/b": {"source": "y"}}),
     {"/app": BIND, "/data": VOLUME, "/cache": ANONYMOUS, "/fast": TMPFS, "/lib": OTHER},
     environment())),
    (mounts.test_current, (API, {"/a": "replaced", "/b": "deleted", "/c": ""})),
    (mounts.test_current, (API, {"/a": ""})),
    (resources.test_cpu_limit, (limited(cpus=1.25), container(name="c", cpu_limit=None),
     MACHINE)),
    (resources.test_cpu_limit, (limited(cpus=1.25), container(cpu_limit=2), WEAK)),
    (resources.test_memory_limit, (limited(memory="1G"), container(name="c"), MACHINE)),
    (resources.test_memory_limit, (limited(memory="1G"), container(memory_limit=None), WEAK)),
    (resources.test_effective_memory, (limited(memory="1G"), container(),
     used(memory_limit=Bytes(8 * GIB)), MACHINE)),
    (resources.test_effective_memory, (limited(memory="1G"), container(),
     used(memory_limit=Bytes(2 * GIB)), MACHINE)),
    (resources.test_effective_memory, (limited(memory="9G"), container(),
     used(memory_limit=Bytes(9 * GIB)), MACHINE)),
    (resources.test_effective_memory, (limited(memory=f"{MIB + 65535}"), container(),
     used(memory_limit=Bytes(MIB)), MACHINE)),
    (resources.test_effective_memory, (limited(memory=f"{MIB + 16383}"), container(),
     used(memory_limit=Bytes(MIB)), MACHINE)),
    (resources.test_effective_memory, (limited(memory=f"{MIB + 16385}"), container(),
     used(memory_limit=Bytes(MIB + 16384)), MACHINE)),
    (resources.test_effective_memory, (limited(memory=f"{MIB + 5000}"), container(),
     used(memory_limit=Bytes(MIB + 4096)), MACHINE)),
    (resources.test_effective_memory, (limited(memory=f"{MIB + 65536}"), container(),
     used(memory_limit=Bytes(MIB)), MACHINE)),
    (resources.test_memory_free, (limited(memory="1G", memory_used=0.5),
     used(memory_used=Bytes(512 * MIB)), MACHINE)),
    (resources.test_memory_free, (limited(memory="1G", memory_used=0.5),
     used(memory_used=Bytes(512 * MIB - 1)), MACHINE)),
    (resources.test_pids_free, (limited(pids=100, pids_used=0.5), used(pids=50, pids_limit=100))),
    (resources.test_pids_free, (limited(pids=100, pids_used=0.5), used(pids=49, pids_limit=100))),
    (resources.test_pids_free, (limited(pids=-1), used(pids=10**6))),
    (resources.test_files_free, (limited(files_used=0.5), files(50))),
    (resources.test_files_free, (limited(files_used=0.5), files(49))),
    (resources.test_files_free, (limited(files_used=0.5), files(10**6, None))),
    (resources.test_cpu_throttled, (limited(cpus=1, cpu_throttled=0.5), container(name="c"),
     used(cpu_periods=99, cpu_throttled_periods=50), MACHINE)),
    (resources.test_cpu_throttled, (limited(cpus=1, cpu_throttled=0.5), container(),
     used(cpu_periods=99, cpu_throttled_periods=49), MACHINE)),
    (resources.test_cpu_throttled, (limited(cpus=1, cpu_throttled=0.5), container(),
     used(cpu_periods=202, cpu_throttled_periods=101), MACHINE)),
    (resources.test_pids_limit, (limited(pids=10), container(name="c"), specified(pids=None),
     MACHINE)),
    (resources.test_pids_limit, (limited(pids=-1), container(name="c"), specified(pids=5),
     MACHINE)),
    (resources.test_pids_limit, (limited(pids=-1), container(name="c"), specified(pids=None),
     WEAK)),
    (resources.test_ulimits, (service(ulimits={"nofile": {"soft": 1, "hard": 2}, "nproc": 5}),
     specified(ulimits={}))),
    (resources.test_shm_size, (service(shm_size="1G"), specified(shm_size=Bytes(64 * MIB)))),
    (specification.test_command, (service(command=["a b", "c"]),
     specified(command=CommandLine.of(())))),
    (specification.test_entrypoint, (service(entrypoint=[]),
     specified(entrypoint=CommandLine.of(["x", "y z"])))),
    (specification.test_image_defaults, (service(), specified(), changed().creation.settings)),
    (specification.test_user, (service(user="1:1"), specified(user=""))),
    (specification.test_read_only, (service(read_only=False), specified(read_only=True))),
    (specification.test_cap_add, (service(cap_add=["NET_ADMIN", "SYS_TIME"]), container(),
     specified(capabilities=("CHOWN", "KILL"), default_capabilities=()))),
    (specification.test_cap_add, (service(cap_add=[]), container(),
     specified(capabilities=("CHOWN", "KILL"), default_capabilities=("KILL",)))),
    (specification.test_cap_add, (service(cap_add=["ALL"]), container(),
     specified(capabilities=("CHOWN",), default_capabilities=("CHOWN",)))),
    (specification.test_cap_drop, (service(cap_drop=["KILL", "CHOWN", "SYSLOG"]), container(),
     specified(capabilities=("KILL", "CHOWN")))),
    (specification.test_cap_drop, (service(cap_drop=["ALL"], cap_add=["CHOWN"]), container(),
     specified(capabilities=("KILL", "CHOWN")))),
    (specification.test_cap_drop, (service(cap_drop=["ALL"]),
     container(creation=created(privileged=True)), specified(capabilities=("KILL", "CHOWN")))),
    (specification.test_no_new_privileges, (service(no_new_privileges=False),
     specified(no_new_privileges=True))),
    (specification.test_devices, (service(devices=["/dev/a", "/dev/b:r", "/dev/c:/dev/d",
     "vendor.com/x=y"]), specified(devices=("/dev/y:/dev/y:rwm", "/dev/x:/dev/x:rwm")))),
    (specification.test_devices, (service(devices=[]), specified(devices=("/dev/x:/dev/x:rwm",
     )))),
    (specification.test_devices, (service(devices=["/dev/a"]), specified(devices=()))),
    (specification.test_extra_hosts, (service(extra_hosts=["b=10.0.0.1", "a=10.0.0.2"]),
     specified(extra_hosts=("d:1", "c:2")))),
    (specification.test_extra_hosts, (service(extra_hosts=[]), specified(extra_hosts=("d:1",)))),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), cases(CALLS, "services.yaml"))
def test_what_it_says(call: Call, expected: Said) -> None:
    assert says(call) == expected


NOT_SEEN = {"/s/a": Unobserved(reason="first"), "/s/b": Unobserved(reason="second")}


@pytest.mark.parametrize("check", [configuration.test_secret_permissions, mounts.test_current])
def test_first_of_several_that_are_unobserved(check: Any) -> None:
    assert unknown(check, API, NOT_SEEN) == "first"
