"""A small stack on other engines: green if it is healthy, and red exactly where it is broken."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import Ran
from tests.live.engines import engines
from tests.live.engines.engines import OtherEngine, UnavailableError
from tests.sshd import serving_ssh

pytestmark = pytest.mark.live

UNREPORTED = {f"configuration.log_rotation[{service}]" for service in engines.IMAGES}
# Their volumes are in a mount namespace of their own, which nobody else sees.
UNSEEN = {"host.mounts_free[host]", "host.mounts_writable[host]"}
UNKNOWN: Mapping[str, Set[str]] = {
    "docker": UNSEEN,
    # It does not report the options of the log driver, and has version numbers of its own.
    "podman": {"host.engine_version[host]", *UNREPORTED, *UNSEEN},
}


LOG_SECONDS = 20


@pytest.fixture(scope="module", params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Iterator[OtherEngine]:
    """An engine with the healthy stack on it."""
    if os.geteuid() != 0:
        pytest.skip("needs root: another engine has namespaces of its own")
    # Not in pytest's folder: the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="engines-", dir="/var/tmp"))
    start = {"docker": engines.docker, "podman": engines.podman}[request.param]
    try:
        with start(folder) as started:
            started.load_images()
            started.up()
            yield started
    except UnavailableError as error:
        pytest.skip(f"{request.param} is not available here: {error}")
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Fault:
    """One way to break the stack, and exactly which checks it turns red."""

    inject: Callable[[OtherEngine], object]
    red: Set[str]
    unknown: Set[str] = frozenset()
    down: str = ""
    """The service that does not run: most of its checks are then UNKNOWN."""


def _configure(engine: OtherEngine, old: str, new: str) -> None:
    file = engine.stack / "nginx.conf"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def _pass_to_another_service(engine: OtherEngine) -> None:
    _configure(engine, "http://web:3000", "http://api:5000/health")
    engine.reload()


def _reload_nonsense(engine: OtherEngine) -> None:
    time.sleep(1)  # Podman logs whole seconds, and nginx has only just loaded what is valid
    _configure(engine, "events {}", "events {} nonsense;")
    engine.docker("kill", "--signal=HUP", "engines-nginx")
    ends = time.monotonic() + LOG_SECONDS
    while "[emerg]" not in engine.docker("logs", "engines-nginx"):
        assert time.monotonic() < ends
        time.sleep(0.1)


def _use_another_tag(engine: OtherEngine) -> None:
    engine.docker("tag", "stackproof-lab/web:1", "stackproof-lab/web:2")
    engine.up(WEB_TAG="2")


FAULTS = {
    "redis-stopped": Fault(
        lambda engine: engine.docker("stop", "--time=1", "engines-redis"),
        {"containers.running[redis]", "datastores.ping[redis]"},
        down="redis",
    ),
    "memory-limit": Fault(
        lambda engine: engine.up(WEB_MEMORY="128m"),
        {"resources.memory_limit[web]", "resources.effective_memory[web]"},
    ),
    "another-image": Fault(_use_another_tag, {"identity.image[web]"}),
    "failed-reload": Fault(
        _reload_nonsense,
        {"nginx.config_valid[nginx]", "nginx.log[nginx]"},
        # nginx does not show a configuration that is not valid.
        {"nginx.config_loaded[nginx]", "nginx.config_mounted[nginx]"}
        | {f"nginx.routed[{route}]" for route in ("home", "api", "health")},
    ),
    "wrong-upstream": Fault(
        _pass_to_another_service, {"nginx.routed[home]", "routes.identity[home]"}
    ),
}


def test_a_healthy_stack_is_green(engine: OtherEngine, tmp_path: Path) -> None:
    ran = engine.check(tmp_path)
    assert _of(ran, "FAIL") == set(), ran.output
    assert _of(ran, "UNKNOWN") == UNKNOWN[engine.name], ran.output
    assert ran.verdict("engines")["counts"]["PASS"] > 100


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_turns_red_exactly_its_checks(
    engine: OtherEngine, name: str, tmp_path: Path
) -> None:
    fault = FAULTS[name]
    configuration = (engine.stack / "nginx.conf").read_text()
    fault.inject(engine)
    try:
        ran = engine.check(tmp_path)
    finally:
        (engine.stack / "nginx.conf").write_text(configuration)
        engine.up()
    assert _of(ran, "FAIL") == fault.red, ran.output
    differs = _of(ran, "UNKNOWN") ^ (UNKNOWN[engine.name] | fault.unknown)
    assert {each for each in differs if not each.endswith(f"[{fault.down}]")} == set(), ran.output


ELSEWHERE = {
    f"health.{check}[{service}]" for check in ("answers", "says") for service in ("api", "web")
}
"""What is requested at the addresses of containers."""
REASONS = {
    "here": "a container's own address leads to it only where the engine runs, which is "
    "in a network namespace of its own",
    "ssh": "its address leads elsewhere: the engine's machine has none in its network",
}


def test_addresses_of_containers_in_another_network_namespace(
    engine: OtherEngine, tmp_path: Path
) -> None:
    """The engine is on this machine, but its networks are not."""
    ran = engine.check(tmp_path, "(health or identity)", within=())
    assert _of(ran, "UNKNOWN") == ELSEWHERE, ran.output
    assert _of(ran, "FAIL") == set(), ran.output
    reasons = {line for _, line in ran.results("engines").values()}
    assert reasons == {f"could not be evaluated: {REASONS['here']}"}


@pytest.mark.parametrize("forwarding", ["yes", "no"])
def test_a_socket_of_its_own_behind_ssh(
    engine: OtherEngine, forwarding: str, tmp_path: Path
) -> None:
    (tmp_path / "sshd").mkdir()
    with serving_ssh(tmp_path / "sshd", AllowStreamLocalForwarding=forwarding) as sshd:
        ran = engine.check(
            tmp_path, "(health or identity or resources)", within=(),
            DOCKER_HOST=f"{sshd.address}{engine.address.removeprefix('unix://')}",
            ENGINES_KEY=sshd.key, ENGINES_HOST_KEY=sshd.host_key,
        )  # fmt: skip
    assert _of(ran, "UNKNOWN") == ELSEWHERE, ran.output
    assert _of(ran, "FAIL") == set(), ran.output
    assert all(REASONS["ssh"] in line for _, line in ran.results("engines").values())


def test_tls(engine: OtherEngine, tmp_path: Path) -> None:
    if engine.name != "docker":
        pytest.skip("Podman's service has no TLS")
    tcp = {"DOCKER_HOST": engines.TLS_ADDRESS}
    ran = engine.check(tmp_path / "plain", "identity", **tcp)
    reasons = {line for _, line in ran.results("engines").values()}
    assert len(reasons) == 1
    assert "it expects TLS: declare engine.cert_path" in reasons.pop()
    certificates = str(engine.folder / "certificates")
    for variables in (
        {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": certificates},
        {"ENGINES_CERT_PATH": certificates},
    ):
        ran = engine.check(tmp_path / "tls", "identity", **tcp, **variables)
        assert (ran.exit_code, ran.results("engines")) == (0, {}), ran.output


def test_a_network_with_ipv6_alone(engine: OtherEngine, tmp_path: Path) -> None:
    """Its services are asked at their IPv6 addresses."""
    if engine.name != "docker":
        pytest.skip("one engine with such a network is enough")
    network = ("--ipv4=false", "--ipv6", "--subnet=fd00:5747::/64")
    engine.docker("network", "create", *network, "engines-v6")
    try:
        engine.docker(
            "run", "--detach", "--name=engines-six", "--network=engines-v6", "--init",
            "stackproof-lab/nginx:1", "python3", "-m", "http.server", "8000", "--bind=::",
        )  # fmt: skip
        up = "until (: </dev/tcp/::1/8000) 2>/dev/null; do sleep 0.05; done"
        engine.docker("exec", "engines-six", "timeout", "20", "bash", "-c", up)
        (engine.stack / "environments" / "six.yaml").write_text(SIX)
        ran = engine.check(tmp_path, environment="six")
    finally:
        engine.docker("rm", "--force", "engines-six")
        engine.docker("network", "rm", "engines-v6")
    assert (ran.exit_code, ran.results("six")) == (0, {}), ran.output
    asked = {each["id"] for each in ran.verdict("six")["checks"]}
    assert {"health.answers[six]", "health.listens[six]", "network.attached[six]"} <= asked


SIX = """\
network: {subnet: "fd00:5747::/64"}
services:
  six: {container: engines-six, ports: [8000], listens: true, health: {path: /}}
"""


def _of(ran: Ran, outcome: str) -> set[str]:
    return {check for check, (found, _) in ran.results("engines").items() if found == outcome}
