"""What a Compose file leaves out is neither in the container nor other than in its image."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.environment.services import Service
from stackproof.facts.settings import Settings
from stackproof.hint import up
from stackproof.probes.containers.inspect import parse_inspect
from stackproof.probes.containers.settings import parse_image_defaults
from stackproof.suites.services import test_defaults as suite
from tests import shop
from tests.shop import MACHINE
from tests.suites.containers.test_checks_instances import finding_of
from tests.suites.specified import ANONYMOUS, RAW, TMPFS

# The sample has limits and rights of its own.
PLAIN: dict[str, Any] = {
    "CapAdd": None, "CapDrop": None, "Devices": [], "ExtraHosts": None, "Memory": 0, "NanoCpus": 0,
    "PidsLimit": None, "ReadonlyRootfs": False, "SecurityOpt": None, "Tmpfs": None, "Mounts": None,
    "Init": None, "Ulimits": None, "ShmSize": 67108864,
}  # fmt: skip
LEFT_OUT = [
    "mem_limit", "mem_reservation", "cpus", "cpuset", "cpu_shares", "pids_limit", "oom_score_adj",
    "read_only", "cap_add", "cap_drop", "no_new_privileges", "init", "devices", "group_add",
    "extra_hosts", "dns", "tmpfs", "memswap_limit", "stop_grace_period", "tty", "pid", "ipc",
    "privileged", "security_opt", "volumes_from", "uts", "userns_mode",
]  # fmt: skip
PODMAN = MACHINE.model_copy(update={"product": "Podman"})
IMAGE = {"Config": {"Volumes": {"/data/": {}}, "Healthcheck": {"Test": ["CMD", "ok"]}}}
SECOND = 10**9


def _inspect(config: dict[str, Any], mounts: list[Any], **host: Any) -> Any:
    raw = {
        **RAW,
        "Config": {**RAW["Config"], "Tty": False, "StopTimeout": None, **config},
        "HostConfig": {**RAW["HostConfig"], **PLAIN, **host},
        "Mounts": mounts,
    }
    return parse_inspect(Answer(raw))


def _service(**declared: Any) -> Service:
    left = {"left_out": LEFT_OUT, "left_to_image": ["healthcheck", "volumes"], "mounts": {}}
    return Service.model_validate({"name": "web", **left, **declared})


def _settings(container: Any) -> Settings:
    assert container.creation.settings
    return container.creation.settings  # type: ignore[no-any-return]


def _engine(container: Any, **declared: Any) -> str:
    web = _service(**declared)
    found = finding_of(suite.test_engine, web, container, _settings(container), MACHINE)
    assert found.hints == (up("web", "--force-recreate"),)
    return found.headline.removeprefix("web ")


@pytest.mark.parametrize(
    "same", [{}, {"Memory": None, "Init": False, "PidsLimit": -1, "Dns": [], "CpuShares": 0,
                  "CapAdd": [], "OomScoreAdj": 0, "MemorySwap": -1}],
)  # fmt: skip
def test_a_container_with_the_defaults(same: dict[str, Any]) -> None:
    container = _inspect({}, [], **same)
    suite.test_engine(_service(), container, _settings(container), MACHINE)


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ({"Memory": 104857600}, "memory limit: expected none, observed 100 MiB"),
        ({"NanoCpus": 900000000}, "CPU limit: expected none, observed 0.9"),
        ({"PidsLimit": 100}, "process limit: expected none, observed 100"),
        ({"MemoryReservation": 20971520}, "mem_reservation: expected none, observed 20 MiB"),
        ({"CpuShares": 100}, "cpu_shares: expected none, observed 100"),
        ({"CpusetCpus": "0"}, "cpuset: expected none, observed 0"),
        ({"OomScoreAdj": 500}, "oom_score_adj: expected none, observed 500"),
        ({"ReadonlyRootfs": True}, "file system: expected writable, observed read-only"),
        ({"CapAdd": ["CAP_NET_ADMIN"]}, "added capabilities: expected none, observed NET_ADMIN"),
        ({"CapDrop": ["CHOWN"]}, "dropped capabilities: expected none, observed CHOWN"),
        ({"CapDrop": ["ALL"]}, "dropped capabilities: expected none, observed ALL"),
        ({"SecurityOpt": ["no-new-privileges"]},
         "new privileges: expected possible, observed prevented"),
        ({"Init": True}, "init: expected none, observed true"),
        ({"GroupAdd": ["999"]}, "group_add: expected none, observed 999"),
        ({"PidMode": "container:a"}, "pid: expected none, observed that of another container"),
        ({"SecurityOpt": ["apparmor=mine"]}, "security_opt apparmor: expected none, observed mine"),
        ({"Dns": ["10.0.0.1"]}, "dns: expected none, observed 10.0.0.1"),
        ({"ExtraHosts": ["db:10.1.2.3"]}, "extra hosts: expected none, observed db:10.1.2.3"),
        ({"Devices": [{"PathOnHost": "/dev/fuse"}]},
         "devices: expected none, observed /dev/fuse:/dev/fuse:rwm"),
        ({"Tmpfs": {"/run": ""}}, "tmpfs: expected none, observed /run"),
        ({"Memory": 1048576, "Init": True},
         "memory limit and init: expected none, none, observed 1 MiB, true"),
    ],
)  # fmt: skip
def test_what_was_added(host: dict[str, Any], line: str) -> None:
    assert _engine(_inspect({}, [], **host)) == line


@pytest.mark.parametrize(
    ("host", "may", "line"),
    [
        ({"Privileged": True}, "privileged", "privileged: expected none, observed true"),
        ({"PidMode": "host"}, "pid: host", "pid: expected none, observed host"),
        ({"IpcMode": "host"}, "host-namespaces", "ipc: expected none, observed host"),
        ({"SecurityOpt": ["seccomp=unconfined"]}, "unconfined",
         "security_opt seccomp: expected none, observed unconfined"),
        ({"SecurityOpt": ["apparmor=unconfined"]}, "unconfined",
         "security_opt apparmor: expected none, observed unconfined"),
        ({"UTSMode": "host"}, "host-namespaces", "uts: expected none, observed host"),
        ({"UsernsMode": "host"}, "host-namespaces", "userns_mode: expected none, observed host"),
        ({"VolumesFrom": ["a"]}, "volumes-from",
         "volumes_from: expected none, observed that of another container"),
        ({"SecurityOpt": ["seccomp=unconfined"]}, "security_opt: seccomp=unconfined",
         "security_opt seccomp: expected none, observed unconfined"),
        ({"VolumesFrom": ["a"]}, "volumes_from",
         "volumes_from: expected none, observed that of another container"),
    ],
)  # fmt: skip
def test_a_permission_that_was_removed_from_the_compose_file(
    host: dict[str, Any], may: str, line: str
) -> None:
    """That the service may have it does not hide the difference; else another check reports it."""
    container = _inspect({}, [], **host)
    assert _engine(container, may=[may]) == line
    suite.test_engine(_service(), container, _settings(container), MACHINE)


@pytest.mark.parametrize("mode", ["", "private", "shareable", "none"])
def test_the_ipc_namespace_of_an_engine(mode: str) -> None:
    container = _inspect({}, [], IpcMode=mode)
    suite.test_engine(_service(), container, _settings(container), MACHINE)


@pytest.mark.parametrize(
    ("memory", "swap", "line"),
    [
        (64, 128, ""),
        (64, -1, ""),  # without swap accounting
        (64, 0, ""),
        (32, 64, ""),  # `docker update` changed both
        (64, 64, "memswap_limit: expected 128 MiB, twice the memory, observed 64 MiB"),
        (64, 100, "memswap_limit: expected 128 MiB, twice the memory, observed 100 MiB"),
    ],
)
def test_the_swap_of_a_limited_container(memory: int, swap: int, line: str) -> None:
    host = {"Memory": memory << 20, "MemorySwap": swap << 20 if swap > 0 else swap}
    container, declared = _inspect({}, [], **host), {"limits": {"memory": "64m"}}
    if line:
        assert _engine(container, **declared) == line
    else:
        suite.test_engine(_service(**declared), container, _settings(container), MACHINE)


def test_a_grace_period_that_was_removed() -> None:
    container = _inspect({"StopTimeout": 60, "Tty": True}, [])
    line = "stop_grace_period and tty: expected none, none, observed 60s, true"
    assert _engine(container) == line


@pytest.mark.parametrize(
    ("config", "of_image", "line"),
    [
        ({}, {}, ""),
        ({"StopSignal": "SIGTERM", "WorkingDir": "/"}, {}, ""),
        ({"StopSignal": "SIGQUIT", "WorkingDir": "/app"},
         {"StopSignal": "3", "WorkingDir": "/app/"}, ""),
        ({"StopSignal": "SIGQUIT"}, {}, "stop_signal: expected as in its image: SIGTERM, "
         "observed SIGQUIT"),
        ({"WorkingDir": "/old"}, {"WorkingDir": "/app"},
         "working_dir: expected as in its image: /app, observed /old"),
    ],
)  # fmt: skip
def test_the_process_of_the_image(config: Any, of_image: Any, line: str) -> None:
    config = {"StopSignal": "", "WorkingDir": "", "Healthcheck": None, **config}
    settings = _settings(_inspect(config, []))
    image = parse_image_defaults(Answer({"Config": of_image}))
    web = _service(left_to_image=["stop_signal", "working_dir"])
    if line:
        found = finding_of(suite.test_image, web, settings, {}, image, MACHINE)
        assert found.headline == f"web {line}"
    else:
        suite.test_image(web, settings, {}, image, MACHINE)
    old = image.model_copy(update={"process": None})
    suite.test_image(web, settings, {}, old, MACHINE)


def test_what_is_dropped_in_addition_to_what_is_declared() -> None:
    container = _inspect({}, [], CapDrop=["ALL"])
    suite.test_engine(_service(cap_drop=["ALL"]), container, _settings(container), MACHINE)
    line = "dropped capabilities: expected CHOWN, observed ALL"
    assert _engine(container, cap_drop=["CHOWN"]) == line


def test_what_is_declared_elsewhere_is_not_left_out() -> None:
    """The environment file overrides the Compose file; other checks compare it."""
    container = _inspect(
        {}, [TMPFS], Memory=1048576, NanoCpus=10**9, PidsLimit=9, ReadonlyRootfs=True, Init=True,
        CapAdd=["NET_ADMIN"],
    )  # fmt: skip
    web = _service(
        limits={"memory": "2m", "cpus": 2, "pids": 3}, read_only=False, cap_add=[],
        options={"init": False}, mounts={TMPFS["Destination"]: {"kind": "tmpfs"}},
    )  # fmt: skip
    suite.test_engine(web, container, _settings(container), MACHINE)


def test_a_privileged_container_holds_every_capability() -> None:
    container = _inspect({}, [], Privileged=True)
    suite.test_engine(_service(), container, _settings(container), MACHINE)


def test_podman_can_add_all_but_limits() -> None:
    container = _inspect({}, [TMPFS], PidsLimit=2048, Init=True, CapDrop=["CHOWN"])
    suite.test_engine(_service(), container, _settings(container), PODMAN)
    limited = _inspect({}, [], Memory=1048576)
    found = finding_of(suite.test_engine, _service(), limited, _settings(limited), PODMAN)
    assert found.headline == "web memory limit: expected none, observed 1 MiB"


@pytest.mark.parametrize(
    ("check", "image", "line"),
    [
        (IMAGE["Config"]["Healthcheck"], IMAGE, ""),
        (None, {"Config": {}}, ""),
        ({"Test": ["CMD", "ok"], "Retries": 3, "Interval": 30 * SECOND}, IMAGE, ""),
        (None, IMAGE, "health check: expected as in its image: CMD ok, observed none"),
        ({"Test": ["NONE"]}, IMAGE,
         "health check: expected as in its image: CMD ok, observed none"),
        ({"Test": ["NONE"]}, {"Config": {}}, ""),
        ({"Test": ["CMD", "no"]}, {"Config": {}},
         "health check: expected as in its image: none, observed CMD no"),
        ({"Test": ["CMD", "ok"], "Retries": 5}, IMAGE,
         "health check retries: expected the default: 3, observed 5"),
        ({"Test": ["CMD", "ok"]},
         {"Config": {"Healthcheck": {"Test": ["CMD", "ok"], "Interval": 2 * SECOND}}},
         "health check interval: expected as in its image: 2s, observed 30s"),
    ],
)  # fmt: skip
def test_the_health_check_of_the_image(check: Any, image: dict[str, Any], line: str) -> None:
    container = _inspect({"Healthcheck": check}, [])
    web, settings, of_image = _service(), _settings(container), parse_image_defaults(Answer(image))
    if not line:
        suite.test_image(web, settings, {}, of_image, MACHINE)
        return
    found = finding_of(suite.test_image, web, settings, {}, of_image, MACHINE)
    assert found.headline == f"web {line}"
    suite.test_image(web, settings, {}, of_image, PODMAN)


def test_a_part_of_the_health_check_is_declared() -> None:
    container = _inspect({"Healthcheck": {"Test": ["CMD", "no"], "Retries": 5}}, [])
    web = _service(healthcheck_test=["CMD", "no"], options={"healthcheck.retries": 4})
    image = parse_image_defaults(Answer(IMAGE))
    suite.test_image(web, _settings(container), {}, image, MACHINE)


def test_anonymous_volumes() -> None:
    places = ("/data", "/scratch", "/cache")
    container = _inspect(
        {"Healthcheck": IMAGE["Config"]["Healthcheck"]},
        [{**ANONYMOUS, "Destination": path} for path in places],
    )
    mounts = {each.target: each for each in container.creation.mounts}
    image = parse_image_defaults(Answer(IMAGE))
    given = (_settings(container), mounts, image, MACHINE)
    web = _service(mounts={"/cache": {"kind": "volume"}})
    found = finding_of(suite.test_image, web, *given)
    assert found.headline == "web anonymous volumes: expected none, observed /scratch"
    suite.test_image(_service(mounts=None), *given)


def test_in_a_run(tmp_path: Path) -> None:
    declared = {"left_out": ["mem_limit", "init"], "left_to_image": ["healthcheck"]}
    web = _inspect({"Healthcheck": None}, [], Memory=1048576).model_copy(update={"name": "web"})
    image = parse_image_defaults(Answer(IMAGE))
    observed = shop.facts(containers={"web": web}, image_defaults={"web": image})
    ran = shop.replay(
        tmp_path, {"services": {"web": declared}}, observed, "-m", "shop and defaults"
    )
    assert ran.results("shop") == {
        "defaults.engine[web]": ("FAIL", "web memory limit: expected none, observed 1 MiB"),
        "defaults.image[web]": (
            "FAIL", "web health check: expected as in its image: CMD ok, observed none"
        ),
    }  # fmt: skip


def test_an_old_snapshot(tmp_path: Path) -> None:
    web = _inspect({}, []).model_copy(update={"name": "web"})
    image = parse_image_defaults(Answer(IMAGE)).model_copy(update={"volumes": None})
    observed = shop.facts(containers={"web": web}, image_defaults={"web": image})
    declared = {"services": {"web": {"left_to_image": ["healthcheck", "volumes"]}}}
    ran = shop.replay(tmp_path, declared, observed, "-k", "test_image")
    assert ran.results("shop")["defaults.image[web]"][0] == "UNKNOWN"
